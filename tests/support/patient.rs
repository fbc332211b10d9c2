//! A machine of a test's own, as far as mount namespaces go: what is broken there, and what mends
//! it, nobody else sees.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::Value;

use super::{Output, TestEnv, schema};

/// Makes the namespace, and keeps it until standard input ends. What is mounted there stays there.
const HOLD: &str = r#"
mount --make-rprivate / && mount --make-rshared / &&
mount --bind "$1/etc" /etc && mount -t tmpfs -o mode=755 tmpfs "$1/special" &&
echo ready && read -r end
"#;

/// A `/etc`, and mounts of the test's own. Commands run there, as root or as a user whom no other
/// test has.
pub struct Patient {
    // Dropped first: it removes containers by commands that run on the machine.
    pub env: TestEnv,
    holder: Holder,
    user: Option<String>,
}

impl Patient {
    /// Commands run as root.
    pub fn of_root() -> Self {
        Self::make(None)
    }

    /// Commands run as an ordinary user, who may use sudo without a password.
    pub fn of_user() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        // Test programs may run at the same time, each with threads.
        Self::make(Some(std::process::id() * 64 + COUNT.fetch_add(1, Ordering::Relaxed)))
    }

    fn make(number: Option<u32>) -> Self {
        let mut env = TestEnv::new();
        env.mkdir("special");
        let etc = env.path("etc");
        assert!(Command::new("cp").args(["-a", "/etc"]).arg(&etc).status().unwrap().success());
        let uid = number.map(|number| 100_000_000 + number);
        let holder = Holder { process: hold(&env), uid };
        let mut prefix =
            vec!["nsenter".into(), format!("--mount=/proc/{}/ns/mnt", holder.process.id())];
        let user = number.zip(uid).map(|(number, uid)| {
            let name = format!("t{number}");
            write_user(&env, &name, uid, number);
            prefix.extend(["setpriv".into(), format!("--reuid={uid}"), format!("--regid={uid}")]);
            prefix.push("--init-groups".into());
            env.set("USER", &name);
            env.set("XDG_RUNTIME_DIR", env.path("xdg").to_str().unwrap());
            // Rootless podman takes the place of its store from the user's own file only.
            env.unset("CONTAINERS_STORAGE_CONF");
            name
        });
        prefix.extend(["env".into(), "-i".into(), "-C".into()]);
        prefix.push(env.project().to_str().unwrap().into());
        env.enter(prefix);
        Self { env, holder, user }
    }

    /// The user's name.
    pub fn user(&self) -> &str {
        self.user.as_deref().unwrap()
    }

    /// A file of the machine's own `/etc`.
    pub fn etc(&self, file: &str) -> PathBuf {
        self.env.path("etc").join(file)
    }

    /// Runs a shell script as root on the machine, which must succeed.
    pub fn as_root(&self, script: &str) -> String {
        let namespace = format!("--mount=/proc/{}/ns/mnt", self.holder.process.id());
        let mut command = Command::new("nsenter");
        command.args([&namespace, "sh", "-ec", script, "sh"]).arg(self.env.path("special"));
        let output = self.env.finish(command);
        assert_eq!(output.code, 0, "{script}: {}", output.stderr);
        output.stdout
    }

    /// Runs a shell script as the user, which must succeed.
    pub fn as_user(&self, script: &str) {
        let output = self.env.finish(self.env.command("sh", &["-ec", script]));
        assert_eq!(output.code, 0, "{script}: {}", output.stderr);
    }

    /// A machine whose user may set none of podman's default limits.
    pub fn limited() -> Self {
        let mut machine = Self::of_root();
        machine.limit();
        machine
    }

    /// Has podman ask for many open files, and takes the right to have them.
    pub fn limit(&mut self) {
        self.configure(|conf| {
            let limits = vec!["nofile=1048576:1048576"];
            let containers = conf["containers"].as_table_mut().unwrap();
            containers.insert("default_ulimits".into(), limits.into());
        });
        let drop = ["setpriv", "--bounding-set=-sys_resource", "--inh-caps=-sys_resource"];
        self.env.before(&[&["prlimit", "--nofile=1024:1024"][..], &drop].concat());
    }

    /// Has podman read `/etc/containers/containers.conf` and nothing else: the machine's
    /// overrides, with these changes.
    pub fn configure(&mut self, change: impl FnOnce(&mut toml::Table)) {
        let text = fs::read_to_string(self.env.path("containers.conf")).unwrap();
        let mut conf = text.parse().unwrap();
        change(&mut conf);
        fs::write(self.etc("containers/containers.conf"), conf.to_string()).unwrap();
        self.env.unset("CONTAINERS_CONF");
    }

    /// Makes an image without a file: what is run in it is the program for `--init`.
    pub fn empty_image(&self, name: &str) {
        let archive = self.env.path("empty.tar");
        // Two blocks of zeros are an archive.
        fs::write(&archive, [0; 1024]).unwrap();
        self.env.podman(&["import", "--quiet", archive.to_str().unwrap(), name]);
    }

    /// Runs `doctor --json` with these arguments: its exit code, and the checks.
    pub fn doctor(&self, args: &[&str]) -> (i32, Vec<Value>) {
        let Output { code, stdout, stderr } = self.env.run(&[&["--json", "doctor"], args].concat());
        let report: Value =
            serde_json::from_str(&stdout).unwrap_or_else(|_| panic!("doctor {args:?}: {stderr}"));
        schema::check("doctor", &report);
        (code, report["checks"].as_array().unwrap().clone())
    }

    /// The finding of this code and status that `doctor` has, and its exit code.
    pub fn finds(&self, code: &str, status: &str) -> Value {
        let (exit, checks) = self.doctor(&[]);
        let found = one(&checks, code, status);
        let fails = checks.iter().any(|check| check["status"] == "failed");
        assert_eq!(exit, i32::from(fails), "{checks:#?}");
        found
    }

    /// Finds it, mends it, and finds it no more. What was found first.
    pub fn mends(&self, code: &str, status: &str) -> Value {
        let before = self.finds(code, status);
        assert_eq!(before["automatic"], true, "{before:#}");
        let (exit, checks) = self.doctor(&["--fix", "--yes"]);
        let hurts = |check: &Value| check["status"] == "failed" || check["status"] == "warning";
        assert!(!checks.iter().any(|check| check["code"] == code && hurts(check)), "{checks:#?}");
        one(&checks, "container", "ok");
        assert_eq!(exit, 0, "{checks:#?}");
        before
    }
}

