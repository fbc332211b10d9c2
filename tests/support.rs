//! The bench: an environment of its own for each test, on real podman, and real terminals.

use std::fs;
use std::io::{Read, Write};
use std::num::NonZero;
use std::os::fd::BorrowedFd;
use std::os::unix::fs::{PermissionsExt, lchown, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use serde_json::Value;

pub mod compatibility;
pub mod fake_model;
pub mod machine;
pub mod patient;
pub mod picture;
pub mod real;
pub mod schema;
pub mod scratch;
pub mod shells;
pub mod tls;
pub mod work;

/// How long anything may take before a test gives up on it. Machines are shared and slow; nothing
/// waits this long unless it fails.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// What a session's containers have for a network.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Network {
    None,
    Host,
}

/// A home, projects and a store of podman's that no other test sees. Rootful, the store is the
/// test's own, on top of the images that were built once; rootless, the store is the test user's,
/// and [`TestEnv::name`] keeps the names apart.
pub struct TestEnv {
    root: tempfile::TempDir,
    rootless: bool,
    vars: Vec<(String, String)>,
    /// What every command begins with, and its variables follow, where it does not run right here.
    prefix: Vec<String>,
}

/// What a finished process left.
#[derive(Debug)]
pub struct Output {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl TestEnv {
    /// Root, without a network inside sessions.
    pub fn new() -> Self {
        Self::make(false, Network::None)
    }

    /// Root, sessions on the host's network: for agents that talk to a model on this machine.
    pub fn with_host_network() -> Self {
        Self::make(false, Network::Host)
    }

    /// An ordinary user.
    pub fn rootless() -> Self {
        Self::make(true, Network::None)
    }

    /// An ordinary user, sessions on the host's network.
    pub fn rootless_with_host_network() -> Self {
        Self::make(true, Network::Host)
    }

    /// Root, and what podman keeps until the machine is restarted is the test's own too.
    pub fn with_own_runtime() -> Self {
        let env = Self::new();
        let file = env.path("containers.conf");
        let mut conf: toml::Table = fs::read_to_string(&file).unwrap().parse().unwrap();
        let engine = conf.entry("engine").or_insert_with(|| toml::Table::new().into());
        let engine = engine.as_table_mut().unwrap();
        engine.insert("tmp_dir".into(), env.path("tmp").to_str().unwrap().into());
        engine.insert("lock_type".into(), "file".into());
        fs::write(file, conf.to_string()).unwrap();
        env
    }

    /// A store without a single image.
    pub fn bare() -> Self {
        let env = Self::new();
        let root = env.root.path().display();
        let conf = format!(
            "[storage]\ndriver = \"overlay\"\ngraphroot = \"{root}/store\"\nrunroot = \"{root}/run\"\n"
        );
        env.write("storage.conf", &conf);
        env
    }

    /// Does to podman what a power failure does: no process, mount or runtime file is left.
    pub fn reboot(&self) {
        for id in self.podman(&["ps", "--quiet", "--no-trunc"]).lines() {
            let pids =
                self.podman(&["inspect", "--format={{.State.ConmonPid}} {{.State.Pid}}", id]);
            for pid in pids.split_whitespace() {
                kill("KILL", pid);
                eventually("the process ends", || !Path::new("/proc").join(pid).exists());
            }
            for folder in ["/run/runc", "/run/crun"] {
                let _ = fs::remove_dir_all(Path::new(folder).join(id));
            }
        }
        self.unmount();
        fs::remove_dir_all(self.path("tmp")).unwrap();
        fs::remove_dir_all(self.path("run")).unwrap();
    }

    /// Ends what still runs of the test's own: what podman lost track of when it was killed, and what
    /// would write into the directory while it is removed.
    fn end_processes(&self) {
        let root = self.root.path().to_string_lossy();
        let is_own = |process: &Path| {
            ["cmdline", "environ"].iter().any(|file| {
                fs::read(process.join(file))
                    .is_ok_and(|text| String::from_utf8_lossy(&text).contains(&*root))
            })
        };
        comes_true(|| {
            let all = fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.path());
            let own: Vec<_> = all.filter(|process| is_own(process)).collect();
            for pid in own.iter().filter_map(|process| process.file_name()) {
                // A monitor's container, too.
                let _ = Command::new("pkill").args(["-KILL", "--parent"]).arg(pid).status();
                let _ = Command::new("kill").args(["-s", "KILL"]).arg(pid).output();
            }
            own.is_empty()
        });
    }

