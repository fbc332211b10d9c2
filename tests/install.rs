//! `shell/install.sh` on every platform, with the programs that it calls replaced: package managers,
//! options, answers. `bare.rs` has it do its work for real.

use std::fs;

use crate::support::scratch::{SCRIPT, Scratch, finish};

/// A package manager's stub: nothing is there; to install brings Podman.
fn brings_podman(query: &str) -> String {
    format!(
        "case \"$*\" in {query}) exit 1;; esac\n\
         printf '#!/bin/sh\\necho podman version 5.4.2\\n' >\"${{0%/*}}/podman\"\n\
         /bin/chmod 755 \"${{0%/*}}/podman\""
    )
}

/// What is called to install Podman, by an ordinary user.
fn installed_by(manager: &str, query: &str, others: &[(&str, &str)]) -> Vec<String> {
    let scratch = Scratch::with(manager, &brings_podman(query));
    for (name, script) in others {
        scratch.stub(name, script);
    }
    let mut command = scratch.command(&["--yes", "--no-start"]);
    command.env("FAKE_UID", "1000");
    let output = finish(command);
    assert_eq!(output.code, 0, "{}{}", output.stdout, output.stderr);
    scratch.called("sudo ")
}

#[test]
fn fedora_installs_with_dnf() {
    let calls = installed_by("dnf", "never", &[("rpm", "exit 1")]);
    let packages = "podman slirp4netns fuse-overlayfs shadow-utils gcc";
    assert_eq!(calls, [format!("sudo dnf install -y {packages}")]);
}

#[test]
fn arch_installs_with_pacman() {
    let calls = installed_by("pacman", "-Q*", &[]);
    let packages = "podman aardvark-dns slirp4netns fuse-overlayfs shadow gcc";
    assert_eq!(calls, [format!("sudo pacman -S --needed --noconfirm {packages}")]);
}

#[test]
fn suse_installs_with_zypper() {
    let calls = installed_by("zypper", "never", &[("rpm", "exit 1")]);
    let packages = "podman catatonit slirp4netns fuse-overlayfs shadow gcc";
    assert_eq!(calls, [format!("sudo zypper --non-interactive install {packages}")]);
}

#[test]
fn alpine_installs_with_apk() {
    let calls = installed_by("apk", "info*", &[]);
    let packages =
        "podman catatonit slirp4netns fuse-overlayfs shadow-uidmap iptables gcc musl-dev";
    assert_eq!(calls, [format!("sudo apk add {packages}")]);
}

#[test]
fn debian_installs_with_apt_after_it_mended_what_was_interrupted() {
    let dpkg = ("dpkg", "[ \"$1\" != --audit ] || echo broken");
    let calls = installed_by("apt-get", "indextargets*", &[("dpkg-query", "exit 1"), dpkg]);
    assert_eq!(calls[..2], ["sudo dpkg --configure -a", "sudo apt-get update"]);
    assert!(
        calls[2].contains(" install -y --no-install-recommends podman runc conmon "),
        "{calls:?}"
    );
    assert!(
        calls[2].ends_with(" mmdebstrap debian-archive-keyring ca-certificates curl gcc libc6-dev")
    );
}

#[test]
fn macos_installs_with_brew_and_starts_the_machine() {
    let podman = "#!/bin/sh\necho \"podman $*\" >>\"${0%/*}/../log\"\ncase \"$1 $2\" in\n\
                  '--version '*) echo podman version 5.4.2;; 'machine inspect') exit 1;; esac";
    let brew = format!(
        "[ $1 != list ] || exit 1\ncat >\"${{0%/*}}/podman\" <<'END'\n{podman}\nEND\n/bin/chmod 755 \"${{0%/*}}/podman\""
    );
    let scratch = Scratch::with("brew", &brew);
    scratch.ok(&["--yes", "--no-start"]);
    let calls = scratch.calls();
    let done: Vec<_> = calls
        .iter()
        .filter(|call| call.starts_with("brew install") || call.starts_with("podman machine"))
        .filter(|call| !call.contains("inspect"))
        .collect();
    assert_eq!(done, ["brew install podman", "podman machine init", "podman machine start"]);
    assert!(!calls.iter().any(|call| call.starts_with("sudo")), "{calls:?}");
}

#[test]
fn a_podman_that_is_too_old_is_said_to_be() {
    let scratch = Scratch::with("pacman", "");
    scratch.stub("podman", "echo 'podman version 3.4.4'");
    let output = scratch.run(&["--yes"]);
    assert_eq!(output.code, 1);
    assert!(
        output.stderr.contains("Podman '3.4.4' is too old: sessions need 4.3 or newer"),
        "{output:?}"
    );
    assert!(output.stderr.contains("\n  next: install Podman"));
}

#[test]
fn without_a_package_manager_podman_must_be_there() {
    let output = Scratch::with("", "").run(&["--yes"]);
    assert_eq!(output.code, 1);
    assert!(output.stderr.contains("nor a package manager that this script knows"), "{output:?}");
    let scratch = Scratch::with("", "");
    scratch.stub("podman", "echo 'podman version 4.3.1'");
    scratch.ok(&["--yes"]);
}

