//! `build` where something that it fetches cannot be had: the second way, and what is said of it.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::support::tls::certificate;
use crate::support::{TestEnv, eventually, kill, var};

const NO_REGISTRY: &str = "'manifest inspect') echo 'no such host' >&2; exit 125;;";
const MADE: &str = "localhost/agent-session-debian:trixie-slim";

/// A store without images and no registry; each build is recorded, and fails.
fn bare() -> TestEnv {
    let env = TestEnv::bare();
    record_builds(&env, NO_REGISTRY);
    debian_by(&env, "cp \"$AGENT_SESSION_TEST_DIR/base.tar\"");
    zellij_by_cargo(&env, "");
    env.fake("curl", "#!/bin/sh\necho 'curl: (6) no such host' >&2\nexit 6\n");
    env
}

fn record_builds(env: &TestEnv, registry: &str) {
    let root = env.path("").display().to_string();
    env.podman_with(&format!(
        "case \"$1 $2\" in {registry}\n\
         build*) printf '%s\\n' \"$@\" >{root}/args; env >{root}/podman.env; exit 1;; esac"
    ));
}

/// Has mmdebstrap make its archive by this command, which gets the archive's name.
fn debian_by(env: &TestEnv, command: &str) {
    let command = command.replace("$AGENT_SESSION_TEST_DIR", &var("AGENT_SESSION_TEST_DIR"));
    let root = env.path("").display().to_string();
    env.fake(
        "mmdebstrap",
        &format!(
            "#!/bin/sh\nenv >{root}/mmdebstrap.env\n\
             for word; do case $word in /*.tar) archive=$word;; esac; done\n\
             {command} \"$archive\"\n"
        ),
    );
}

/// Has cargo install the real program at once, after this.
fn zellij_by_cargo(env: &TestEnv, first: &str) {
    let root = env.path("").display().to_string();
    env.fake(
        "cargo",
        &format!(
            "#!/bin/sh\nenv >{root}/cargo.env\npwd >{root}/cargo.pwd\necho \"$*\" >>{root}/cargo.args\n\
             while [ \"$1\" != --root ]; do shift; done\nmkdir -p \"$2/bin\" && echo '   Compiling zellij'\n\
             {first}\ncp '{}' \"$2/bin/zellij\"\n",
            var("AGENT_SESSION_TEST_ZELLIJ")
        ),
    );
}

/// Builds up to the point where podman would: all that it fetches has been fetched. What was said.
fn prepare(env: &TestEnv, more: &[&str]) -> String {
    let output = env.run(&[&["build", "shell"], more].concat());
    assert!(output.stderr.contains("building the image of base"), "{}", output.stderr);
    assert_eq!(output.code, 1);
    output.stderr
}

fn args(env: &TestEnv) -> String {
    fs::read_to_string(env.path("args")).unwrap()
}

fn kept(env: &TestEnv, file: &str) -> PathBuf {
    env.path(format!("home/.cache/agent-session/zellij/{file}"))
}

fn staged(env: &TestEnv, file: &str) -> PathBuf {
    env.path(format!("home/.cache/agent-session/build/base/{file}"))
}

/// Leaves only these of the host's programs.
fn only(env: &mut TestEnv, programs: &[&str]) {
    let bin = Path::new(env!("CARGO_BIN_EXE_agent-session")).parent().unwrap().to_path_buf();
    let own = env.path("bin");
    for program in programs {
        std::os::unix::fs::symlink(format!("/usr/bin/{program}"), own.join(program)).unwrap();
    }
    env.set("PATH", &format!("{}:{}", own.display(), bin.display()));
}

/// Starts a build, and interrupts it as Ctrl+C does once a file is there.
fn interrupt(env: &TestEnv, once: &Path) {
    let mut build = env.command("agent-session", &["build", "shell"]);
    let mut build =
        build.process_group(0).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    eventually("the tool is at work", || once.exists());
    kill("INT", &format!("-{}", build.id()));
    assert!(!build.wait().unwrap().success());
    fs::remove_file(once).unwrap();
}