    /// Takes away every mount below the test's directory.
    fn unmount(&self) {
        let table = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
        let points = table.lines().rev().filter_map(|line| line.split(' ').nth(1));
        for point in points.filter(|point| Path::new(point).starts_with(self.root.path())) {
            let _ = Command::new("umount").args(["--lazy", point]).output();
        }
    }

    /// Ends the monitor of a session's container: podman can then neither stop nor start it.
    pub fn kill_monitor(&self, session: &str) {
        let container = format!("agent-session-{session}");
        let pid = self.podman(&["inspect", "--format={{.State.ConmonPid}}", &container]);
        kill("KILL", &pid);
        eventually("the monitor ends", || !Path::new("/proc").join(&pid).exists());
    }

    fn make(rootless: bool, network: Network) -> Self {
        let root = tempfile::Builder::new().prefix("as-test-").tempdir().unwrap();
        fs::set_permissions(root.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let prefix =
            if rootless { vec![var("AGENT_SESSION_TEST_AS_USER"), "env".into()] } else { vec![] };
        let mut env = Self { root, rootless, vars: Vec::new(), prefix };
        for folder in ["home", "project", "bin"] {
            fs::create_dir(env.path(folder)).unwrap();
        }
        fs::write(env.path("containers.conf"), containers_conf(network)).unwrap();
        // Not the directory that it is built in: what else is built there must not be found.
        fs::create_dir(env.path("program")).unwrap();
        symlink(env!("CARGO_BIN_EXE_agent-session"), env.path("program/agent-session")).unwrap();
        let (own, program) = (env.path("bin"), env.path("program"));
        let own = format!("{}:{}", own.display(), program.display());
        let path = format!("{own}:/usr/local/bin:/usr/bin:/bin:/usr/sbin");
        env.set("PATH", &path);
        env.set("CONTAINERS_CONF", env.path("containers.conf").to_str().unwrap());
        env.set("TERM", "xterm-256color");
        // The machine is busy with other tests: only a podman that hangs is late then.
        env.set("AGENT_SESSION_PODMAN_TIMEOUT", "60");
        env.set("LANG", "C.UTF-8");
        env.set("HOME", env.path("home").to_str().unwrap());
        if rootless {
            let home = PathBuf::from(var("AGENT_SESSION_TEST_DIR")).join("home");
            // Of a file that CONTAINERS_STORAGE_CONF names, rootless podman 4.3 does not take the
            // place of the store.
            let storage = ".config/containers/storage.conf";
            env.write(&format!("home/{storage}"), &fs::read_to_string(home.join(storage)).unwrap());
        } else {
            fs::write(env.path("storage.conf"), storage_conf(env.root.path())).unwrap();
            env.set("CONTAINERS_STORAGE_CONF", env.path("storage.conf").to_str().unwrap());
        }
        env
    }

    /// Makes everything under the test's directory the test user's.
    pub fn give_to_user(&self) {
        let home = fs::metadata(PathBuf::from(var("AGENT_SESSION_TEST_DIR")).join("home")).unwrap();
        use std::os::unix::fs::MetadataExt;
        let mut all = vec![self.root.path().to_path_buf()];
        while let Some(path) = all.pop() {
            lchown(&path, Some(home.uid()), Some(home.gid())).unwrap();
            if path.is_dir() {
                all.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            }
        }
    }

    /// A path in the test's own directory.
    pub fn path(&self, relative: impl AsRef<Path>) -> PathBuf {
        self.root.path().join(relative)
    }

    /// The directory that commands are given in.
    pub fn project(&self) -> PathBuf {
        self.path("project")
    }

    /// Makes a directory below the test's own.
    pub fn mkdir(&self, relative: &str) -> PathBuf {
        let path = self.path(relative);
        fs::create_dir_all(&path).unwrap();
        if self.rootless {
            self.give_to_user();
        }
        path
    }

    /// Writes a file below the test's own directory, with mode 600.
    pub fn write(&self, relative: &str, text: &str) -> PathBuf {
        let path = self.path(relative);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        if self.rootless {
            self.give_to_user();
        }
        path
    }

    /// Puts a program in front of the real ones.
    pub fn fake(&self, name: &str, script: &str) {
        let path = self.write(&format!("bin/{name}"), script);
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Sets a variable of all later commands.
    pub fn set(&mut self, key: &str, value: &str) {
        self.vars.retain(|(other, _)| other != key);
        self.vars.push((key.into(), value.into()));
    }

    /// The value of a variable of all later commands.
    pub fn var(&self, key: &str) -> String {
        self.vars.iter().find(|(other, _)| other == key).unwrap().1.clone()
    }

    /// Takes a variable from all later commands.
    pub fn unset(&mut self, key: &str) {
        self.vars.retain(|(other, _)| other != key);
    }

    /// Has later commands begin with these words, which end where variables follow.
    pub fn enter(&mut self, prefix: Vec<String>) {
        self.prefix = prefix;
    }

    /// Has later commands begin with these words before all others.
    pub fn before(&mut self, words: &[&str]) {
        self.prefix.splice(0..0, words.iter().map(|word| (*word).into()));
    }

    /// A session's name that no other test uses at the same time.
    pub fn name(&self, base: &str) -> String {
        if !self.rootless {
            return base.into();
        }
        let unique = self.root.path().file_name().unwrap().to_str().unwrap();
        format!("{base}-{}", unique.trim_start_matches("as-test-"))
    }

    /// `program` in the test's environment, and nothing of the caller's.
    pub fn command(&self, program: &str, args: &[&str]) -> Command {
        let words = self.words(program, args);
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).current_dir(self.project()).env_clear();
        command.envs(self.vars.iter().cloned()).stdin(Stdio::null());
        command
    }

    fn words(&self, program: &str, args: &[&str]) -> Vec<String> {
        let mut words = self.prefix.clone();
        if !words.is_empty() {
            words.extend(self.vars.iter().map(|(key, value)| format!("{key}={value}")));
        }
        words.push(program.into());
        words.extend(args.iter().map(|arg| (*arg).to_owned()));
        words
    }

    /// Runs agent-session without a terminal.
    pub fn run(&self, args: &[&str]) -> Output {
        self.finish(self.command("agent-session", args))
    }

    /// Runs a command to its end.
    pub fn finish(&self, mut command: Command) -> Output {
        let output = command.output().unwrap();
        Output {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Runs agent-session, which must succeed.
    pub fn ok(&self, args: &[&str]) -> Output {
        let output = self.run(args);
        assert_eq!(output.code, 0, "agent-session {args:?}: {}", output.stderr);
        output
    }

    /// Runs agent-session with `--json`, which must succeed. Its result, which is what the schema
    /// of the command says.
    pub fn json(&self, args: &[&str]) -> Value {
        let output = self.ok(&[&["--json"], args].concat());
        let result = serde_json::from_str(&output.stdout).unwrap();
        schema::check(&schema::name_of(args), &result);
        result
    }

    /// Runs agent-session with `--json`, which must fail: with nothing on standard output, one
    /// line of JSON on standard error, this code and exit code. The error.
    pub fn fails(&self, args: &[&str], code: &str, exit: i32) -> Value {
        self.fails_as(self.command("agent-session", &[&["--json"], args].concat()), code, exit)
    }

    /// The same of a command that was made ready by hand, with `--json` in it.
    pub fn fails_as(&self, command: Command, code: &str, exit: i32) -> Value {
        let shown = format!("{:?}", command.get_args().collect::<Vec<_>>());
        let output = self.finish(command);
        assert_eq!(output.stdout, "", "{shown}");
        let last = output.stderr.lines().last().unwrap_or_default();
        let report: Value = serde_json::from_str(last)
            .unwrap_or_else(|_| panic!("{shown}: not JSON: {}", output.stderr));
        let error = &report["error"];
        assert_eq!(
            (error["code"].as_str().unwrap(), output.code),
            (code, exit),
            "{shown}: {report}"
        );
        assert!(!error["message"].as_str().unwrap().is_empty());
        assert!(!error["hint"].as_str().unwrap().is_empty());
        schema::check(agent_session::schema::ERROR, &report);
        error.clone()
    }

    /// Writes an agent of the user's own; its image is not built.
    pub fn agent(&self, name: &str, command: &str, containerfile: &str) {
        let folder = format!("home/.config/agent-session/agents/{name}");
        let text = format!("title = \"{name}\"\ndescription = \"a test's\"\n{command}\n");
        self.write(&format!("{folder}/agent.toml"), &text);
        self.write(&format!("{folder}/Containerfile"), containerfile);
    }

    /// Hides the agent `shell`, whose image is there, by one of the user's own with other lines in
    /// its `agent.toml`: an agent that needs no build.
    pub fn replace_shell(&self, lines: &str) {
        self.agent("shell", lines, "FROM localhost/agent-session-base\n");
    }

    /// Has the agent `shell` write each list of arguments that it is started with to `~/argv`, a
    /// line of JSON each, and stay.
    pub fn record_shell(&self, more: &str) {
        self.replace_shell(&format!("command = {}\n{more}", recorder("new")));
    }

    /// The lists of arguments that a recording agent was started with, once there are `count`.
    pub fn recorded(&self, session: &str, count: usize) -> Vec<Value> {
        let mut lists = Vec::new();
        eventually("the agent is started", || {
            let text = self.inside(session, "cat ~/argv 2>/dev/null || true");
            lists = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
            lists.len() >= count
        });
        lists
    }

    /// The state of a session: `running`, `stopped`, …
    pub fn status(&self, session: &str) -> String {
        let all = self.json(&["ls"]);
        let found = all.as_array().unwrap().iter().find(|found| found["name"] == session);
        found.unwrap_or_else(|| panic!("no session {session}: {all}"))["status"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    /// Puts a script in front of podman: what it does not end is handed to the real one. `$PPID` is
    /// agent-session.
    pub fn podman_with(&self, script: &str) {
        self.fake("podman", &format!("#!/bin/sh\n{script}\nexec /usr/bin/podman \"$@\"\n"));
    }

    /// Takes a fake away again.
    pub fn real(&self, name: &str) {
        fs::remove_file(self.path("bin").join(name)).unwrap();
    }

    /// Runs podman on the same store, which must succeed. What it printed.
    pub fn podman(&self, args: &[&str]) -> String {
        let output = self.finish(self.command("podman", args));
        assert_eq!(output.code, 0, "podman {args:?}: {}", output.stderr);
        output.stdout.trim().to_owned()
    }

    /// Freezes a session. runc gives up freezing processes that come and go ("unable to freeze").
    pub fn pause(&self, session: &str) {
        let args = ["pause", &format!("agent-session-{session}")];
        eventually("paused", || self.finish(self.command("podman", &args)).code == 0);
    }

    /// Runs a shell script inside a session, which must succeed. What it printed.
    pub fn inside(&self, session: &str, script: &str) -> String {
        self.podman(&["exec", &format!("agent-session-{session}"), "bash", "-c", script])
    }

    /// Runs a program on a terminal of 100 columns and 30 lines.
    pub fn terminal(&self, program: &str, args: &[&str]) -> Terminal {
        self.terminal_of(program, args, 100, 30)
    }

    /// Runs a program on a terminal of this size.
    pub fn terminal_of(&self, program: &str, args: &[&str], columns: u16, lines: u16) -> Terminal {
        let words = self.words(program, args);
        let mut command = CommandBuilder::new(&words[0]);
        command.args(&words[1..]);
        command.cwd(self.project());
        command.env_clear();
        for (key, value) in &self.vars {
            command.env(key, value);
        }
        Terminal::new(command, columns, lines)
    }
}

impl Drop for TestEnv {
    fn drop(&mut self) {
        let _ = fs::remove_file(self.path("bin/podman"));
        let podman = |args: &[&str]| {
            let output = self.command("podman", args).output();
            let text = output.map(|output| output.stdout).unwrap_or_default();
            String::from_utf8_lossy(&text).split_whitespace().map(String::from).collect::<Vec<_>>()
        };
        if !self.rootless {
            // Where podman was never called there is nothing.
            if self.path("store").exists() {
                podman(&["rm", "--force", "--time=0", "--all"]);
                podman(&["volume", "rm", "--force", "--all"]);
            }
            self.end_processes();
            self.unmount();
            return;
        }
        let filter = format!("--filter=name={}", self.name("").trim_start_matches('-'));
        for (list, remove) in [
            (&["ps", "--all", "--format={{.Names}}"][..], &["rm", "--force", "--time=0"][..]),
            (&["volume", "ls", "--format={{.Name}}"], &["volume", "rm", "--force"]),
            (&["secret", "ls", "--format={{.Name}}"], &["secret", "rm"]),
        ] {
            for name in podman(&[list, &[filter.as_str()]].concat()) {
                podman(&[remove, &[name.as_str()]].concat());
            }
        }
    }
}

/// A command of an agent's that records its arguments: see [`TestEnv::record_shell`].
pub fn recorder(name: &str) -> String {
    let script = r#"jq -cn '$ARGS.positional' --args -- "$0" "$@" >>~/argv; exec sleep infinity"#;
    format!("['bash', '-c', '''{script}''', '{name}']")
}

/// A variable that `tests/setup.sh` sets.
pub fn var(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run tests/run.sh"))
}

/// The machine's overrides of podman's configuration, if it needs any, and the test's network.
fn containers_conf(network: Network) -> String {
    let file = std::env::var("CONTAINERS_CONF").ok().map(|file| fs::read_to_string(file).unwrap());
    let mut conf: toml::Table = file.unwrap_or_default().parse().unwrap();
    // A healthy machine has no overrides; the tests have some of each.
    for table in ["containers", "engine"] {
        conf.entry(table).or_insert_with(|| toml::Table::new().into());
    }
    let mut set = |table: &str, key: &str, value: &str| {
        let table = conf.entry(table).or_insert_with(|| toml::Table::new().into());
        table.as_table_mut().unwrap().insert(key.into(), value.into());
    };
    set("containers", "netns", if network == Network::Host { "host" } else { "none" });
    set("network", "network_backend", "netavark");
    conf.to_string()
}

fn storage_conf(root: &Path) -> String {
    let root = root.display();
    format!(
        "[storage]\ndriver = \"overlay\"\ngraphroot = \"{root}/store\"\nrunroot = \"{root}/run\"\n\
         [storage.options]\nadditionalimagestores = [\"/var/lib/containers/storage\"]\n"
    )
}

/// Sends a process a signal (`KILL`, `INT`, …).
pub fn kill(signal: &str, pid: &str) {
    assert!(Command::new("kill").args(["-s", signal, "--", pid]).status().unwrap().success());
}

/// Waits until a condition holds that nothing tells of.
pub fn eventually(what: &str, condition: impl FnMut() -> bool) {
    assert!(comes_true(condition), "never came true: {what}");
}

/// Whether a condition holds sooner or later.
pub fn comes_true(mut condition: impl FnMut() -> bool) -> bool {
    let (_never, clock) = mpsc::channel::<()>();
    let begin = Instant::now();
    while !condition() {
        if begin.elapsed() > PATIENCE {
            return false;
        }
        let _ = clock.recv_timeout(Duration::from_millis(50));
    }
    true
}

fn nonzero(number: u16) -> NonZero<u16> {
    NonZero::new(number).unwrap()
}

#[allow(unsafe_code, reason = "the only way to our side of the terminal")]
fn duplicate(master: &dyn MasterPty) -> fs::File {
    let fd = master.as_raw_fd().unwrap();
    // SAFETY: the master is open while it is borrowed.
    unsafe { BorrowedFd::borrow_raw(fd) }.try_clone_to_owned().unwrap().into()
}

struct Screen {
    parser: vt100::Parser,
    raw: Vec<u8>,
    /// The program's side is closed.
    closed: bool,
    /// Our side is closed.
    left: bool,
}

/// What is switched on a terminal.
#[derive(Debug, PartialEq, Eq)]
pub struct ScreenState {
    modes_on: Vec<String>,
    keyboard_stack: isize,
    alternate: bool,
    keypad: bool,
    cursor_hidden: bool,
    cursor_style: String,
    colours: String,
}

/// A terminal with a program on it.
pub struct Terminal {
    master: Option<Box<dyn MasterPty + Send>>,
    writer: Option<fs::File>,
    child: Box<dyn Child + Send + Sync>,
    screen: Arc<(Mutex<Screen>, Condvar)>,
}

impl Terminal {
    /// A program on a terminal of 100 columns and 30 lines.
    pub fn of(command: CommandBuilder) -> Self {
        Self::new(command, 100, 30)
    }

    fn new(command: CommandBuilder, columns: u16, lines: u16) -> Self {
        let size = PtySize { rows: lines, cols: columns, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).unwrap();
        let child = pair.slave.spawn_command(command).unwrap();
        // Not the master's own writer: dropped, it types an Enter and a Ctrl+D.
        let writer = duplicate(&*pair.master);
        let mut reader = writer.try_clone().unwrap();
        let parser = vt100::Parser::new(nonzero(lines), nonzero(columns), 0);
        let screen = Screen { parser, raw: Vec::new(), closed: false, left: false };
        let screen = Arc::new((Mutex::new(screen), Condvar::new()));
        let shared = Arc::clone(&screen);
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            loop {
                let read = reader.read(&mut buffer).unwrap_or(0);
                let mut screen = shared.0.lock().unwrap();
                if screen.left {
                    return;
                }
                screen.parser.process(&buffer[..read]);
                screen.raw.extend_from_slice(&buffer[..read]);
                // Every real terminal says what it is; Zellij takes what is typed before for answers.
                let news = screen.raw.len().saturating_sub(read + 2);
                if read > 0 && screen.raw[news..].windows(3).any(|window| window == b"\x1b[c") {
                    let _ = reader.write_all(b"\x1b[?62;22c");
                }
                // And where its cursor is; Nushell draws nothing before it knows.
                let news = screen.raw.len().saturating_sub(read + 3);
                if read > 0 && screen.raw[news..].windows(4).any(|window| window == b"\x1b[6n") {
                    let (row, column) = screen.parser.screen().cursor_position();
                    // In one piece, or what is typed meanwhile comes between.
                    let answer = format!("\x1b[{};{}R", row + 1, column + 1);
                    let _ = reader.write_all(answer.as_bytes());
                }
                screen.closed = read == 0;
                shared.1.notify_all();
                if read == 0 {
                    return;
                }
            }
        });
        Self { master: Some(pair.master), writer: Some(writer), child, screen }
    }

    /// Types something.
    pub fn send(&mut self, keys: &str) {
        let writer = self.writer.as_mut().unwrap();
        writer.write_all(keys.as_bytes()).unwrap();
        writer.flush().unwrap();
    }

    /// Waits until the screen shows a text.
    pub fn wait_for(&self, text: &str) -> &Self {
        let trimmed =
            |screen: &str| screen.lines().map(str::trim_end).collect::<Vec<_>>().join("\n") + "\n";
        self.wait(text, |screen| screen.contains(text) || trimmed(screen).contains(text))
    }

    /// Waits until a text has come, shown still or not, for as long as a build takes on a slow machine.
    pub fn wait_for_passing(&self, text: &str) -> &Self {
        let begin = Instant::now();
        let mut screen = self.screen.0.lock().unwrap();
        while !String::from_utf8_lossy(&screen.raw).contains(text) {
            let left = (5 * PATIENCE).saturating_sub(begin.elapsed());
            let shown = screen.parser.screen().contents();
            assert!(!screen.closed && !left.is_zero(), "never came: {text}\n{shown}");
            screen = self.screen.1.wait_timeout(screen, left).unwrap().0;
        }
        self
    }

    /// Waits until the screen satisfies a condition.
    pub fn wait(&self, what: &str, condition: impl Fn(&str) -> bool) -> &Self {
        let begin = Instant::now();
        let mut screen = self.screen.0.lock().unwrap();
        loop {
            let text = screen.parser.screen().contents();
            if condition(&text) {
                return self;
            }
            let left = PATIENCE.saturating_sub(begin.elapsed());
            assert!(!screen.closed && !left.is_zero(), "never on the screen: {what}\n{text}");
            screen = self.screen.1.wait_timeout(screen, left).unwrap().0;
        }
    }

    /// Waits until nothing more can come to the screen: every program on it has ended.
    pub fn wait_for_end(&self) {
        let screen = self.screen.0.lock().unwrap();
        let wait = self.screen.1.wait_timeout_while(screen, PATIENCE, |screen| !screen.closed);
        assert!(!wait.unwrap().1.timed_out(), "the terminal stays open");
    }

    /// What the screen shows.
    pub fn text(&self) -> String {
        self.screen.0.lock().unwrap().parser.screen().contents()
    }

    /// What the screen shows, line by line and without the empty ones at the end.
    pub fn lines(&self) -> Vec<String> {
        self.text().lines().map(|line| line.trim_end().to_owned()).collect()
    }

    /// Looks at the screen: its cells, their colours, its modes.
    pub fn look<T>(&self, at: impl FnOnce(&vt100::Screen) -> T) -> T {
        at(self.screen.0.lock().unwrap().parser.screen())
    }

    /// What programs switch on a terminal, and must switch back.
    pub fn state(&self) -> ScreenState {
        let screen = self.screen.0.lock().unwrap();
        let raw = String::from_utf8_lossy(&screen.raw);
        let is_on = |mode: &&str| {
            raw.rfind(&format!("\x1b[?{mode}h")) > raw.rfind(&format!("\x1b[?{mode}l"))
        };
        let modes = "1 1000 1002 1003 1004 1005 1006 1015 1049 2004 2026 2031";
        let screen = screen.parser.screen();
        ScreenState {
            modes_on: modes.split(' ').filter(is_on).map(String::from).collect(),
            keyboard_stack: raw.matches("\x1b[>1u").count().cast_signed()
                - raw.matches("\x1b[<u").count().cast_signed()
                - raw.matches("\x1b[<1u").count().cast_signed(),
            alternate: screen.alternate_screen(),
            keypad: screen.application_keypad(),
            cursor_hidden: screen.hide_cursor(),
            cursor_style: format!("{:?}", screen.cursor_style()),
            colours: screen.attributes_formatted(),
        }
    }

    /// Every byte that came to the terminal.
    pub fn raw(&self) -> Vec<u8> {
        self.screen.0.lock().unwrap().raw.clone()
    }

    /// Gives the terminal another size.
    pub fn resize(&self, columns: u16, lines: u16) {
        let size = PtySize { rows: lines, cols: columns, pixel_width: 0, pixel_height: 0 };
        self.master.as_ref().unwrap().resize(size).unwrap();
        self.screen
            .0
            .lock()
            .unwrap()
            .parser
            .screen_mut()
            .set_size(nonzero(lines), nonzero(columns));
    }

    /// The process id of the program.
    pub fn pid(&self) -> u32 {
        self.child.process_id().unwrap()
    }

    /// Sends the program a signal (`HUP`, `TERM`, `KILL`, …).
    pub fn signal(&self, signal: &str) {
        let pid = self.pid().to_string();
        assert!(Command::new("kill").args(["-s", signal, &pid]).status().unwrap().success());
    }

    /// Closes the terminal, as a window's close button does.
    pub fn close(&mut self) {
        let path = self.master.as_ref().unwrap().tty_name().unwrap();
        self.screen.0.lock().unwrap().left = true;
        self.writer = None;
        self.master = None;
        // Wakes the reader, which holds the last of our side.
        if let Ok(mut slave) = fs::OpenOptions::new().write(true).open(path) {
            let _ = slave.write_all(&[0]);
        }
    }

    /// Waits for the program's end. Its exit code.
    pub fn exit_code(&mut self) -> u32 {
        let begin = Instant::now();
        let mut code = None;
        eventually("the program on the terminal ends", || {
            code = self.child.try_wait().unwrap();
            code.is_some() || begin.elapsed() > PATIENCE
        });
        code.unwrap().exit_code()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
    }
}
