//! The same as an ordinary user: whose the files are, and what the kernel's user namespaces change.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::process::Command;

use crate::support::work::{DETACH, Work, podman_of};
use crate::support::{TestEnv, eventually};

fn work() -> Work {
    Work::new(TestEnv::rootless())
}

#[test]
fn a_user_starts_leaves_stops_restarts_lists_and_removes() {
    let work = work();
    let (env, session) = (&work.env, work.session.as_str());
    let mut terminal = work.attach_shell(90, 25);
    work.wait_for_size(90, 25);
    terminal.send("echo seen-$(math 6 x 7)\r");
    terminal.wait_for("\nseen-42");
    terminal.send(DETACH);
    assert_eq!(terminal.exit_code(), 0);
    assert_eq!((work.listed()["status"].as_str(), work.clients()), (Some("running"), 0));
    work.attach(90, 25).wait_for("\nseen-42");

    assert_eq!(env.json(&["stop", session])["status"], "stopped");
    assert_eq!(work.listed()["status"], "stopped");
    assert_eq!(env.json(&["restart", session])["status"], "running");
    env.ok(&["stop", session]);
    assert_eq!(env.json(&["rm", "-f", session])["removed"], true);
    env.fails(&["inspect", session], "session_not_found", 3);
    let own = format!("name=agent-session-{session}");
    assert_eq!(env.podman(&["volume", "ls", "-q", "--filter", &own]), "");
}

#[test]
fn a_users_agent_goes_on_whichever_way_the_terminal_is_lost() {
    let work = work();
    let mut terminal = work.attach_shell(100, 30);
    work.begin(&mut terminal);
    for (signal, exit_code) in [("HUP", 129), ("TERM", 143), ("KILL", 1)] {
        terminal.signal(signal);
        assert_eq!(terminal.exit_code(), exit_code, "{signal}");
        work.order(signal);
        terminal = work.attach(80, 24);
        terminal.wait_for(&format!("did {signal}\n"));
        assert_eq!(work.clients_inside(), 1, "{signal}");
    }
    terminal.close();
    assert_eq!(terminal.exit_code(), 129);
    work.order("closed");
    let larger = work.attach(120, 40);
    larger.wait_for("did closed\n");
    work.wait_for_size(120, 40);
    assert_eq!(work.clients_inside(), 1);
}

#[test]
fn files_of_the_agents_belong_to_the_user() {
    let work = work();
    let env = &work.env;
    let mut terminal = work.attach_shell(100, 30);
    terminal.send("id -u; id -g; mkdir -p deep/er; touch deep/er/file; chmod 640 deep/er/file\r");
    terminal.wait_for("\n1000\n1000\n");
    eventually("the file is there", || env.path("project/deep/er/file").exists());
    let user = fs::metadata(env.project()).unwrap();
    assert_ne!(user.uid(), 0);
    for path in ["deep", "deep/er", "deep/er/file"] {
        let made = fs::metadata(env.project().join(path)).unwrap();
        assert_eq!((made.uid(), made.gid()), (user.uid(), user.gid()), "{path}");
        let inside = env.inside(&work.session, &format!("stat -c '%u %g' /workspace/{path}"));
        assert_eq!(inside, "1000 1000", "{path}");
    }
}

#[test]
fn the_home_is_the_agents_and_the_system_is_not() {
    let work = work();
    let inside = |script: &str| work.env.inside(&work.session, script);
    assert_eq!(
        inside("echo $HOME; mkdir -p ~/.config/x && touch ~/.config/x/y ~/z && echo ok"),
        "/home/agent\nok"
    );
    assert_eq!(inside("stat -c %U:%G ~ ~/z | sort -u"), "agent:agent");
    assert_eq!(inside("touch /etc/x 2>/dev/null || echo refused"), "refused");
    assert_eq!(
        inside("grep -i '^CapEff\\|^NoNewPrivs' /proc/self/status"),
        "CapEff:\t0000000000000000\nNoNewPrivs:\t1"
    );
}

