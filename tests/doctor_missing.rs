//! What `doctor` finds missing: programs that podman calls, a message bus, room for keys.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::thread;

use crate::support::patient::{Patient, one};

#[test]
fn a_missing_reaper_is_installed() {
    let machine = Patient::of_root();
    machine.as_root(
        "mkdir $1/upper $1/work
         mount -t overlay overlay -o lowerdir=/usr/bin,upperdir=$1/upper,workdir=$1/work /usr/bin
         rm /usr/bin/catatonit",
    );
    machine.env.fake(
        "apt-get",
        "#!/bin/sh\n[ \"$*\" = 'install -y catatonit' ] && umount --lazy /usr/bin\n",
    );
    assert_eq!(machine.mends("init", "failed")["fix"], "apt-get install -y catatonit");
}

#[test]
fn a_network_that_cannot_be_made_gets_its_program() {
    let mut machine = Patient::of_root();
    machine.configure(|conf| {
        conf["containers"].as_table_mut().unwrap().remove("netns");
    });
    let link = machine.etc("alternatives/iptables");
    let target = fs::read_link(&link).unwrap();
    fs::remove_file(&link).unwrap();
    let install = format!("ln -s '{}' /etc/alternatives/iptables", target.display());
    let script = format!("#!/bin/sh\n[ \"$*\" = 'install -y iptables' ] && {install}\n");
    machine.env.fake("apt-get", &script);
    assert_eq!(machine.mends("network", "failed")["fix"], "apt-get install -y iptables");
}

#[test]
fn a_message_bus_is_missed_where_systemd_runs() {
    let machine = Patient::of_user();
    let (_, checks) = machine.doctor(&[]);
    assert_eq!(one(&checks, "session_bus", "note")["fix"], serde_json::Value::Null);
    machine.as_root(
        "mount -t tmpfs tmpfs /var/lib/systemd && mkdir -p /run/systemd
         mount -t tmpfs tmpfs /run/systemd && mkdir /run/systemd/system",
    );
    let found = machine.finds("session_bus", "note");
    assert!(found["fix"].as_str().unwrap().starts_with("sudo apt install dbus-user-session"));
    fs::write(machine.env.path("xdg/bus"), "").unwrap();
    machine.finds("session_bus", "ok");
}

/// Takes keys until the kernel gives no more, and keeps them.
const TAKE_KEYS: &str = r#"
$add_key = `uname -m` =~ /aarch64/ ? 217 : 248;
$process_keyring = -2;
$| = 1;
$type = "user";
$payload = "x";
for (1 .. 100000) {
  $name = "key $_";
  last if syscall($add_key, $type, $name, $payload, 1, $process_keyring) < 0;
}
print "full\n";
<STDIN>;
"#;

#[test]
fn keyrings_that_the_kernel_has_no_room_for_are_allowed() {
    let machine = Patient::of_user();
    let mut command = machine.env.command("perl", &["-e", TAKE_KEYS]);
    let mut taker = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(taker.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "full\n");
    // It ends with its input, and its keys are its own until it is waited for.
    let _held = taker.stdin.take();
    let burial = thread::spawn(move || taker.wait().unwrap());
    // The limit is everybody's: in place of raising it, the keys are given back.
    machine.env.fake(
        "sysctl",
        "#!/bin/sh\n[ \"$*\" = '--write kernel.keys.maxkeys=20000' ] && pkill -f 'process_keyring = -2'\n\
         until awk -v uid=\"$SUDO_UID:\" '$1 == uid && int($4) > 100 { exit 1 }' /proc/key-users; do :; done\n",
    );
    let found = machine.mends("keyring", "failed");
    assert_eq!(found["fix"], "sudo sysctl --write kernel.keys.maxkeys=20000");
    assert!(!burial.join().unwrap().success());
}
