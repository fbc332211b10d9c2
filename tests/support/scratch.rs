//! A place for `shell/install.sh` where every program that it calls is replaced by one that writes
//! down how it was called.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use portable_pty::CommandBuilder;

use super::{Output, Terminal};

/// The script.
pub const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/shell/install.sh");
/// What the script may use of a system.
const TOOLS: &str = "sh awk basename cat cmp cp cut dirname env getent grep head ls mkdir mv rm rmdir sed sort tail tr \
                     uname";
/// Every stub writes down its words, then does this. Cargo installs all that is in `stubs`.
const RUSTC: &str =
    "case $1 in -vV) echo host: ${FAKE_HOST:-any};; *) echo 'rustc 99.1.0 (0 2026-01-01)';; esac";
const CARGO: &str = r#"case $1 in install) list=install;; uninstall) list=uninstall;; *) exit 0;; esac
while [ $# -gt 1 ]; do case $1 in --root) root=$2;; esac; shift; done
if [ $list = install ]; then
  mkdir -p "$root/bin"; printf '[v1]\n"agent-session" = []\n' >"$root/.crates.toml"; echo '{}' >"$root/.crates2.json"
  cp "$HOME/../stubs/"* "$root/bin/"
else
  for program in "$HOME/../stubs/"*; do rm "$root/bin/${program##*/}"; done; printf '[v1]\n' >"$root/.crates.toml"
fi"#;
/// No session, and nothing amiss.
const PROGRAM: &str =
    "case $1 in inspect) exit 3;; ls) echo 'No sessions.';; init) echo true;; esac";

/// A home, and programs that write down how they are called.
pub struct Scratch {
    root: tempfile::TempDir,
    /// The user's shell.
    pub shell: &'static str,
    /// What runs the script.
    pub interpreter: Vec<&'static str>,
    /// The script, of this checkout or of a copy.
    pub script: PathBuf,
    /// Further variables.
    pub vars: Vec<(&'static str, String)>,
}

impl Scratch {
    /// A machine that has nothing but Rust and this package manager.
    pub fn with(manager: &str, script: &str) -> Self {
        let root = tempfile::Builder::new().prefix("as-install-").tempdir().unwrap();
        let scratch = Self {
            root,
            shell: "/bin/bash",
            interpreter: vec!["sh"],
            script: SCRIPT.into(),
            vars: Vec::new(),
        };
        for folder in ["home/project", "bin", "stubs"] {
            fs::create_dir_all(scratch.path(folder)).unwrap();
        }
        for tool in TOOLS.split_whitespace() {
            symlink(find(tool), scratch.path("bin").join(tool)).unwrap();
        }
        scratch.stub("rustc", RUSTC);
        scratch.stub("cargo", CARGO);
        scratch.stub("id", "case $1 in -un) echo me;; *) echo ${FAKE_UID:-0};; esac");
        scratch.stub("sudo", r#"exec "$@""#);
        scratch.program(PROGRAM);
        if !manager.is_empty() {
            scratch.stub(manager, script);
        }
        scratch
    }

    /// The same where Podman is there already, and a linker, and nothing is to be installed.
    pub fn ready() -> Self {
        let scratch = Self::with("pacman", "");
        scratch.stub("podman", "echo 'podman version 5.4.2'");
        scratch
    }

    pub fn path(&self, relative: &str) -> PathBuf {
        self.root.path().join(relative)
    }

    pub fn home(&self, relative: &str) -> PathBuf {
        self.path("home").join(relative)
    }

    pub fn read(&self, relative: &str) -> String {
        fs::read_to_string(self.home(relative)).unwrap_or_default()
    }

    pub fn stub(&self, name: &str, script: &str) {
        self.executable(&format!("bin/{name}"), name, script);
    }

    /// Has the script be of a copy of this checkout, which may be changed.
    pub fn copy_checkout(&mut self) -> PathBuf {
        let checkout = self.path("checkout");
        fs::create_dir(&checkout).unwrap();
        for part in ["shell", "completions", "docs", "Cargo.toml", "Cargo.lock"] {
            let source = Path::new(env!("CARGO_MANIFEST_DIR")).join(part);
            let copied = Command::new("cp").arg("-r").arg(source).arg(&checkout).status();
            assert!(copied.unwrap().success());
        }
        self.script = checkout.join("shell/install.sh");
        checkout
    }

    /// What `cargo install` is to install.
    pub fn program(&self, script: &str) {
        self.executable("stubs/agent-session", "agent-session", script);
    }

    /// Replaces a program by another.
    pub fn executable_at(&self, file: &str, script: &str) {
        self.executable(file, "agent-session", script);
    }

    fn executable(&self, file: &str, name: &str, script: &str) {
        let log = self.path("log");
        let text = format!("#!/bin/sh\necho \"{name} $*\" >>'{}'\n{script}\n", log.display());
        let path = self.path(file);
        let _ = fs::remove_file(&path);
        fs::write(&path, text).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn vars(&self) -> Vec<(&str, PathBuf)> {
        let more = self.vars.iter().map(|(name, value)| (*name, value.into()));
        [
            ("PATH", self.path("bin")),
            ("HOME", self.path("home")),
            ("SHELL", self.shell.into()),
            ("TERM", "xterm".into()),
        ]
        .into_iter()
        .chain(more)
        .collect()
    }

    fn words(&self, args: &[&str]) -> Vec<String> {
        let script = self.script.to_str().unwrap();
        let head = self.interpreter.iter().copied().chain([script]);
        head.chain(args.iter().copied()).map(String::from).collect()
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let words = self.words(args);
        let mut command = Command::new(find(&words[0]));
        command.args(&words[1..]).current_dir(self.home("project")).env_clear();
        command.envs(self.vars()).stdin(Stdio::null());
        command
    }

    pub fn run(&self, args: &[&str]) -> Output {
        finish(self.command(args))
    }

    pub fn ok(&self, args: &[&str]) -> Output {
        let output = self.run(args);
        assert_eq!(output.code, 0, "{args:?}: {}{}", output.stdout, output.stderr);
        output
    }

    pub fn terminal(&self, args: &[&str]) -> Terminal {
        let words = self.words(args);
        let mut command = CommandBuilder::new(find(&words[0]));
        command.args(&words[1..]);
        command.cwd(self.home("project"));
        command.env_clear();
        for (key, value) in self.vars() {
            command.env(key, value);
        }
        Terminal::of(command)
    }

    /// How the stubs were called since the last look.
    pub fn calls(&self) -> Vec<String> {
        let text = fs::read_to_string(self.path("log")).unwrap_or_default();
        let _ = fs::remove_file(self.path("log"));
        text.lines().map(String::from).collect()
    }

    pub fn called(&self, begin: &str) -> Vec<String> {
        self.calls().into_iter().filter(|call| call.starts_with(begin)).collect()
    }

    /// Every file, its contents, and when its directory entry or contents changed last.
    pub fn files(&self) -> Vec<(PathBuf, String, i64)> {
        let mut all = vec![self.path("home")];
        let mut found = Vec::new();
        while let Some(path) = all.pop() {
            let changed = fs::symlink_metadata(&path).unwrap();
            if path.is_dir() {
                all.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            }
            let text = fs::read_to_string(&path).unwrap_or_default();
            found.push((path, text, changed.ctime() * 1_000_000_000 + changed.ctime_nsec()));
        }
        found.sort();
        found
    }

    /// Every file and its contents.
    pub fn contents(&self) -> Vec<(PathBuf, String)> {
        self.files().into_iter().map(|(path, text, _)| (path, text)).collect()
    }
}

/// Where a program of the system is.
pub fn find(program: &str) -> PathBuf {
    let folders = ["/usr/bin", "/bin", "/usr/sbin"];
    let mut all = folders.iter().map(|folder| Path::new(folder).join(program));
    all.find(|path| path.exists()).unwrap_or_else(|| panic!("{program} is not installed"))
}

/// Runs a command to its end.
pub fn finish(mut command: Command) -> Output {
    let output = command.output().unwrap();
    Output {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}
