//! What containers need that an ordinary user starts.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::{Check, Command, Finding, packages};
use crate::context::Context;

/// The ids that a container's image may use (podman's documentation: 65536 a user).
const COUNT: u64 = 65_536;
/// Where free ids are looked for: below are system users and the first users' own.
const FIRST: u64 = 100_000;
const TUN: &str = "/dev/net/tun";

/// Checks what only a rootless podman on this machine needs.
pub(super) fn check(ctx: &Context) -> Vec<Finding> {
    if ctx.podman.is_remote() || rustix::process::geteuid().is_root() {
        return Vec::new();
    }
    let mut all = vec![subordinate_ids(), id_mapping_tools(ctx), network_helper(ctx)];
    all.push(tun());
    all.push(runtime_directory(ctx));
    all.push(session_bus(ctx));
    all
}

fn subordinate_ids() -> Finding {
    let from_files = |line: &str| line.strip_prefix("subid:").is_none_or(|by| by.contains("files"));
    if !read("/etc/nsswitch.conf").lines().all(from_files) {
        return Finding::note(Check::SubordinateIds, "ids come from a directory service");
    }
    let uid = rustix::process::getuid().as_raw();
    let user = user(&read("/etc/passwd"), uid).unwrap_or_else(|| uid.to_string());
    let (uids, gids) = (read("/etc/subuid"), read("/etc/subgid"));
    let has =
        |text: &str| ranges(text).any(|range| range.is_of(&user, uid) && range.count >= COUNT);
    match (has(&uids), has(&gids)) {
        (true, true) => {
            Finding::ok(Check::SubordinateIds, format!("{user} has ids for containers"))
        }
        (has_user_ids, has_groups) => {
            let free = free(&uids, &gids);
            let range = format!("{free}-{}", free + COUNT - 1);
            let mut words = vec!["usermod"];
            words
                .extend((!has_user_ids).then_some(["--add-subuids", &range]).into_iter().flatten());
            words.extend((!has_groups).then_some(["--add-subgids", &range]).into_iter().flatten());
            words.push(&user);
            let missing = if has_user_ids { "/etc/subgid" } else { "/etc/subuid" };
            Finding::failed(
                Check::SubordinateIds,
                format!("{user} has no range of {COUNT} ids in {missing}"),
            )
            .meaning("a rootless container needs ids of its own for the users inside")
            .mend(vec![Command::as_root(&words), Command::new(&["podman", "system", "migrate"])])
        }
    }
}

/// A line of `/etc/subuid`: who may use which ids.
struct Range<'a> {
    owner: &'a str,
    first: u64,
    count: u64,
}

impl Range<'_> {
    fn is_of(&self, user: &str, uid: u32) -> bool {
        self.owner == user || self.owner.parse() == Ok(uid)
    }
}

fn ranges(text: &str) -> impl Iterator<Item = Range<'_>> {
    text.lines().filter_map(|line| {
        let mut parts = line.trim().split(':');
        let (owner, first, count) = (parts.next()?, parts.next()?, parts.next()?);
        Some(Range { owner, first: first.parse().ok()?, count: count.parse().ok()? })
    })
}

/// The first id behind every range that is handed out.
fn free(uids: &str, gids: &str) -> u64 {
    let ends = ranges(uids).chain(ranges(gids)).map(|range| range.first + range.count);
    ends.max().unwrap_or(FIRST).max(FIRST)
}

fn user(passwd: &str, uid: u32) -> Option<String> {
    let of = |line: &str| line.split(':').nth(2).and_then(|text| text.parse().ok());
    let line = passwd.lines().find(|line| of(line) == Some(uid))?;
    line.split(':').next().map(Into::into)
}

fn id_mapping_tools(ctx: &Context) -> Finding {
    let check = Check::IdMappingTools;
    let tools = ["newuidmap", "newgidmap"].map(|name| ctx.programs.find(name));
    let [Some(uids), Some(gids)] = tools else {
        let others = [
            ("dnf", "shadow-utils"),
            ("pacman", "shadow"),
            ("zypper", "shadow"),
            ("apk", "shadow-uidmap"),
        ];
        return Finding::failed(check, "newuidmap and newgidmap are not installed")
            .meaning("they give a rootless container its ids")
            .mend(packages::install(ctx, "uidmap", &others));
    };
    let weak: Vec<_> = [uids, gids].into_iter().filter(|file| !may_map(file)).collect();
    if weak.is_empty() {
        return Finding::ok(check, "newuidmap and newgidmap may map ids");
    }
    let names: Vec<_> = weak.iter().map(|file| file.to_string_lossy().into_owned()).collect();
    let words: Vec<_> =
        ["chmod", "u+s"].into_iter().chain(names.iter().map(String::as_str)).collect();
    Finding::failed(check, format!("{} may not map ids", names.join(" and ")))
        .meaning("the file has lost its setuid bit, and has no capability in its place")
        .mend(vec![Command::as_root(&words)])
}

