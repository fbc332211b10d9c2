//! A bare Debian with the Rust of this machine: a root directory, booted by `tests/machine.sh`.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use portable_pty::CommandBuilder;

use super::{Output, Terminal, var};

const PATH: &str = "/opt/rust/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/machine.sh");
/// What the kernel and the machine's owner bring, and where this machine lends it something.
const NOT_ITS_OWN: [&str; 9] =
    ["dev", "proc", "sys", "run", "opt", "src", "tmp", "var/tmp", "var/lib/containers"];

/// Who works on a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum User {
    Root,
    /// An ordinary user, with sudo.
    Mia,
}

impl User {
    fn name(self) -> &'static str {
        if self == Self::Root { "root" } else { "mia" }
    }

    fn id(self) -> u32 {
        if self == Self::Root { 0 } else { 1000 }
    }

    /// The home directory, relative to the root.
    pub fn home(self) -> &'static str {
        if self == Self::Root { "root" } else { "home/mia" }
    }
}

/// A file as it is: kind and mode, owner, and what it holds.
type Entry = (u32, u32, Vec<u8>);
/// Files by their path.
pub type Contents = BTreeMap<PathBuf, Entry>;

/// A machine, and who works on it.
pub struct Machine {
    folder: tempfile::TempDir,
    user: User,
    /// What keeps it up, and the process id of its init.
    running: Option<(Child, String)>,
}

impl Machine {
    /// Unpacks one; what is cached of cargo's downloads and of Zellij's build is on it.
    pub fn new(user: User) -> Self {
        let state = PathBuf::from(var("AGENT_SESSION_TEST_DIR"));
        let folder = tempfile::Builder::new().prefix("machine-").tempdir_in(&state).unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let machine = Self { folder, user, running: None };
        fs::create_dir(machine.path("")).unwrap();
        let archive = state.join("bare.tar");
        let mut tar = Command::new("tar");
        tar.arg("-C").arg(machine.path("")).arg("-xf").arg(archive);
        assert!(tar.status().unwrap().success());
        machine.trust_the_hosts_certificates();
        machine.mkdir_of_user(&[
            "project",
            ".cargo",
            ".cargo/registry",
            ".cache",
            ".cache/agent-session",
        ]);
        for part in ["cache", "index"] {
            let link = machine.home(&format!(".cargo/registry/{part}"));
            symlink(format!("/opt/registry/{part}"), link).unwrap();
        }
        machine.keep_zellij();
        machine
    }

    fn trust_the_hosts_certificates(&self) {
        for path in ["usr/local/share/ca-certificates", "etc/ssl/certs/ca-certificates.crt"] {
            let target = self.path(path);
            let copy = Command::new("cp").args(["-rT", &format!("/{path}")]).arg(target).status();
            assert!(copy.unwrap().success());
        }
    }

    fn mkdir_of_user(&self, folders: &[&str]) {
        for folder in folders {
            fs::create_dir_all(self.home(folder)).unwrap();
            chown(self.home(folder), Some(self.user.id()), Some(self.user.id())).unwrap();
        }
    }

    /// Puts the program where `build` keeps one, as one that cargo built before.
    fn keep_zellij(&self) {
        let source = PathBuf::from(var("AGENT_SESSION_TEST_ZELLIJ"));
        self.mkdir_of_user(&[".cache/agent-session/zellij"]);
        let folder = self.home(".cache/agent-session/zellij");
        fs::copy(&source, folder.join("zellij-0.45.1")).unwrap();
        let sum = Command::new("sha256sum").arg("zellij-0.45.1").current_dir(&folder).output();
        fs::write(folder.join("zellij-0.45.1.sha256"), sum.unwrap().stdout).unwrap();
        for file in ["zellij-0.45.1", "zellij-0.45.1.sha256"] {
            chown(folder.join(file), Some(self.user.id()), Some(self.user.id())).unwrap();
        }
    }

    /// A path on the machine.
    pub fn path(&self, relative: &str) -> PathBuf {
        self.folder.path().join("root").join(relative)
    }

    /// A path in the user's home.
    pub fn home(&self, relative: &str) -> PathBuf {
        self.path(self.user.home()).join(relative)
    }

    /// Starts it, with a network or with none.
    pub fn boot(&mut self, has_network: bool) {
        let state = PathBuf::from(var("AGENT_SESSION_TEST_DIR"));
        let target = state.join("bare-target").join(self.user.name());
        fs::create_dir_all(&target).unwrap();
        chown(&target, Some(self.user.id()), Some(self.user.id())).unwrap();
        let rust = Command::new("rustc").args(["--print", "sysroot"]).output().unwrap().stdout;
        let rust = String::from_utf8(rust).unwrap();
        let mut command = Command::new(SCRIPT);
        command.arg(self.folder.path().join("root"));
        command.args((!has_network).then_some("offline"));
        command.args(["robind", rust.trim(), "/opt/rust"]);
        command.args(["robind", env!("CARGO_MANIFEST_DIR"), "/src/agent-session"]);
        command.args(["robind".into(), registry(), "/opt/registry".into()]);
        command.arg("bind").arg(target).arg("/opt/target");
        let log = self.folder.path().join("log");
        let file = fs::File::create(&log).unwrap();
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(file);
        let mut machine = command.spawn().unwrap();
        let mut pid = String::new();
        BufReader::new(machine.stdout.take().unwrap()).read_line(&mut pid).unwrap();
        let words = fs::read_to_string(log).unwrap();
        assert!(pid.ends_with('\n'), "the machine does not come up: {words}");
        self.running = Some((machine, pid.trim().to_owned()));
    }