#[test]
fn a_registry_that_hangs_is_left_soon_and_debian_is_made_here_and_said_so() {
    let env = bare();
    record_builds(&env, "'manifest inspect') sleep 600;;");
    let begin = Instant::now();
    let said = prepare(&env, &[]);
    assert!(begin.elapsed() < Duration::from_secs(45), "{:?}", begin.elapsed());
    assert!(
        said.contains("debian:trixie-slim cannot be fetched: no answer within 10 s\n"),
        "{said}"
    );
    assert!(
        said.contains("making a Debian image (trixie) on this machine with mmdebstrap"),
        "{said}"
    );
    assert!(args(&env).contains(&format!("--build-arg=BASE={MADE}\n")), "{}", args(&env));
    assert!(args(&env).contains("--label=io.agent-session.source.base=mmdebstrap\n"));
    assert_ne!(env.podman(&["images", "--quiet", MADE]), "");
    // The next one asks nobody.
    debian_by(&env, "exit 1;");
    let said = prepare(&env, &[]);
    assert!(!said.contains("fetched") && !said.contains("making a Debian"), "{said}");
    assert!(args(&env).contains("--label=io.agent-session.source.base=kept\n"));
}

#[test]
fn a_registry_that_answers_is_what_the_image_comes_from() {
    let env = bare();
    let tar = var("AGENT_SESSION_TEST_DIR") + "/base.tar";
    let published = "docker.io/library/debian:trixie-slim";
    record_builds(
        &env,
        &format!(
            "'manifest inspect') exit 0;;\n\
             'pull --quiet') exec /usr/bin/podman import --quiet '{tar}' {published};;"
        ),
    );
    let said = prepare(&env, &[]);
    assert!(!said.contains("making a Debian"), "{said}");
    assert!(args(&env).contains(&format!("--build-arg=BASE={published}\n")), "{}", args(&env));
    assert!(args(&env).contains("--label=io.agent-session.source.base=registry\n"));
    prepare(&env, &[]);
    assert!(args(&env).contains("--label=io.agent-session.source.base=present\n"));
    prepare(&env, &["--base", "localhost/own:1"]);
    assert!(args(&env).contains("--build-arg=BASE=localhost/own:1\n"));
}

#[test]
fn where_no_tool_can_make_debian_the_error_says_which_to_install() {
    let mut env = bare();
    env.real("mmdebstrap");
    only(&mut env, &[]);
    let error = env.fails(&["build", "shell"], "base_unavailable", 1);
    assert!(
        error["message"].as_str().unwrap().contains("nothing here to make one with"),
        "{error}"
    );
    let hint = error["hint"].as_str().unwrap();
    assert!(hint.starts_with("sudo apt install mmdebstrap && agent-session build"), "{hint}");
    assert!(error["causes"].to_string().contains("no such host"), "{error}");
}

#[test]
fn what_each_tool_said_is_told_where_all_fail() {
    let mut env = bare();
    env.fake("mmdebstrap", "#!/bin/sh\necho E: first words >&2\nexit 1\n");
    env.fake("debootstrap", "#!/bin/sh\necho E: second words >&2\nexit 1\n");
    only(&mut env, &["unshare", "rm"]);
    let error = env.fails(&["build", "shell"], "base_unavailable", 1);
    let causes = error["causes"].to_string();
    for words in ["no such host", "E: first words", "E: second words"] {
        assert!(causes.contains(words), "{causes}");
    }
    assert_eq!(error["hint"], "agent-session build --base IMAGE");
    assert_eq!(env.podman(&["images", "--quiet"]), "");
}

#[test]
fn making_debian_can_be_interrupted_and_repeated() {
    let env = bare();
    let half = env.path("half");
    debian_by(
        &env,
        &format!("head -c 1000000 /dev/zero >\"$archive\"; echo >{}; sleep 600; :", half.display()),
    );
    interrupt(&env, &half);
    assert_eq!(env.podman(&["images", "--quiet"]), "");
    debian_by(&env, "cp \"$AGENT_SESSION_TEST_DIR/base.tar\"");
    prepare(&env, &[]);
    assert!(!env.path("home/.cache/agent-session/build/debian").exists());
    assert_ne!(env.podman(&["images", "--quiet", MADE]), "");
}