#[test]
fn without_rust_it_says_where_rust_comes_from_and_does_nothing() {
    let scratch = Scratch::ready();
    fs::remove_file(scratch.path("bin/cargo")).unwrap();
    let before = scratch.files();
    let output = scratch.run(&["--yes"]);
    assert_eq!(output.code, 1);
    assert!(output.stderr.contains("there is no cargo"), "{output:?}");
    assert!(output.stderr.contains("\n  next: curl "));
    assert_eq!(scratch.files(), before);
}

#[test]
fn cargo_that_is_not_yet_in_path_is_found_where_rustup_puts_it() {
    let scratch = Scratch::ready();
    fs::create_dir_all(scratch.home(".cargo/bin")).unwrap();
    for tool in ["cargo", "rustc"] {
        fs::rename(scratch.path("bin").join(tool), scratch.home(".cargo/bin").join(tool)).unwrap();
    }
    scratch.ok(&["--yes", "--no-start"]);
}

#[test]
fn a_rust_that_is_too_old_is_said_to_be_with_the_way_to_a_newer_one() {
    let scratch = Scratch::ready();
    scratch.stub("rustc", "echo 'rustc 1.63.0 (4b91a6ea7 2022-08-08)'");
    let output = scratch.run(&["--yes"]);
    assert_eq!(output.code, 1);
    assert!(output.stderr.contains("Rust 1.63.0 is too old"), "{output:?}");
    scratch.stub("rustup", "");
    let output = scratch.run(&["--yes"]);
    assert!(output.stderr.contains("\n  next: rustup update stable"), "{output:?}");
}

#[test]
fn wrong_options_are_usage_errors_and_change_nothing() {
    let scratch = Scratch::ready();
    let before = scratch.files();
    for args in
        [&["--no"][..], &["-x"], &["--prefix"], &["--prefix="], &[".", "."], &["--", ".", "."]]
    {
        let output = scratch.run(args);
        assert_eq!(output.code, 2, "{args:?}: {output:?}");
        assert!(output.stderr.contains("Usage: shell/install.sh"), "{args:?}: {output:?}");
        assert_eq!(output.stdout, "");
    }
    for args in [&["nowhere"][..], &[".."]] {
        let output = scratch.run(args);
        assert_eq!(output.code, 2, "{args:?}: {output:?}");
        assert!(output.stderr.contains("\n  next: "), "{args:?}: {output:?}");
    }
    assert_eq!(scratch.files(), before);
    assert_eq!(scratch.calls(), [""; 0]);
}

#[test]
fn help_is_on_standard_output() {
    for flag in ["-h", "--help"] {
        let output = Scratch::ready().ok(&[flag]);
        assert!(output.stdout.starts_with("Usage: shell/install.sh"), "{output:?}");
        assert_eq!(output.stderr, "");
    }
}

/// How cargo links on a machine of this kind, whose compiler says that the C library's archive is there.
fn linked_with(host: &str, archive: &str) -> bool {
    let mut scratch = Scratch::ready();
    scratch.stub("cc", &format!("[ $1 = -print-file-name=libc.a ] && echo {archive}"));
    scratch.vars.push(("FAKE_HOST", host.into()));
    scratch.ok(&["--yes", "--no-start"]);
    let calls = scratch.called("cargo install");
    let options =
        format!("--target {host} --config target.{host}.rustflags='-Ctarget-feature=+crt-static'");
    assert_eq!(calls[0].contains("--target"), calls[0].contains(&options), "{calls:?}");
    calls[0].contains("--target")
}

#[test]
fn the_c_library_is_linked_in_where_there_is_one_to_link() {
    assert!(linked_with("x86_64-unknown-linux-gnu", "/usr/lib/x86_64-linux-gnu/libc.a"));
    assert!(linked_with("aarch64-unknown-linux-gnu", "/usr/lib/libc.a"));
    assert!(!linked_with("x86_64-unknown-linux-gnu", "libc.a"));
    assert!(!linked_with("x86_64-unknown-linux-musl", "/usr/lib/libc.a"));
    assert!(!linked_with("aarch64-apple-darwin", "libc.a"));
}

#[test]
fn a_build_that_fails_ends_it_with_what_to_type() {
    let scratch = Scratch::ready();
    scratch.stub("cargo", "[ $1 != install ]");
    let output = scratch.run(&["--yes", "dir's"]);
    assert_eq!(output.code, 2);
    fs::create_dir(scratch.home("project/dir's")).unwrap();
    let output = scratch.run(&["--yes", "dir's"]);
    assert_eq!(output.code, 1);
    let again = format!("\n  next: {SCRIPT} --yes 'dir'\\''s'\n");
    assert!(output.stderr.contains(&again), "{output:?}");
}

#[test]
fn crates_that_cannot_be_fetched_end_it_before_anything_is_installed() {
    let scratch = Scratch::with("pacman", "exit 1");
    scratch.stub("cargo", "exit 101");
    let before = scratch.files();
    let output = scratch.run(&["--yes"]);
    assert_eq!(output.code, 1);
    assert!(output.stderr.contains("registry could not be reached"), "{output:?}");
    assert_eq!(scratch.files(), before);
    assert_eq!(scratch.called("pacman"), [""; 0]);
}