    /// The process id of its init.
    fn pid(&self) -> &str {
        &self.running.as_ref().expect("the machine is up").1
    }

    /// Ends everything on it.
    pub fn halt(&mut self) {
        if let Some((mut machine, _)) = self.running.take() {
            drop(machine.stdin.take());
            let _ = machine.wait();
        }
    }

    /// What has a script run by the machine's user, in the project. The first process stays outside
    /// its process namespace, so that it is there to the end whatever signal comes.
    fn words(&self, script: &str) -> Vec<String> {
        let enter = ["nsenter", "--no-fork", "--mount", "--pid", "--net", "--uts", "--ipc"];
        let home = format!("/{}", self.user.home());
        let name = self.user.name();
        let mut words: Vec<String> = enter.iter().map(ToString::to_string).collect();
        words.push(format!("--target={}", self.pid()));
        words.extend(["--", "env", "-i"].map(String::from));
        words.extend([format!("PATH={PATH}"), format!("HOME={home}"), format!("USER={name}")]);
        words.extend(["TERM=xterm-256color", "LANG=C.UTF-8", "SHELL=/bin/bash"].map(String::from));
        // Quick to build is enough.
        words.extend(
            ["LTO=off", "CODEGEN_UNITS=16", "OPT_LEVEL=0"]
                .map(|setting| format!("CARGO_PROFILE_RELEASE_{setting}")),
        );
        words.push("CARGO_TARGET_DIR=/opt/target".into());
        words.extend(
            [format!("setpriv --reuid={name} --regid={name} --init-groups")
                .split(' ')
                .map(String::from)
                .collect::<Vec<_>>()]
            .concat(),
        );
        words.extend(
            ["sh", "-c", "trap : INT; cd ~/project; sh -c \"$0\"; exit $?"].map(String::from),
        );
        words.push(script.into());
        words
    }

    /// Runs a script to its end, without a terminal.
    pub fn run(&self, script: &str) -> Output {
        let words = self.words(script);
        let output =
            Command::new(&words[0]).args(&words[1..]).stdin(Stdio::null()).output().unwrap();
        Output {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Runs a script, which must succeed. What it printed.
    pub fn ok(&self, script: &str) -> String {
        let output = self.run(script);
        assert_eq!(output.code, 0, "{script}:\n{}\n{}", output.stdout, output.stderr);
        output.stdout
    }

    /// Runs a script on a terminal.
    pub fn terminal(&self, script: &str) -> Terminal {
        let words = self.words(script);
        let mut command = CommandBuilder::new(&words[0]);
        command.args(&words[1..]);
        Terminal::of(command)
    }

    /// When each file of the machine's own was touched last: what is in it, its name, its mode.
    pub fn touched(&self) -> BTreeMap<PathBuf, (u64, i64, i64)> {
        let mut found = BTreeMap::new();
        walk(
            &self.path(""),
            &|path| NOT_ITS_OWN.iter().any(|own| path == Path::new(own)),
            &mut |path, full| {
                let meta = fs::symlink_metadata(full).unwrap();
                found.insert(path.to_owned(), (meta.ino(), meta.ctime(), meta.ctime_nsec()));
            },
        );
        found
    }

    /// What is in the user's home, but for these paths and what they hold.
    pub fn contents(&self, left_out: &[&str]) -> Contents {
        let mut found = BTreeMap::new();
        let skip = |path: &Path| left_out.iter().any(|left| path == Path::new(left));
        // Whoever made them made the directories above them.
        let above = |path: &Path| left_out.iter().any(|left| Path::new(left).starts_with(path));
        walk(&self.home(""), &skip, &mut |path, full| {
            if above(path) {
                return;
            }
            let meta = fs::symlink_metadata(full).unwrap();
            let text = if meta.is_file() { fs::read(full).unwrap() } else { Vec::new() };
            found.insert(path.to_owned(), (meta.mode(), meta.uid(), text));
        });
        found
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        self.halt();
        let root = self.path("");
        let _ = Command::new("rm").args(["-rf", "--one-file-system"]).arg(root).status();
    }
}

/// Where cargo keeps what it downloaded.
fn registry() -> PathBuf {
    let home = std::env::var("CARGO_HOME").map_or_else(
        |_| PathBuf::from(std::env::var("HOME").unwrap()).join(".cargo"),
        PathBuf::from,
    );
    home.join("registry")
}

fn walk(top: &Path, skip: &dyn Fn(&Path) -> bool, each: &mut dyn FnMut(&Path, &Path)) {
    let mut all = vec![top.to_owned()];
    while let Some(full) = all.pop() {
        let path = full.strip_prefix(top).unwrap();
        if skip(path) {
            continue;
        }
        each(path, &full);
        if full.is_dir() && !full.is_symlink() {
            all.extend(fs::read_dir(&full).unwrap().map(|entry| entry.unwrap().path()));
        }
    }
}
