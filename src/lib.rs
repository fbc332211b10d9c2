//! Persistent, isolated sessions for AI coding agents: a rootless Podman container each, with a
//! Zellij server inside that keeps the agent at work when the terminal is gone.
//!
//! # Architecture
//!
//! ```text
//! argv -> Cli -> commands::x::run(&Context, &Args) -> Outcome { report, attach } -> render -> stdout
//!                                                                              \-> attach -> terminal
//! ```
//!
//! A command returns a [`report`](report::Report): a table, JSON and any other form are renderings
//! of it. It never takes over the terminal and never asks: it returns an [`Attach`](commands::Attach),
//! or fails with an error that says what is missing, and the edge carries that out. `main` runs a
//! command again when [`prompt`] has completed it.
//!
//! The plugin for Nushell, in `nu` and behind the feature of that name, is another edge: its commands
//! are made from the clap tree, its values from the reports and their [`schema`]s.
//!
//! Dependencies point one way: `main -> cli -> commands -> {recovery, settings, project, trust, config,
//! container, session, agent, image, mount, credentials} -> podman -> process`. [`report`] and
//! [`error`] are leaves; [`schema`] is derived from them.
//!
//! Inside a container, the scripts of `images/base/lib` are the other half: `main` waits for the
//! container's end and lets all others end before it, `up` makes sure of the Zellij server and the
//! agent, `attach` and `detach` handle terminals by token, `agent` runs the agent or goes on with its
//! conversation, `versions` tells what is inside. What they are to do comes to them in the
//! container's environment, fixed when it was made.
//!
//! # Invariants
//!
//! - Below `main`, [`prompt`], [`progress`] and [`attach`] nothing prints, asks, exits or reads the
//!   process's own directory and environment. Clippy holds this (`clippy.toml`, `Cargo.toml`).
//! - Only [`process`] makes processes; [`attach`] starts the one that gets the terminal. Podman's
//!   JSON is private to [`podman`].
//! - What exists is what Podman says exists: labels on a session's container and on its home volume
//!   carry all that there is to know of it. Locks are files; nothing is ever read from them.
//!   [`glimpse`] reads podman's own files, for prompts and completions alone.
//! - A project's file is bytes until its user allowed it ([`trust`]); the records of that are all
//!   that this program keeps and reads back.
//! - Every command can be repeated from any state that a crash can leave.
//! - A failure is never turned into an empty result.
//! - No decision is taken on podman's words where an exit code or a JSON field can decide.
//!
//! # Non-goals
//!
//! - Other engines than Podman.
//! - A daemon: the container is what lives on.
//! - A database of its own.
//! - A virtual machine: the wall is the kernel's, shared with the host.

pub mod agent;
pub mod attach;
pub mod cli;
pub mod commands;
pub mod complete;
pub mod config;
pub mod container;
pub mod context;
pub mod credentials;
pub mod doctor;
pub mod error;
pub mod glimpse;
pub mod host;
pub mod image;
pub mod lock;
pub mod mount;
#[cfg(feature = "nu")]
pub mod nu;
pub mod podman;
pub mod process;
pub mod progress;
pub mod project;
pub mod prompt;
pub mod recovery;
pub mod render;
pub mod report;
pub mod schema;
pub mod session;
pub mod settings;
pub mod shell;
pub mod text;
pub mod trust;