#[test]
fn debootstrap_makes_a_slim_debian_for_root() {
    let env = bare();
    env.fake("mmdebstrap", "#!/bin/sh\nexit 1\n");
    let said = prepare(&env, &[]);
    assert!(said.contains("on this machine with debootstrap, from http"), "{said}");
    let run =
        |script: &str| env.podman(&["run", "--rm", "--network=host", MADE, "bash", "-c", script]);
    assert_eq!(run(". /etc/os-release; echo $VERSION_CODENAME"), "trixie");
    assert_eq!(
        run("find /usr/share/man /usr/share/locale /var/lib/apt/lists -type f | wc -l"),
        "0"
    );
    assert_eq!(
        run("awk '{print $3}' /etc/apt/sources.list | xargs"),
        "trixie trixie-updates trixie-security"
    );
    assert_eq!(run("mount | grep -c agent-session || true"), "0");
    let size: u64 = env.podman(&["image", "inspect", "--format={{.Size}}", MADE]).parse().unwrap();
    assert!(size < 110_000_000, "{size}");
    assert!(
        !fs::read_to_string("/proc/self/mounts").unwrap().contains(env.path("").to_str().unwrap())
    );
}

#[test]
fn zellij_is_built_by_cargo_where_its_release_cannot_be_had_and_kept() {
    let mut env = bare();
    env.set("CARGO_TARGET_DIR", "/nonexistent");
    let said = prepare(&env, &[]);
    assert!(
        said.contains("the release of Zellij 0.45.1 cannot be had: curl: (6) no such host\n"),
        "{said}"
    );
    assert!(said.contains("cargo instead, once: about 12 minutes on two cores"), "{said}");
    assert!(said.contains("making Zellij\n   Compiling zellij\n"), "{said}");
    assert!(args(&env).contains("--label=io.agent-session.source.zellij=cargo\n"));
    let real = fs::read(var("AGENT_SESSION_TEST_ZELLIJ")).unwrap();
    assert!(fs::read(staged(&env, "zellij/zellij")).unwrap() == real);
    let cargo = fs::read_to_string(env.path("cargo.args")).unwrap();
    assert!(cargo.starts_with("install zellij --locked --version 0.45.1 --root "), "{cargo}");
    // A project's own settings for cargo are none of Zellij's.
    let folder = fs::read_to_string(env.path("cargo.pwd")).unwrap();
    assert_eq!(folder.trim(), kept(&env, "").to_str().unwrap().trim_end_matches('/'));
    // Kept: nobody is asked again.
    let said = prepare(&env, &[]);
    assert!(!said.contains("Zellij 0.45.1"), "{said}");
    assert!(args(&env).contains("--label=io.agent-session.source.zellij=kept\n"));
    assert!(fs::read(staged(&env, "zellij/zellij")).unwrap() == real);
    // Unless it is no longer what it was.
    fs::write(kept(&env, "zellij-0.45.1"), "something else").unwrap();
    prepare(&env, &[]);
    assert_eq!(fs::read_to_string(env.path("cargo.args")).unwrap().lines().count(), 2);
    assert!(fs::read(staged(&env, "zellij/zellij")).unwrap() == real);
    assert_eq!(fs::read_dir(kept(&env, "")).unwrap().count(), 2);
}

#[test]
fn a_download_that_is_not_the_release_is_thrown_away() {
    let env = bare();
    env.fake("curl", "#!/bin/sh\necho '<html>please log in</html>' >archive.tar.gz\n");
    let said = prepare(&env, &[]);
    assert!(said.contains("archive.tar.gz is not the pinned one (sha256 "), "{said}");
    assert!(args(&env).contains("--label=io.agent-session.source.zellij=cargo\n"));
}

#[test]
fn without_cargo_the_error_says_how_to_bring_a_program() {
    let mut env = bare();
    env.real("cargo");
    only(&mut env, &["rm", "cp"]);
    let error = env.fails(&["build", "shell"], "zellij_unavailable", 1);
    assert!(error["message"].as_str().unwrap().contains("no cargo here"), "{error}");
    assert!(error["hint"].as_str().unwrap().starts_with("agent-session build --zellij FILE"));
    assert!(error["causes"].to_string().contains("curl: (6)"), "{error}");
}

#[test]
fn building_zellij_can_fail_or_be_interrupted_and_is_repeated() {
    let env = bare();
    zellij_by_cargo(&env, "echo 'error: no linker'; exit 101");
    let error = env.fails(&["build", "shell"], "zellij_unavailable", 1);
    assert!(error["causes"].to_string().contains("error: no linker"), "{error}");
    let half = env.path("half");
    zellij_by_cargo(
        &env,
        &format!("echo half >\"$2/bin/zellij\"; echo >{}; sleep 600", half.display()),
    );
    interrupt(&env, &half);
    assert!(!kept(&env, "zellij-0.45.1").exists());
    zellij_by_cargo(&env, "");
    prepare(&env, &[]);
    assert!(args(&env).contains("--label=io.agent-session.source.zellij=cargo\n"));
}

