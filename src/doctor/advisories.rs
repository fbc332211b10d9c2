//! Flaws that are known of the programs in use. Distributions mend them without changing the
//! version, so a version alone proves nothing: these are notes.

use super::{Check, Finding};
use crate::podman::Info;

/// A program, the first version without the flaws, and their names.
const FLAWS: [(&str, [u32; 3], &str); 2] = [
    ("runc", [1, 1, 12], "CVE-2024-21626"),
    ("runc", [1, 2, 8], "CVE-2025-31133, CVE-2025-52565 and CVE-2025-52881"),
];

/// Compares the runtime's version with the advisories.
pub(super) fn check(info: &Info) -> Vec<Finding> {
    let runtime = &info.host.oci_runtime;
    let Some(version) = version(&runtime.version) else { return Vec::new() };
    let [major, minor, patch] = version;
    let shown = format!("{} {major}.{minor}.{patch}", runtime.name);
    let known =
        |(name, fixed, _): &&(&str, [u32; 3], &str)| *name == runtime.name && version < *fixed;
    let names: Vec<_> = FLAWS.iter().filter(known).map(|(_, _, names)| *names).collect();
    if names.is_empty() {
        return vec![Finding::ok(Check::Advisories, format!("none known of {shown}"))];
    }
    let origin =
        if runtime.package.is_empty() { String::new() } else { format!(" ({})", runtime.package) };
    vec![
        Finding::note(Check::Advisories, format!("{shown}{origin}: {}", names.join(", "))).meaning(
            "ways out of a container were mended upstream in a later version; your \
                 distribution may have mended this one: look for the names in its tracker",
        ),
    ]
}

/// The first version in a text, like `runc version 1.1.5+ds1`.
fn version(text: &str) -> Option<[u32; 3]> {
    text.split_whitespace().find_map(|word| {
        let mut numbers = word.split(|c: char| !c.is_ascii_digit()).map(str::parse);
        let mut next = || numbers.next()?.ok();
        Some([next()?, next()?, next()?])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_found_in_what_runtimes_say() {
        assert_eq!(version("runc version 1.1.5+ds1\ncommit: 1.1.5+ds1-1"), Some([1, 1, 5]));
        assert_eq!(version("crun version 1.8.1\ncommit: f8a0"), Some([1, 8, 1]));
        assert_eq!(version("unknown"), None);
    }

    #[test]
    fn a_version_before_the_repair_is_named_with_its_flaws() {
        let found = |name: &str, version: &str| {
            let text = serde_json::json!({
                "host": {"ociRuntime": {"name": name, "version": version, "package": "p"}},
                "store": {"graphDriverName": "overlay", "graphRoot": "/"},
            });
            check(&serde_json::from_value(text).unwrap()).remove(0).found
        };
        assert!(found("runc", "runc version 1.1.5+ds1").contains("CVE-2024-21626"));
        assert!(!found("runc", "runc version 1.1.12").contains("CVE-2024-21626"));
        assert_eq!(found("runc", "runc version 1.3.3"), "none known of runc 1.3.3");
        assert_eq!(found("crun", "crun version 1.8.1"), "none known of crun 1.8.1");
    }
}
