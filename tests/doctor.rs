//! What `doctor` finds on a machine that is broken in one way, and whether its mend mends it.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::patient::{Patient, one};
use crate::support::{eventually, kill};

#[test]
fn a_user_without_ids_for_containers_gets_them() {
    let machine = Patient::of_user();
    for file in ["subuid", "subgid"] {
        fs::write(machine.etc(file), "").unwrap();
    }
    let found = machine.mends("subordinate_ids", "failed");
    assert_eq!(
        found["fix"],
        format!(
            "sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 {} && \
             podman system migrate",
            machine.user()
        )
    );
    let line = format!("{}:100000:65536\n", machine.user());
    assert_eq!(fs::read_to_string(machine.etc("subuid")).unwrap(), line);
}

#[test]
fn a_tool_that_lost_its_setuid_bit_gets_it_back() {
    let machine = Patient::of_user();
    machine.as_root(
        "install -m 755 /usr/bin/newuidmap $1/newuidmap
         mount --bind $1/newuidmap /usr/bin/newuidmap",
    );
    let found = machine.mends("id_mapping_tools", "failed");
    assert_eq!(found["fix"], "sudo chmod u+s /usr/bin/newuidmap");
}

#[test]
fn a_tun_device_that_only_root_may_open_is_opened_to_all() {
    let machine = Patient::of_user();
    machine.as_root("mknod -m 600 $1/tun c 10 200 && mount --bind $1/tun /dev/net/tun");
    let found = machine.mends("tun_device", "failed");
    assert_eq!(found["fix"], "sudo chmod 666 /dev/net/tun");
}

#[test]
fn a_missing_network_helper_is_installed() {
    let machine = Patient::of_user();
    machine.as_root(
        "for tool in pasta slirp4netns; do
           [ ! -e /usr/bin/$tool ] || mount --bind /dev/null /usr/bin/$tool
         done",
    );
    machine.env.fake(
        "apt-get",
        "#!/bin/sh\n[ \"$*\" = 'install -y slirp4netns' ] && umount /usr/bin/slirp4netns\n",
    );
    let found = machine.mends("network_helper", "failed");
    assert_eq!(found["fix"], "sudo apt-get install -y slirp4netns");
}

#[test]
fn a_runtime_directory_that_is_missing_is_made() {
    let mut machine = Patient::of_user();
    let folder = machine.env.path("special/xdg");
    machine.env.set("XDG_RUNTIME_DIR", folder.to_str().unwrap());
    machine.mends("runtime_directory", "failed");
    assert_eq!(machine.as_root("stat -c '%a %U' $1/xdg"), format!("700 {}\n", machine.user()));
}

#[test]
fn a_root_that_is_private_is_shared() {
    let machine = Patient::of_user();
    machine.as_root("mount --make-rprivate /");
    let found = machine.mends("root_mount", "warning");
    assert_eq!(found["fix"], "sudo mount --make-rshared /");
}

