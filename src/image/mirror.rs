//! Where this host gets Debian's packages from.

use std::fs;
use std::path::{Path, PathBuf};

/// The mirrors of a Debian host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mirrors {
    /// Of the release.
    pub(super) main: String,
    /// Of its security updates.
    pub(super) security: String,
}

impl Mirrors {
    /// Those that apt uses here; `None` where this is no Debian, or where it says nothing that a
    /// tool could be given.
    pub(super) fn of_host() -> Option<Self> {
        let release = fs::read_to_string("/etc/os-release").ok()?;
        if value(&release, "ID")? != "debian" {
            return None;
        }
        choose(value(&release, "VERSION_CODENAME")?, &sources(Path::new("/etc/apt")))
    }

    /// The lines of `sources.list` for a suite.
    pub(super) fn lines(&self, suite: &str) -> [String; 3] {
        let Self { main, security } = self;
        [
            format!("deb {main} {suite} main"),
            format!("deb {main} {suite}-updates main"),
            format!("deb {security} {suite}-security main"),
        ]
    }

    /// Whether packages come by TLS, and who fetches them needs certificates.
    pub(super) fn is_tls(&self) -> bool {
        [&self.main, &self.security].iter().any(|mirror| mirror.starts_with("https:"))
    }
}

/// A place and a suite that is taken from there.
type Source = (String, String);

fn choose(codename: &str, sources: &[Source]) -> Option<Mirrors> {
    let of = |suite: &str| {
        let found = sources.iter().find(|(uri, of)| of == suite && uri.starts_with("http"));
        found.map(|(uri, _)| uri.trim_end_matches('/').to_owned())
    };
    let main = of(codename)?;
    let security =
        of(&format!("{codename}-security")).unwrap_or_else(|| format!("{main}-security"));
    Some(Mirrors { main, security })
}

/// What apt is configured with. A file that cannot be read offers no mirror.
fn sources(folder: &Path) -> Vec<Source> {
    let parts = fs::read_dir(folder.join("sources.list.d")).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = parts.map(|entry| entry.path()).collect();
    paths.sort();
    paths.insert(0, folder.join("sources.list"));
    let mut all = Vec::new();
    for path in paths {
        let text = fs::read_to_string(&path).unwrap_or_default();
        match path.extension().and_then(|ending| ending.to_str()) {
            Some("list") => all.extend(text.lines().filter_map(line)),
            Some("sources") => all.extend(text.split("\n\n").flat_map(stanza)),
            _ => {}
        }
    }
    all
}

/// `deb [options] URI SUITE …`
fn line(text: &str) -> Option<Source> {
    let rest = text.trim().strip_prefix("deb ")?.trim_start();
    let rest = if rest.starts_with('[') { rest.split_once(']')?.1 } else { rest };
    let mut words = rest.split_whitespace();
    Some((words.next()?.into(), words.next()?.into()))
}

/// The form of `*.sources` files (deb822).
fn stanza(text: &str) -> Vec<Source> {
    let field = |name: &str| {
        text.lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
            .map(|rest| rest.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
            .unwrap_or_default()
    };
    if !field("Types").contains(&"deb".to_owned()) || field("Enabled") == ["no"] {
        return Vec::new();
    }
    let suites = field("Suites");
    let pair = |uri: &String| suites.iter().map(|suite| (uri.clone(), suite.clone())).collect();
    field("URIs").iter().flat_map(|uri| -> Vec<Source> { pair(uri) }).collect()
}

/// A value of `os-release`.
fn value<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    let found = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
    found.map(|value| value.trim_matches('"'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(file: &str, text: &str) -> Option<Mirrors> {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("sources.list.d")).unwrap();
        fs::write(folder.path().join(file), text).unwrap();
        choose("bookworm", &sources(folder.path()))
    }

    #[test]
    fn both_forms_of_sources_are_read() {
        let expected = Mirrors {
            main: "https://mirror.example/debian".into(),
            security: "http://security.example/debian-security".into(),
        };
        let lines = "# deb http://old.example/debian bookworm main\n\
            deb http://other.example/x stable main\n\
            deb [signed-by=/k a=b] https://mirror.example/debian/ bookworm main\n\
            deb http://security.example/debian-security bookworm-security main\n";
        assert_eq!(of("sources.list", lines), Some(expected.clone()));
        let stanzas = "Types: deb\nEnabled: no\nURIs: http://old.example\nSuites: bookworm\n\n\
            Types: deb deb-src\nURIs: https://mirror.example/debian\nSuites: bookworm bookworm-updates\n\n\
            Types: deb\nURIs: http://security.example/debian-security\nSuites: bookworm-security\n";
        assert_eq!(of("sources.list.d/debian.sources", stanzas), Some(expected));
    }

    #[test]
    fn what_a_tool_cannot_be_given_is_no_mirror() {
        assert_eq!(of("sources.list", "deb mirror+file:/etc/m bookworm main\n"), None);
        assert_eq!(of("sources.list", "deb cdrom:[Debian]/ bookworm main\n"), None);
        assert_eq!(of("sources.list", ""), None);
    }

    #[test]
    fn security_updates_lie_beside_the_release_where_nothing_else_is_said() {
        let found = of("sources.list", "deb http://m.example/debian bookworm main\n").unwrap();
        assert_eq!(found.security, "http://m.example/debian-security");
        assert_eq!(
            found.lines("trixie")[2],
            "deb http://m.example/debian-security trixie-security main"
        );
        assert!(!found.is_tls());
    }
}
