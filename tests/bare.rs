//! `shell/install.sh` on a bare machine, for real: Debian's packages, cargo, Podman, images, sessions. It is called as the
//! README.md says.

use std::fs;
use std::path::Path;

use crate::support::machine::{Contents, Machine, User};
use crate::support::{Output, Terminal, TestEnv, tls};

const INSTALL: &str = "/src/agent-session/shell/install.sh";
/// What is of podman's and cargo's making in a home, and stays.
const OF_OTHERS: [&str; 8] = [
    ".local/share/containers",
    ".config",
    ".cargo/registry",
    ".cargo/.global-cache",
    ".cargo/.package-cache",
    ".cargo/.package-cache-mutate",
    ".cache/agent-session",
    ".bash_history",
];

/// Everything that podman may hold, the layers of builds that were interrupted among it. A session that
/// runs writes to it all the time.
const ALL_OF_PODMANS: &str = "podman ps -aq --external; podman volume ls -q; podman secret ls -q; \
                              podman images --all --format '{{.Id}} {{.Names}}'";

/// Who was attached.
const OF_SESSIONS: &str = ".local/state/agent-session/clients";

fn install(machine: &Machine, options: &str) -> Output {
    machine.run(&format!("{INSTALL} {options}"))
}

fn installed(machine: &Machine, options: &str) -> String {
    machine.ok(&format!("{INSTALL} {options}"))
}

/// Two looks at a home, which must be the same.
fn same(now: &Contents, before: &Contents) {
    let differs: Vec<_> = now
        .keys()
        .chain(before.keys())
        .filter(|path| now.get(*path) != before.get(*path))
        .collect();
    assert!(differs.is_empty(), "changed: {differs:?}");
}

/// Interrupts a run once it says that it is at a step, and when this has come of it.
fn interrupt(machine: &Machine, step: &str, then: &str) {
    let mut terminal = machine.terminal(&format!("{INSTALL} --yes"));
    terminal.wait_for_passing(step).wait_for_passing(then);
    terminal.send("\x03");
    let code = terminal.exit_code();
    terminal.wait_for_end();
    assert_eq!(code, 130, "at {step}: {}", terminal.text());
    assert!(
        terminal.text().contains("next: /src/agent-session/shell/install.sh --yes"),
        "{}",
        terminal.text()
    );
}

/// The container of the session and when it was started.
fn session(machine: &Machine) -> String {
    machine.ok("podman inspect --format '{{.Id}} {{.State.StartedAt}} {{.State.Status}}' agent-session-default")
}

/// Runs it on a terminal until the session is there, and leaves the session.
fn returned_to(mut terminal: Terminal) {
    terminal.wait_for_passing("Returning to the session").wait_for("Zellij");
    terminal.send("\x0fd");
    assert_eq!(terminal.exit_code(), 0, "{}", terminal.text());
}

fn taken_out(machine: &Machine) {
    let mut terminal = machine.terminal(&format!("{INSTALL} --uninstall"));
    terminal.wait_for("in their homes? [y/N]");
    terminal.send("y\r");
    terminal.wait_for("Remove the images");
    terminal.send("y\r");
    terminal.wait_for_passing("==> Done.");
    assert_eq!(terminal.exit_code(), 0, "{}", terminal.text());
}

/// Has the machine's administrator trust an authority that nobody else knows, and puts clients
/// here that show who trusts it.
fn trust_an_authority(machine: &Machine, clients: &Path) {
    fs::create_dir(clients).unwrap();
    let certificate = tls::clients(clients);
    fs::copy(certificate, machine.path("usr/local/share/ca-certificates/own.crt")).unwrap();
}

/// The clients that trust it in a session of this machine, where nobody asked for that.
fn trusting_elsewhere(clients: &Path) -> String {
    let env = TestEnv::new();
    let volume = format!("--volume={}:/clients:ro", clients.display());
    let image = "localhost/agent-session-shell";
    env.podman(&["run", "--rm", &volume, image, "bash", "/clients/run"])
}

fn words(text: &str) -> Vec<&str> {
    text.split_whitespace().collect()
}