/// What keeps the namespace.
struct Holder {
    process: Child,
    uid: Option<u32>,
}

impl Drop for Holder {
    fn drop(&mut self) {
        // The process that keeps a rootless podman's namespaces outlives every command.
        if let Some(uid) = self.uid {
            let _ = Command::new("pkill").args(["-KILL", "-U", &uid.to_string()]).output();
        }
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

/// The first finding of this code and status.
pub fn one(checks: &[Value], code: &str, status: &str) -> Value {
    let found = checks.iter().find(|check| check["code"] == code && check["status"] == status);
    let all = || serde_json::to_string_pretty(checks).unwrap();
    found.unwrap_or_else(|| panic!("{code} is not {status}: {}", all())).clone()
}

fn hold(env: &TestEnv) -> Child {
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-c", HOLD, "sh"]).arg(env.path(""));
    let mut holder = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(holder.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "ready\n", "no mount namespace can be made");
    holder
}

/// Adds a user to the machine, with ids for containers, a home and a store.
fn write_user(env: &TestEnv, name: &str, uid: u32, number: u32) {
    let root = env.path("");
    let root = root.to_str().unwrap().trim_end_matches('/');
    let append = |file: &str, line: &str| {
        let file = env.path("etc").join(file);
        let text = fs::read_to_string(&file).unwrap_or_default();
        fs::write(&file, text + line + "\n").unwrap();
    };
    append("passwd", &format!("{name}:*:{uid}:{uid}::{root}/home:/bin/bash"));
    append("group", &format!("{name}:*:{uid}:"));
    let first = 1_000_000_000 + u64::from(number % 30_000) * 65_536;
    append("subuid", &format!("{name}:{first}:65536"));
    append("subgid", &format!("{name}:{first}:65536"));
    let sudoers = env.path("etc/sudoers");
    let secure = format!("Defaults secure_path=\"{root}/bin:/usr/sbin:/usr/bin:/sbin:/bin\"");
    fs::write(&sudoers, format!("{secure}\n{name} ALL=(ALL) NOPASSWD: ALL\n")).unwrap();
    fs::set_permissions(sudoers, fs::Permissions::from_mode(0o440)).unwrap();
    let store = format!(
        "[storage]\ndriver = \"overlay\"\nrunroot = \"{root}/xdg/containers\"\n\
         graphroot = \"{root}/home/store\"\n"
    );
    env.write("home/.config/containers/storage.conf", &store);
    fs::set_permissions(env.mkdir("xdg"), fs::Permissions::from_mode(0o700)).unwrap();
    for folder in ["xdg", "project", "home", "home/.config", "home/.config/containers"] {
        chown(env.path(folder), Some(uid), Some(uid)).unwrap();
    }
    let storage = env.path("home/.config/containers/storage.conf");
    chown(storage, Some(uid), Some(uid)).unwrap();
}
