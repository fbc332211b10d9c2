//! The plugin and the module for Nushell, under `nu-plugin-test-support` and with the real `nu`.
#![allow(
    missing_docs,
    unreachable_pub,
    dead_code,
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    clippy::pedantic,
    reason = "tests start processes and fail loudly"
)]

mod support;

#[path = "nushell/bench.rs"]
mod bench;
#[path = "nushell/data.rs"]
mod data;
#[path = "nushell/examples.rs"]
mod examples;
#[path = "nushell/install.rs"]
mod install;
#[path = "nushell/module.rs"]
mod module;
#[path = "nushell/readme.rs"]
mod readme;
#[path = "nushell/terminal.rs"]
mod terminal;
#[path = "nushell/tmux.rs"]
mod tmux;