/// Whether a program is root's with the setuid bit, or has file capabilities.
fn may_map(file: &Path) -> bool {
    const SETUID: u32 = 0o4000;
    let setuid = fs::metadata(file)
        .is_ok_and(|data| data.uid() == 0 && data.permissions().mode() & SETUID != 0);
    let mut none = [0_u8; 0];
    setuid
        || rustix::fs::getxattr(file, c"security.capability", &mut none).is_ok_and(|size| size > 0)
}

fn network_helper(ctx: &Context) -> Finding {
    let helpers = ["pasta", "slirp4netns"];
    match helpers.into_iter().find(|name| ctx.programs.find(name).is_some()) {
        Some(name) => Finding::ok(Check::NetworkHelper, name),
        None => Finding::failed(Check::NetworkHelper, "neither pasta nor slirp4netns is installed")
            .meaning("one of them is the network of a rootless container")
            .mend(packages::install(ctx, "slirp4netns", &[])),
    }
}

fn tun() -> Finding {
    let opened = fs::File::options().read(true).write(true).open(TUN);
    let failed = |found: String| {
        Finding::failed(Check::TunDevice, found)
            .meaning("the network of a rootless container goes through it")
    };
    match opened {
        Ok(_) => Finding::ok(Check::TunDevice, format!("{TUN} can be opened")),
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
            failed(format!("{TUN} may not be opened"))
                .mend(vec![Command::as_root(&["chmod", "666", TUN])])
        }
        Err(error) => failed(format!("{TUN} cannot be opened: {error}"))
            .mend(vec![Command::as_root(&["modprobe", "tun"])]),
    }
}

/// Podman keeps in it what runs; another one, as after `su`, has podman see nothing of it.
fn runtime_directory(ctx: &Context) -> Finding {
    let check = Check::RuntimeDirectory;
    let uid = rustix::process::getuid().as_raw();
    let usual = format!("/run/user/{uid}");
    let export = format!("export XDG_RUNTIME_DIR={usual}");
    let Some(set) = ctx.var("XDG_RUNTIME_DIR").map(PathBuf::from) else {
        let finding = Finding::warning(check, "XDG_RUNTIME_DIR is not set")
            .meaning("as after su or sudo: sessions of your logins are not seen from here");
        return finding.manual(export);
    };
    match fs::metadata(&set) {
        Ok(data) if data.uid() == uid => Finding::ok(check, set.display().to_string()),
        Ok(data) => Finding::failed(
            check,
            format!("XDG_RUNTIME_DIR {} belongs to user {}", set.display(), data.uid()),
        )
        .meaning("podman refuses to keep anything there")
        .manual(export),
        Err(error) => Finding::failed(check, format!("XDG_RUNTIME_DIR {}: {error}", set.display()))
            .meaning("podman has nowhere to keep what runs; a login would make it")
            .mend(make_runtime_directory(&set, uid)),
    }
}

fn make_runtime_directory(folder: &Path, uid: u32) -> Vec<Command> {
    let owner = format!("--owner={uid}");
    let folder = folder.to_string_lossy();
    vec![Command::as_root(&["install", "-d", "-m", "700", &owner, &folder])]
}

fn session_bus(ctx: &Context) -> Finding {
    let by_variable = ctx.var("DBUS_SESSION_BUS_ADDRESS").is_some();
    let socket = ctx.var("XDG_RUNTIME_DIR").map(|folder| Path::new(folder).join("bus"));
    if by_variable || socket.is_some_and(|socket| socket.exists()) {
        return Finding::ok(Check::SessionBus, "it can be reached");
    }
    let finding = Finding::note(Check::SessionBus, "there is no message bus of this user's");
    if super::host::has_systemd() {
        return finding
            .meaning("podman falls back to cgroupfs: sessions have no limit on memory")
            .manual("sudo apt install dbus-user-session   # or a login by ssh or machinectl");
    }
    finding.meaning("without systemd it is not needed")
}

fn read(file: &str) -> String {
    fs::read_to_string(file).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_belong_to_a_name_or_a_number() {
        let text = "ada:100000:65536\n1001:165536:65536\nbroken\n#x:1\n";
        let of = |user: &str, uid| ranges(text).filter(|range| range.is_of(user, uid)).count();
        assert_eq!((of("ada", 1000), of("bob", 1001), of("eve", 1002)), (1, 1, 0));
        assert_eq!(free(text, "ada:300000:10\n"), 300_010);
        assert_eq!(free("", ""), FIRST);
    }

    #[test]
    fn the_users_name_is_found_by_number() {
        let passwd = "root:x:0:0::/root:/bin/sh\nada:x:1000:1000::/home/ada:/bin/bash\n";
        assert_eq!(user(passwd, 1000).as_deref(), Some("ada"));
        assert_eq!(user(passwd, 100), None);
    }
}