#[test]
fn a_key_that_others_can_read_is_closed_to_them() {
    let machine = Patient::of_root();
    let file = machine.env.write("home/.claude.json", "{\"apiKey\": \"secret-key\"}");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let found = machine.mends("credentials", "warning");
    assert!(!found.to_string().contains("secret-key"), "{found}");
    assert_eq!(fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_file_of_keys_that_is_not_json_is_looked_at_by_jq() {
    let machine = Patient::of_root();
    let file = machine.env.write("home/.claude.json", "{\"apiKey\": \"secret-key\"");
    let found = machine.finds("credentials", "warning");
    assert_eq!(
        (&found["fix"], &found["automatic"]),
        (&format!("jq . {}", file.display()).into(), &false.into())
    );
    assert!(!found.to_string().contains("secret-key"), "{found}");
}

/// Lower limits than podman asks for, and no right to raise them.
fn limit(machine: &mut Patient) {
    let drop = ["setpriv", "--bounding-set=-sys_resource", "--inh-caps=-sys_resource"];
    machine.env.before(&[&["prlimit", "--nofile=1024:1024"][..], &drop].concat());
}

/// A machine whose user may set none of podman's default limits.
fn limited() -> Patient {
    let mut machine = Patient::of_root();
    machine.configure(|conf| {
        let limits = vec!["nofile=1048576:1048576"];
        conf["containers"].as_table_mut().unwrap().insert("default_ulimits".into(), limits.into());
    });
    limit(&mut machine);
    machine
}

#[test]
fn limits_above_what_root_may_set_are_lowered() {
    let machine = limited();
    machine.mends("ulimits", "failed");
    assert!(machine.etc("containers/containers.conf.d/agent-session-ulimits.conf").exists());
}

#[test]
fn limits_above_what_a_user_may_set_are_lowered() {
    let mut machine = Patient::of_user();
    machine.configure(|conf| {
        let limits = vec!["nofile=1048576:1048576"];
        conf["containers"].as_table_mut().unwrap().insert("default_ulimits".into(), limits.into());
    });
    limit(&mut machine);
    machine.mends("ulimits", "failed");
    let file = "home/.config/containers/containers.conf.d/agent-session-ulimits.conf";
    assert!(machine.env.path(file).exists());
}

#[test]
fn a_runtime_that_does_not_work_is_replaced_by_runc() {
    let mut machine = Patient::of_root();
    let file = machine.env.path("containers.conf");
    let usual = fs::read_to_string(&file).unwrap();
    let break_runtime = |conf: &mut toml::Table, folder: &str| {
        let engine = conf["engine"].as_table_mut().unwrap();
        engine.insert("runtime".into(), "crun".into());
        let mut runtimes = toml::Table::new();
        runtimes.insert("crun".into(), vec![format!("{folder}/crun")].into());
        runtimes.insert("runc".into(), vec!["/usr/bin/runc", "/usr/sbin/runc"].into());
        engine.insert("runtimes".into(), runtimes.into());
    };
    // What it says where the hierarchy of cgroups is neither the old nor the new one.
    let script = "#!/bin/sh\n[ \"$1\" = --version ] && echo crun version 1.8.1 && exit\n\
                  echo '{\"msg\":\"invalid file system type on /sys/fs/cgroup\",\"level\":\"error\"}' >&2\nexit 1\n";
    machine.env.fake("crun", script);
    let folder = machine.env.path("bin").display().to_string();

    let mut conf: toml::Table = usual.parse().unwrap();
    break_runtime(&mut conf, &folder);
    fs::write(&file, conf.to_string()).unwrap();
    let found = machine.finds("runtime", "failed");
    assert_eq!(found["automatic"], false);
    assert_eq!(
        found["fix"],
        format!("$EDITOR {}   # [engine]; runtime = \"runc\"", file.display())
    );

    fs::write(&file, usual).unwrap();
    machine.configure(|conf| break_runtime(conf, &folder));
    machine.mends("runtime", "failed");
}

#[test]
fn a_store_that_is_full_is_pruned() {
    let machine = Patient::of_root();
    let store = machine.env.path("store");
    machine.as_root(&format!(
        "mkdir -p {0} && mount -t tmpfs -o size=1200m tmpfs {0}",
        store.display()
    ));
    machine.as_root("mkdir $1/filler && head -c 300M /dev/zero >$1/filler/zeros && tar -C $1/filler -cf $1/filler.tar .");
    machine.env.podman(&[
        "import",
        "--quiet",
        machine.env.path("special/filler.tar").to_str().unwrap(),
    ]);
    let found = machine.finds("disk", "failed");
    assert_eq!(found["fix"], "podman image prune --force");
    let (exit, checks) = machine.doctor(&["--fix", "--yes"]);
    one(&checks, "disk", "warning");
    assert_eq!(exit, 0);
}

fn with_session(machine: &Patient) {
    machine.env.ok(&["start", "--detach", "--agent", "shell", "--name", "x"]);
}

#[test]
fn a_session_whose_terminal_server_died_is_restarted() {
    let machine = Patient::of_root();
    with_session(&machine);
    machine.env.inside("x", "pkill -KILL -f 'zellij --server'");
    let found = machine.mends("sessions", "warning");
    assert_eq!(found["found"], "'x': its terminal server is gone");
    assert_eq!(found["fix"], "agent-session restart --detach x");
}

#[test]
fn a_session_without_its_container_is_started_by_nobody_but_the_user() {
    let machine = Patient::of_root();
    with_session(&machine);
    machine.env.podman(&["rm", "--force", "--time=0", "agent-session-x"]);
    let found = machine.finds("sessions", "warning");
    assert_eq!(
        (&found["fix"], &found["automatic"]),
        (&"agent-session restart x".into(), &false.into())
    );
    machine.env.ok(&["restart", "--detach", "x"]);
    machine.finds("sessions", "ok");
}

#[test]
fn a_session_whose_folder_was_replaced_is_left_to_the_user() {
    let machine = Patient::of_root();
    with_session(&machine);
    fs::rename(machine.env.project(), machine.env.path("elsewhere")).unwrap();
    fs::create_dir(machine.env.project()).unwrap();
    let found = machine.finds("sessions", "warning");
    assert_eq!(found["fix"], "agent-session inspect x");
}

#[test]
fn a_secret_of_no_session_is_removed() {
    let machine = Patient::of_root();
    let file = machine.env.write("key", "secret-key");
    machine.env.podman(&["secret", "create", "agent-session.x.KEY", file.to_str().unwrap()]);
    let found = machine.mends("leftovers", "warning");
    assert_eq!(found["fix"], "podman secret rm agent-session.x.KEY");
    assert_eq!(machine.env.podman(&["secret", "ls", "--quiet"]), "");
}

#[test]
fn a_secret_of_a_session_that_is_being_made_is_left_alone() {
    let machine = Patient::of_root();
    let file = machine.env.write("key", "secret-key");
    machine.env.podman(&["secret", "create", "agent-session.x.KEY", file.to_str().unwrap()]);
    let locks = "home/.local/state/agent-session/locks";
    let lock = fs::File::create(machine.env.mkdir(locks).join("session-x")).unwrap();
    lock.lock().unwrap();
    machine.finds("leftovers", "ok");
    drop(lock);
    machine.finds("leftovers", "warning");
}

#[test]
fn a_store_that_copies_its_layers_is_changed_while_it_is_empty() {
    let machine = Patient::of_user();
    fs::remove_file(machine.env.path("home/.config/containers/storage.conf")).unwrap();
    // Podman goes on with the driver that it finds in its store.
    machine.as_user("podman --storage-driver vfs volume ls");
    machine.mends("storage_driver", "warning");
    assert_eq!(machine.env.podman(&["info", "--format={{.Store.GraphDriverName}}"]), "overlay");

    machine.as_user("podman system reset --force && rm ~/.config/containers/storage.conf");
    machine.as_user("podman --storage-driver vfs volume create precious");
    let found = machine.finds("storage_driver", "warning");
    assert_eq!(found["automatic"], false);
    assert_eq!(machine.env.podman(&["volume", "ls", "--quiet"]), "precious");
}

/// What cannot be known of a podman that does not answer.
const DEPENDENT: [&str; 7] =
    ["container", "storage_driver", "disk", "images", "sessions", "leftovers", "advisories"];

fn nothing_is_known(checks: &[Value]) {
    for code in DEPENDENT {
        assert_eq!(one(checks, code, "unknown")["found"], "not checked: podman does not answer");
    }
    assert!(checks.iter().any(|check| check["code"] == "root_mount" && check["status"] == "ok"));
}

#[test]
fn a_podman_that_hangs_does_not_hang_the_doctor() {
    let mut machine = Patient::of_root();
    machine.env.set("AGENT_SESSION_PODMAN_TIMEOUT", "1");
    machine.env.fake("podman", "#!/bin/sh\nexec sleep 1000\n");
    let begin = Instant::now();
    let (exit, checks) = machine.doctor(&[]);
    assert!(begin.elapsed() < Duration::from_secs(20), "{:?}", begin.elapsed());
    assert_eq!(
        (exit, &one(&checks, "podman", "failed")["fix"]),
        (1, &"ps -ef | grep podman".into())
    );
    nothing_is_known(&checks);
}

#[test]
fn a_podman_that_is_missing_is_installed() {
    let mut machine = Patient::of_root();
    let program = Path::new(env!("CARGO_BIN_EXE_agent-session")).parent().unwrap();
    let own = machine.env.path("bin");
    // Its directory has nothing but what the doctor may start.
    let path = std::env::join_paths([own.as_path(), program]).unwrap();
    for name in ["sh", "nsenter", "env"] {
        symlink(Path::new("/usr/bin").join(name), own.join(name)).unwrap();
    }
    machine.env.fake(
        "apt-get",
        "#!/bin/sh\n[ \"$*\" = 'install -y podman' ] && /usr/bin/ln -s /usr/bin/podman PODMAN\n"
            .replace("PODMAN", own.join("podman").to_str().unwrap())
            .as_str(),
    );
    let usual = machine.env.var("PATH");
    machine.env.set("PATH", path.to_str().unwrap());
    let found = machine.finds("podman", "failed");
    assert_eq!(found["fix"], "apt-get install -y podman");
    let (_, checks) = machine.doctor(&["--fix", "--yes"]);
    one(&checks, "podman", "ok");
    machine.env.set("PATH", &usual);
}

#[test]
fn a_podman_that_is_too_old_is_said_to_be() {
    let machine = Patient::of_root();
    for (version, status) in [("3.4.4", "failed"), ("4.0.3", "warning"), ("4.3.0", "ok")] {
        machine.env.podman_with(&format!(
            "[ \"$1\" != --version ] || {{ echo podman version {version}; exit; }}"
        ));
        assert_eq!(machine.finds("podman", status)["found"], format!("podman {version}"));
    }
}

#[test]
fn a_podman_that_lost_its_namespace_is_migrated() {
    let machine = Patient::of_user();
    let env = &machine.env;
    machine.empty_image("localhost/empty");
    let image = ["localhost/empty", "/run/podman-init", "-P"];
    env.podman(&[&["run", "--detach", "--init", "--name=x"][..], &image].concat());
    let monitor = env.podman(&["inspect", "--format={{.State.ConmonPid}}", "x"]);
    let pause = fs::read_to_string(env.path("xdg/libpod/tmp/pause.pid")).unwrap();
    for pid in [monitor.trim(), pause.trim()] {
        kill("KILL", pid);
        eventually("it ends", || !Path::new("/proc").join(pid).exists());
    }
    assert_ne!(env.finish(env.command("podman", &["ps"])).code, 0);
    env.fails(&["ls"], "podman_unreachable", 5);
    let found = machine.mends("podman", "failed");
    assert_eq!(found["fix"], "podman system migrate");
}

#[test]
fn a_mend_is_agreed_to_one_by_one() {
    let machine = Patient::of_root();
    let key = |name: &str, text: &str| {
        let file = machine.env.write(name, text);
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        file
    };
    let first = key("home/.claude.json", "{\"apiKey\": \"k\"}");
    machine.as_root("mount --make-rprivate /");
    let mode = || fs::metadata(&first).unwrap().permissions().mode() & 0o777;

    let error = machine.env.fails(&["doctor", "--fix"], "confirmation_required", 6);
    assert_eq!(error["hint"], "agent-session doctor --fix --yes");
    assert_eq!(error["causes"][0], "root_mount: mount --make-rshared /");
    machine.env.fails(&["doctor", "--yes"], "usage", 2);
    assert_eq!(mode(), 0o644);

    let mut terminal = machine.env.terminal("agent-session", &["doctor", "--fix"]);
    terminal.wait_for("root_mount: mount --make-rshared /\nRun it? [y/N] ");
    terminal.send("n\r");
    terminal.wait(" the second question", |text| {
        text.contains("credentials: chmod 600") && text.matches("Run it? [y/N]").count() == 2
    });
    terminal.send("y\r");
    terminal.wait_for("0 failed, 1 to be warned of. Next: agent-session doctor --fix");
    assert_eq!((terminal.exit_code(), mode()), (0, 0o600));
    machine.finds("root_mount", "warning");
}

#[test]
fn a_mend_that_fails_is_told_with_its_words() {
    let machine = Patient::of_user();
    machine.as_root("mount --make-rprivate /");
    machine.env.fake("sudo", "#!/bin/sh\necho first >&2\necho 'no \x1b[31mpassword' >&2\nexit 1\n");
    let error = machine.env.fails(&["doctor", "--fix", "--yes"], "mend_failed", 1);
    assert_eq!(error["hint"], "sudo mount --make-rshared /");
    assert_eq!(error["causes"][0], "first");
    let words = machine.env.run(&["doctor", "--fix", "--yes"]).stderr;
    assert!(
        words.contains("'sudo mount --make-rshared /' failed") && !words.contains('\x1b'),
        "{words:?}"
    );
}

#[test]
fn a_build_that_podman_fails_tells_why() {
    let machine = limited();
    let steps = "FROM localhost/agent-session-base\nRUN echo >/home/agent/new\n";
    machine.env.agent("tiny", "command = ['fish']", steps);
    let error = machine.env.fails(&["build", "tiny"], "ulimits", 5);
    assert!(error["hint"].as_str().unwrap().contains("agent-session-ulimits.conf"), "{error}");
    assert!(error["causes"].to_string().contains("rlimit"), "{error}");
}

#[test]
fn a_start_that_podman_fails_tells_why() {
    let machine = limited();
    let start = ["start", "--detach", "--agent", "shell"];
    let error = machine.env.fails(&start, "ulimits", 5);
    assert_eq!(
        error["message"],
        "a container starts with lower limits only: podman's default limits are above what this user may set"
    );
    assert!(error["hint"].as_str().unwrap().contains("agent-session-ulimits.conf"), "{error}");
    assert!(error["causes"].to_string().contains("rlimit"), "{error}");
    machine.doctor(&["--fix", "--yes"]);
    assert_eq!(machine.env.json(&start)["status"], "running");
}

#[test]
fn a_start_that_fails_for_no_reason_of_the_machines_keeps_podmans_words() {
    let machine = Patient::of_root();
    machine
        .env
        .podman_with("case \"$*\" in 'run --detach '*) echo Error: whim >&2; exit 125;; esac");
    let error = machine.env.fails(&["start", "--detach", "--agent", "shell"], "podman_failed", 1);
    assert!(error["message"].as_str().unwrap().contains("whim"), "{error}");
}

#[test]
fn the_table_is_short_coloured_and_ends_with_what_to_type() {
    let machine = Patient::of_root();
    let mut terminal = machine.env.terminal_of("agent-session", &["doctor"], 100, 60);
    terminal.wait_for("All is well. Next: agent-session start");
    assert_eq!(terminal.exit_code(), 0);
    assert!(String::from_utf8_lossy(&terminal.raw()).contains("\x1b[32mok"));
    assert!(terminal.lines().len() <= 30, "{}", terminal.text());
    assert!(!machine.env.ok(&["doctor"]).stdout.contains('\x1b'));

    machine.env.write("home/.claude.json", "{");
    machine.as_root("mount --make-rprivate /");
    let text = machine.env.ok(&["doctor"]).stdout;
    assert!(
        text.ends_with("0 failed, 2 to be warned of. Next: agent-session doctor --fix\n"),
        "{text}"
    );
}

#[test]
fn nothing_from_outside_reaches_the_terminal_raw() {
    let mut machine = Patient::of_root();
    machine.env.set("HOME", machine.env.mkdir("evil\x1b]0;x\x07").to_str().unwrap());
    machine.env.write("evil\x1b]0;x\x07/.claude.json", "{");
    let text = machine.env.ok(&["doctor"]).stdout;
    assert!(text.contains("warning  credentials") && !text.contains(['\x1b', '\x07']), "{text:?}");
}

#[test]
fn a_name_that_a_killed_podman_left_reserved_is_freed() {
    let mut machine = Patient::of_root();
    let usual = machine.env.path("containers.conf");
    let mut conf: toml::Table = fs::read_to_string(&usual).unwrap().parse().unwrap();
    let engine = conf["engine"].as_table_mut().unwrap();
    // A podman that knows nothing of the usual one, on the same storage.
    for key in ["static_dir", "tmp_dir", "volume_path"] {
        let path = machine.env.path("other").join(key);
        engine.insert(key.into(), path.to_str().unwrap().into());
    }
    let other = machine.env.write("other.conf", &conf.to_string());
    machine.env.set("CONTAINERS_CONF", other.to_str().unwrap());
    let image = "localhost/agent-session-shell";
    machine.env.podman(&["create", "--name=agent-session-x", image]);
    machine.env.set("CONTAINERS_CONF", usual.to_str().unwrap());
    let found = machine.mends("leftovers", "warning");
    assert_eq!(found["found"], "the name agent-session-x is reserved");
}

#[test]
fn agents_that_are_broken_outdated_or_not_built_are_told_apart() {
    let machine = Patient::of_root();
    let folder = "home/.config/agent-session/agents";
    machine.env.write(&format!("{folder}/broken/agent.toml"), "title =");
    machine.env.replace_shell("command = [\"fish\"]");
    machine.env.agent("new", "command = [\"fish\"]", "FROM localhost/agent-session-base\n");
    let (exit, checks) = machine.doctor(&[]);
    let fix = |status, start: &str| {
        let of_agent = |check: &&Value| {
            check["status"] == status && check["found"].as_str().unwrap().contains(start)
        };
        let mut images = checks.iter().filter(|check| check["code"] == "images");
        let found = images.find(of_agent).unwrap_or_else(|| panic!("{start}: {checks:#?}"));
        found["fix"].as_str().unwrap_or_default().to_owned()
    };
    assert_eq!(exit, 0);
    assert!(fix("warning", "broken").ends_with("broken/agent.toml"));
    assert_eq!(fix("warning", "shell is of another definition"), "agent-session build shell");
    assert_eq!(fix("note", "new is not built"), "agent-session build new");
    assert_eq!(fix("ok", "claude is built"), "");
}

#[test]
fn a_user_whose_sessions_end_with_the_last_logout_lingers() {
    let machine = Patient::of_user();
    machine.as_root(
        "mount -t tmpfs tmpfs /var/lib/systemd && mkdir -p /run/systemd
         mount -t tmpfs tmpfs /run/systemd && mkdir /run/systemd/system
         mkdir -m 777 /var/lib/systemd/linger && mkdir -p /etc/systemd
         echo KillUserProcesses=yes >/etc/systemd/logind.conf",
    );
    machine.env.fake(
        "loginctl",
        "#!/bin/sh\n[ \"$*\" = enable-linger ] && touch /var/lib/systemd/linger/$USER\n",
    );
    machine.finds("kill_user_processes", "warning");
    assert_eq!(machine.mends("linger", "warning")["fix"], "loginctl enable-linger");
}

#[test]
fn a_cgroup_manager_that_is_not_there_is_done_without() {
    let mut machine = Patient::of_root();
    machine.configure(|conf| conf["engine"]["cgroup_manager"] = "systemd".into());
    // Nobody answers where systemd would.
    machine.as_root("mkdir -p /run/systemd /run/dbus; for f in systemd dbus; do mount -t tmpfs tmpfs /run/$f; done");
    machine.mends("cgroup_manager", "failed");
}

#[test]
fn what_a_shell_knows_is_noted() {
    let mut machine = Patient::of_root();
    machine.env.set("SHELL", "/bin/bash");
    let fix = machine.finds("shell_hook", "note")["fix"].as_str().unwrap().to_owned();
    assert!(machine.finds("completions", "note")["meaning"].as_str().unwrap().contains("Tab"));
    // What is to be typed is typed.
    assert_eq!(machine.env.finish(machine.env.command("bash", &["-c", &fix])).code, 0);
    machine.finds("shell_hook", "ok");
    machine.env.write("home/.local/share/bash-completion/completions/agent-session", "");
    machine.finds("completions", "ok");
}

#[test]
fn nushells_plugin_is_of_nushells_version() {
    let machine = Patient::of_root();
    machine.env.fake("nu", "#!/bin/sh\necho 0.115.1\n");
    let has_plugin = machine.finds("nushell_plugin", "note");
    assert!(has_plugin["found"].as_str().unwrap().ends_with("is not installed"));
    machine.env.fake("nu_plugin_agent_session", "#!/bin/sh\n");
    machine.finds("nushell_plugin", "ok");
    machine.env.fake("nu", "#!/bin/sh\necho 0.114.0\n");
    let found = machine.finds("nushell_plugin", "warning");
    assert_eq!(found["found"], "nu is 0.114.0, the plugin is built for 0.115");
}