#[test]
fn root_comes_from_nothing_to_a_session_and_back_whatever_is_interrupted() {
    let mut machine = Machine::new(User::Root);
    machine.boot(true);
    let untouched = machine.touched();
    let before = machine.contents(&OF_OTHERS);
    let plan = installed(&machine, "--dry-run");
    assert!(
        plan.contains("==> Starting a session on /root/project, with the agent 'shell'"),
        "{plan}"
    );
    assert_eq!(machine.touched(), untouched);

    for (step, then) in [
        ("==> Looking for Rust", ""),
        ("==> Fetching the crates", ""),
        ("==> Looking for Podman", "missing: "),
        ("apt-get -o", "Setting up"),
        ("==> Building agent-session", "$ cargo install"),
        ("==> Preparing your shell", ""),
        ("==> Starting a session", "STEP 5"),
    ] {
        interrupt(&machine, step, then);
    }
    installed(&machine, "--yes");

    let first = session(&machine);
    assert!(first.contains("running"), "{first}");
    let left_out = [&OF_OTHERS[..], &[OF_SESSIONS]].concat();
    let once = machine.contents(&left_out);
    returned_to(machine.terminal(INSTALL));
    same(&machine.contents(&left_out), &once);
    assert_eq!(session(&machine), first);
    assert_eq!(
        machine.ok("bash -ic 'command -v agent-session' 2>/dev/null").trim(),
        "/root/.cargo/bin/agent-session"
    );
    let libraries = machine.ok("ldd /root/.cargo/bin/agent-session");
    assert_eq!(libraries.trim(), "statically linked");

    let touched = machine.touched();
    let all = machine.ok(ALL_OF_PODMANS);
    installed(&machine, "--uninstall --dry-run");
    assert_eq!((machine.touched(), machine.ok(ALL_OF_PODMANS)), (touched, all));
    taken_out(&machine);
    same(&machine.contents(&OF_OTHERS), &before);
    assert!(!machine.home(".cache/agent-session").exists());
    assert_eq!(machine.ok(ALL_OF_PODMANS), "");
}

#[test]
fn an_ordinary_user_comes_to_a_session_that_trusts_what_the_machine_does_and_keeps_it() {
    let mut machine = Machine::new(User::Mia);
    let clients = machine.home("project/clients");
    trust_an_authority(&machine, &clients);
    machine.boot(true);
    let before = machine.contents(&OF_OTHERS);
    installed(&machine, "--yes");
    let first = session(&machine);
    let source = "{{index .Labels \"io.agent-session.source.base\"}}";
    let source = format!("podman image inspect --format '{source}' localhost/agent-session-base");
    assert_eq!(machine.ok(&source), "mmdebstrap\n");
    let trusting = machine.ok("podman exec agent-session-default bash clients/run");
    assert_eq!(words(&trusting), ["apt", "npm", "curl", "git", "node", "python"]);
    assert_eq!(words(&trusting_elsewhere(&clients)), [""; 0]);

    installed(&machine, "");
    assert_eq!(session(&machine), first);

    let words = installed(&machine, "--uninstall --yes");
    assert!(words.contains("they stay, with all that is in them"), "{words}");
    assert_eq!(session(&machine), first);
    assert!(!machine.home(".cargo/bin/agent-session").exists());
    installed(&machine, "--yes");
    assert_eq!(session(&machine), first);
    taken_out(&machine);
    same(&machine.contents(&OF_OTHERS), &before);
}

#[test]
fn without_a_network_it_names_what_it_could_not_reach_and_has_done_nothing() {
    let mut machine = Machine::new(User::Mia);
    machine.boot(false);
    let before = machine.contents(&OF_OTHERS);
    let output = install(&machine, "--yes");
    assert_eq!(output.code, 1, "{output:?}");
    assert!(output.stderr.contains("apt-get could not install podman"), "{output:?}");
    assert!(output.stderr.contains("resolving"), "{output:?}");
    assert!(output.stderr.ends_with(&format!("then {INSTALL} --yes\n")), "{output:?}");
    same(&machine.contents(&OF_OTHERS), &before);
    assert_eq!(machine.ok("dpkg --audit"), "");

    // Nor are the crates there.
    machine.ok("rm ~/.cargo/registry/cache ~/.cargo/registry/index; rm -rf ~/.cargo/registry/src");
    let output = install(&machine, "--yes");
    assert_eq!(output.code, 1, "{output:?}");
    assert!(output.stderr.contains("cargo could not fetch the crates"), "{output:?}");
    same(&machine.contents(&OF_OTHERS), &before);
}
