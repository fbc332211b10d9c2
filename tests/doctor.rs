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

#[test]
fn limits_above_what_root_may_set_are_lowered() {
    let machine = Patient::limited();
    machine.mends("ulimits", "failed");
    assert!(machine.etc("containers/containers.conf.d/agent-session-ulimits.conf").exists());
}

#[test]
fn limits_above_what_a_user_may_set_are_lowered() {
    let mut machine = Patient::of_user();
    machine.limit();
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

#[test]
fn a_store_that_copies_its_layers_is_changed_while_it_is_empty() {
    let machine = Patient::of_user();
    fs::remove_file(machine.env.path("home/.config/containers/storage.conf")).unwrap();
    // Podman goes on with the driver that it finds in its store.
    machine.as_user("podman --storage-driver vfs volume ls");
    machine.mends("storage_driver", "warning");
    // What removes the probe's container may still be at it, and podman 4.3 then fails.
    let driver = ["info", "--format={{.Store.GraphDriverName}}"];
    let driver = || machine.env.finish(machine.env.command("podman", &driver)).stdout;
    eventually("the driver is another", || driver() == "overlay\n");

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
    machine.configure(|conf| {
        conf["engine"].as_table_mut().unwrap().insert("cgroup_manager".into(), "systemd".into());
    });
    // Nobody answers where systemd would.
    machine.as_root("mkdir -p /run/systemd /run/dbus; for f in systemd dbus; do mount -t tmpfs tmpfs /run/$f; done");
    machine.mends("cgroup_manager", "failed");
}