#[test]
fn certificates_are_staged_announced_and_chosen() {
    let env = bare();
    let (_, ca) = certificate(&env.mkdir("tls"));
    let certificates = || -> usize {
        let found = fs::read_dir(staged(&env, "certificates")).unwrap();
        found.filter(|entry| entry.as_ref().unwrap().path().extension().is_some()).count()
    };
    let said = prepare(&env, &["--ca-certs", "none"]);
    assert!(!said.contains("CA certificate"), "{said}");
    assert_eq!(certificates(), 0);
    prepare(&env, &[]);
    let of_host = certificates();
    let said = prepare(&env, &["--ca-certs", ca.to_str().unwrap()]);
    assert!(
        said.contains("the image will trust ") && said.contains(ca.to_str().unwrap()),
        "{said}"
    );
    assert_eq!(certificates(), of_host + 1);
    assert!(args(&env).contains("--label=io.agent-session.certificates=chosen\n"));
    env.write("none.pem", "not one\n");
    env.fails(&["build", "shell", "--ca-certs", "../none.pem"], "invalid_config", 2);
    env.fails(&["build", "shell", "--ca-certs", "../missing.pem"], "path_not_found", 3);
}

#[test]
fn other_certificates_than_at_the_last_build_make_the_base_outdated() {
    let env = TestEnv::new();
    let (_, ca) = certificate(&env.mkdir("tls"));
    env.fake("curl", "#!/bin/sh\nexit 6\n");
    zellij_by_cargo(&env, "");
    record_builds(&env, "never) ;;");
    let outdated = || {
        let _ = fs::remove_file(env.path("args"));
        env.run(&["build", "shell"]);
        args(&env).contains("--tag=localhost/agent-session-base:latest")
    };
    assert!(!outdated(), "{}", args(&env));
    env.write(
        "home/.config/agent-session/ca-certificates/own.pem",
        &fs::read_to_string(ca).unwrap(),
    );
    assert!(outdated());
}

/// Proxies, as most programs want them.
fn use_proxy(env: &mut TestEnv, url: &str) {
    for name in ["http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"] {
        env.set(name, url);
    }
    env.set("NO_PROXY", "internal.example");
}

#[test]
fn proxies_reach_whatever_fetches() {
    let mut env = bare();
    use_proxy(&mut env, "http://proxy.example:3128");
    let root = env.path("").display().to_string();
    env.fake("curl", &format!("#!/bin/sh\nenv >{root}/curl.env\nexit 6\n"));
    record_builds(&env, &format!("'manifest inspect') env >{root}/pull.env; exit 125;;"));
    prepare(&env, &[]);
    for program in ["pull", "mmdebstrap", "curl", "cargo", "podman"] {
        let seen = fs::read_to_string(env.path(format!("{program}.env"))).unwrap();
        for variable in [
            "https_proxy=http://proxy.example:3128",
            "HTTPS_PROXY=http://proxy",
            "NO_PROXY=internal",
        ] {
            assert!(seen.lines().any(|line| line.starts_with(variable)), "{program}: {seen}");
        }
    }
    assert!(!args(&env).contains("--network"));
}

/// A proxy for plain HTTP, which answers each request itself. Its address.
fn proxy() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut line = String::new();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            reader.read_line(&mut line).unwrap();
            while line.trim_end().len() > 2 && reader.fill_buf().is_ok_and(|rest| rest.len() > 2) {
                let mut header = String::new();
                reader.read_line(&mut header).unwrap();
            }
            let body = format!("by the proxy: {line}");
            let _ =
                write!(stream, "HTTP/1.0 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        }
    });
    format!("http://{address}")
}

#[test]
fn a_proxy_on_this_machine_is_reached_from_inside_a_build() {
    let mut env = TestEnv::new();
    env.agent(
        "tiny",
        "command = ['fish']",
        "FROM localhost/agent-session-base\nRUN curl -sS http://name.example/path && env\n",
    );
    use_proxy(&mut env, &proxy());
    let said = env.ok(&["build", "tiny"]).stderr;
    assert!(said.contains("by the proxy: GET http://name.example/path HTTP/1.1"), "{said}");
    let left = env.podman(&[
        "image",
        "inspect",
        "--format={{.Config.Env}}",
        "localhost/agent-session-tiny",
    ]);
    assert!(!left.contains("127.0.0.1"), "{left}");
}