#[test]
fn several_projects_are_mounted_and_writable() {
    let env = TestEnv::rootless();
    let session = env.name("many");
    let projects = ["frontend", "backend", "shared libs"].map(|name| env.mkdir(name));
    let mut args = vec!["start", "-d", "-a", "shell", "-n", &session];
    args.extend(projects.iter().map(|path| path.to_str().unwrap()));
    let made = env.json(&args);
    assert_eq!(made["mounts"].as_array().unwrap().len(), 3);
    assert_eq!(
        env.inside(&session, "pwd; for d in /workspace/*/; do echo mine >\"$d/mark\"; done; ls"),
        "/workspace/frontend\nmark"
    );
    for project in projects {
        let mark = project.join("mark");
        assert_eq!(fs::read_to_string(&mark).unwrap(), "mine\n");
        assert_eq!(fs::metadata(&mark).unwrap().uid(), fs::metadata(&project).unwrap().uid());
    }
}

#[test]
fn a_key_is_the_agents_alone() {
    const KEY: &str = "sk-test-0123456789-only-the-agent";
    let mut env = TestEnv::rootless();
    env.set("ANTHROPIC_API_KEY", KEY);
    let session = env.name("keyed");
    env.ok(&["start", "-d", "-a", "claude", "-n", &session]);
    let agent = "/usr/lib/agent-session/agent sh -c 'echo $ANTHROPIC_API_KEY'";
    assert_eq!(env.inside(&session, agent), KEY);
    assert_eq!(env.inside(&session, "env | grep -c sk-test || true"), "0");
    let container = format!("agent-session-{session}");
    let secrets = env.podman(&["secret", "ls", "--format", "{{.Name}}"]);
    let own = |line: &&str| line.contains(&session) && line.ends_with("ANTHROPIC_API_KEY");
    let secret = secrets.lines().find(own).unwrap();
    for args in [
        &["inspect", &container][..],
        &["volume", "inspect", &container],
        &["secret", "inspect", secret],
    ] {
        assert!(!env.podman(args).contains("sk-test"), "podman {args:?}");
    }
    for args in [&["inspect", &session][..], &["ls"]] {
        assert!(!env.json(args).to_string().contains("sk-test"), "{args:?}");
        assert!(!env.ok(args).stdout.contains("sk-test"), "{args:?}");
    }
    assert_eq!(
        env.json(&["inspect", &session])["secrets"],
        serde_json::json!(["ANTHROPIC_API_KEY"])
    );
}

/// Kills all of a session at once: its monitor, its container, its terminal.
fn kill_everything(work: &Work) {
    let mut terminal = work.attach_shell(100, 30);
    let container = format!("agent-session-{}", work.session);
    let pid = |field: &str| {
        work.env.podman(&["inspect", "--format", &format!("{{{{.State.{field}}}}}"), &container])
    };
    let mut pids = vec![terminal.pid().to_string(), pid("ConmonPid"), pid("Pid")];
    pids.extend(podman_of(&terminal));
    assert!(pids.iter().all(|pid| pid != "0"), "{pids:?}");
    Command::new("kill").arg("-KILL").args(&pids).output().unwrap();
    terminal.exit_code();
    for pid in pids {
        eventually("the process is gone", || {
            !fs::read_to_string(format!("/proc/{pid}/stat"))
                .is_ok_and(|stat| !stat.contains(") Z "))
        });
    }
}

#[test]
fn a_session_comes_back_after_everything_of_it_was_killed() {
    let work = work();
    work.env.inside(&work.session, "echo kept >~/note");
    kill_everything(&work);
    let mut terminal = work.attach_shell(100, 30);
    terminal.send("cat ~/note\r");
    terminal.wait_for("\nkept\n");
}

#[test]
fn a_session_is_removed_after_everything_of_it_was_killed() {
    let work = work();
    kill_everything(&work);
    work.env.ok(&["stop", &work.session]);
    assert_eq!(work.env.json(&["rm", "-f", &work.session])["removed"], true);
}
