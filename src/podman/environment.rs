//! The part of the caller's environment that podman gets.

use std::ffi::OsString;
use std::time::Duration;

type Variable = (OsString, OsString);

/// The variables podman and its helpers understand. Everything else of the caller's environment,
/// keys of other services first of all, stays outside.
const PASSED: &[&str] = &[
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "LANG",
    "TERM",
    "TMPDIR",
    "DBUS_SESSION_BUS_ADDRESS",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "REGISTRY_AUTH_FILE",
    "DOCKER_CONFIG",
    "STORAGE_DRIVER",
    "STORAGE_OPTS",
    "BUILDAH_ISOLATION",
    "SSH_AUTH_SOCK",
];
/// The same, by how a name begins.
const PASSED_PREFIXES: &[&str] = &["CONTAINER", "PODMAN_", "XDG_", "LC_", "_CONTAINERS_"];
/// Passed to a build only: a session has the network that its container is given.
const PASSED_TO_BUILDS: &[&str] =
    &["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"];

/// What every process of podman's gets.
pub(super) fn for_all(environment: &[Variable]) -> Vec<Variable> {
    select(environment, |key| {
        PASSED.contains(&key) || PASSED_PREFIXES.iter().any(|prefix| key.starts_with(prefix))
    })
}

/// What a build gets besides.
pub(super) fn for_builds(environment: &[Variable]) -> Vec<Variable> {
    select(environment, |key| PASSED_TO_BUILDS.contains(&key))
}

/// Whether one of the proxies listens on this machine alone.
pub(super) fn names_this_machine(proxies: &[Variable]) -> bool {
    proxies.iter().filter(|(key, _)| !key.eq_ignore_ascii_case("no_proxy")).any(|(_, value)| {
        let value = value.to_string_lossy();
        let place = value.split_once("://").map_or(&*value, |(_, rest)| rest);
        let place = place.rsplit_once('@').map_or(place, |(_, rest)| rest);
        ["localhost", "127.", "[::1]"].iter().any(|here| place.starts_with(here))
    })
}

/// The value of a variable that holds a number of seconds.
pub(super) fn seconds(environment: &[Variable], name: &str) -> Option<Duration> {
    let (_, value) = environment.iter().find(|(key, _)| key == name)?;
    value.to_str()?.parse().ok().map(Duration::from_secs)
}

fn select(environment: &[Variable], keep: impl Fn(&str) -> bool) -> Vec<Variable> {
    environment.iter().filter(|(key, _)| key.to_str().is_some_and(&keep)).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_on_this_machine_is_known() {
        let is = |key: &str, value: &str| names_this_machine(&[(key.into(), value.into())]);
        assert!(is("http_proxy", "http://127.0.0.1:3128"));
        assert!(
            is("HTTPS_PROXY", "http://user:word@localhost:8080/") && is("HTTP_PROXY", "[::1]:1")
        );
        assert!(!is("HTTPS_PROXY", "http://proxy.example:3128"));
        assert!(!is("no_proxy", "localhost,127.0.0.1"));
    }

    #[test]
    fn keys_of_other_services_stay_outside() {
        let names = [
            "PATH",
            "AWS_SECRET_ACCESS_KEY",
            "ANTHROPIC_API_KEY",
            "XDG_RUNTIME_DIR",
            "CONTAINERS_CONF",
            "HTTPS_PROXY",
        ];
        let all: Vec<Variable> = names.map(|name| (name.into(), "x".into())).to_vec();
        let names = |kept: Vec<Variable>| -> Vec<_> {
            kept.into_iter().map(|(key, _)| key.into_string().unwrap()).collect()
        };
        assert_eq!(names(for_all(&all)), ["PATH", "XDG_RUNTIME_DIR", "CONTAINERS_CONF"]);
        assert_eq!(names(for_builds(&all)), ["HTTPS_PROXY"]);
    }
}
