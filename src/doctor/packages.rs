//! How this machine's packages are installed.

use super::Command;
use crate::context::Context;

/// The package managers, and what comes before the names of packages.
const MANAGERS: [(&str, &[&str]); 6] = [
    ("apt-get", &["install", "-y"]),
    ("dnf", &["install", "-y"]),
    ("pacman", &["-S", "--noconfirm"]),
    ("zypper", &["--non-interactive", "install"]),
    ("apk", &["add"]),
    ("brew", &["install"]),
];

/// The command that installs a package; its name where a manager has another one is in `others`.
pub(super) fn install(ctx: &Context, package: &str, others: &[(&str, &str)]) -> Vec<Command> {
    let here = |(manager, _): &&(&str, _)| ctx.programs.find(manager).is_some();
    let Some((manager, words)) = MANAGERS.iter().find(here) else { return Vec::new() };
    let other = others.iter().find(|(with, _)| with == manager);
    let package = other.map_or(package, |(_, package)| package);
    let words = [&[*manager], *words, &[package]].concat();
    // Homebrew refuses to work as root.
    vec![if *manager == "brew" { Command::new(&words) } else { Command::as_root(&words) }]
}
