//! Black-box tests: the real program, real podman, real terminals, real agents.
//!
//! `tests/run.sh` prepares the machine and runs them.
#![allow(
    missing_docs,
    unreachable_pub,
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    clippy::pedantic,
    reason = "tests start processes and fail loudly"
)]

mod support;

mod agents;
mod attach;
mod bare;
mod build;
mod claude;
mod completions;
mod concurrency;
mod config;
mod credentials;
mod day;
mod doctor;
mod doctor_missing;
mod doctor_sessions;
mod doctor_words;
mod errors;
mod fallbacks;
mod help;
mod hook_company;
mod hook_names;
mod hook_sessions;
mod hooks;
mod hostile;
mod inspect;
mod install;
mod installed;
mod ls;
mod man;
mod mounts;
mod opencode;
mod pictures;
mod project;
mod prompts;
mod readme;
mod rm;
mod rootless;
mod schema;
mod start;
mod status;
mod stop;
mod troubleshooting;
mod trust;
mod walkthrough;
