//! Certificates that an administrator added to the host: whoever opens TLS connections on the way
//! must be trusted inside images as well.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use pem::Pem;
use sha2::{Digest, Sha256};

use crate::context::Context;
use crate::error::{Error, Result};

/// Where distributions keep what an administrator added, and how the names of files end that count.
const ANCHORS: &[(&str, Option<&str>)] = &[
    ("usr/local/share/ca-certificates", Some("crt")), // Debian, Ubuntu, Alpine
    ("etc/pki/ca-trust/source/anchors", None),        // Fedora
    ("etc/pki/trust/anchors", None),                  // SUSE
    ("usr/share/pki/trust/anchors", None),            // SUSE
    ("etc/ca-certificates/trust-source/anchors", None), // Arch
];

/// Which certificates an image trusts besides the public ones.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Choice {
    /// The host's.
    #[default]
    Host,
    /// The host's, and those in this file.
    File(PathBuf),
    /// No others.
    None,
}

/// Certificates, each once.
#[derive(Debug, Default)]
pub(super) struct Certificates {
    /// In PEM, by the digest of what they say.
    all: BTreeMap<String, String>,
    /// The files that they are from.
    sources: Vec<String>,
}

impl Certificates {
    /// Those that are chosen.
    ///
    /// # Errors
    /// [`Error::Io`] where one of the host's cannot be read, [`Error::InvalidConfig`] where the
    /// file holds none.
    pub(super) fn gather(ctx: &Context, choice: &Choice) -> Result<Self> {
        let mut found = Self::default();
        if *choice != Choice::None {
            found.add_anchors(Path::new("/"))?;
            found.add_folder(&ctx.config_dir().join("ca-certificates"), None)?;
        }
        if let Choice::File(file) = choice
            && !found.add_file(file)?
        {
            let message = "holds no certificate in PEM or DER form".into();
            return Err(Error::InvalidConfig { file: file.clone(), line: 1, column: 1, message });
        }
        Ok(found)
    }

    /// What tells this set from every other one.
    pub(super) fn digest(&self) -> String {
        let digests: Vec<&str> = self.all.keys().map(String::as_str).collect();
        hex::encode(Sha256::digest(digests.join("\n")))
    }

    /// Says which ones are given to the image.
    pub(super) fn announce(&self, ctx: &Context) {
        if !self.all.is_empty() {
            ctx.note(format!(
                "the image will trust {} CA certificate(s) besides the public ones, from {} \
                 (--ca-certs none leaves them out)",
                self.all.len(),
                self.sources.join(", ")
            ));
        }
    }

    /// The files of the build context, by name: one certificate each, as Debian wants them.
    pub(super) fn files(&self) -> impl Iterator<Item = (String, Vec<u8>)> {
        self.all.iter().map(|(digest, pem)| {
            (format!("certificates/{}.crt", &digest[..16]), pem.clone().into())
        })
    }

    fn add_anchors(&mut self, root: &Path) -> Result<()> {
        ANCHORS.iter().try_for_each(|(folder, ending)| self.add_folder(&root.join(folder), *ending))
    }

    fn add_folder(&mut self, folder: &Path, ending: Option<&str>) -> Result<()> {
        let reading = |source| Error::io(format!("reading {}", folder.display()), source);
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(reading(error)),
        };
        let paths: std::io::Result<Vec<_>> =
            entries.map(|entry| entry.map(|entry| entry.path())).collect();
        let mut paths = paths.map_err(reading)?;
        paths.sort();
        for path in paths {
            if path.is_dir() {
                self.add_folder(&path, ending)?;
            } else if ending.is_none() || path.extension() == ending.map(OsStr::new) {
                self.add_file(&path)?;
            }
        }
        Ok(())
    }

    /// Whether there is a certificate in the file.
    fn add_file(&mut self, path: &Path) -> Result<bool> {
        let bytes = fs::read(path)
            .map_err(|source| Error::io(format!("reading {}", path.display()), source))?;
        let found = certificates(&bytes);
        let any = !found.is_empty();
        if any {
            self.sources.push(path.display().to_string());
        }
        self.all.extend(found.into_iter().map(|certificate| {
            (hex::encode(Sha256::digest(certificate.contents())), pem::encode(&certificate))
        }));
        Ok(any)
    }
}

/// Those in a PEM file, which may hold other things too, or the one that a DER file is.
fn certificates(bytes: &[u8]) -> Vec<Pem> {
    const TAG: &str = "CERTIFICATE";
    const DER_SEQUENCE: &[u8] = &[0x30, 0x82];
    if bytes.starts_with(DER_SEQUENCE) {
        return vec![Pem::new(TAG, bytes)];
    }
    let all = pem::parse_many(bytes).unwrap_or_default();
    all.into_iter()
        .filter(|block| block.tag() == TAG)
        .map(|block| Pem::new(TAG, block.contents()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pem(contents: &str) -> String {
        pem::encode(&Pem::new("CERTIFICATE", contents))
    }

    fn anchors(files: &[(&str, &[u8])]) -> Certificates {
        let root = tempfile::tempdir().unwrap();
        for (path, contents) in files {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, contents).unwrap();
        }
        let mut found = Certificates::default();
        found.add_anchors(root.path()).unwrap();
        found
    }

    #[test]
    fn every_distributions_anchors_are_found_each_once() {
        let found = anchors(&[
            ("usr/local/share/ca-certificates/corp/a.crt", pem("a").as_bytes()),
            ("etc/pki/ca-trust/source/anchors/a.pem", pem("a").as_bytes()),
            ("etc/pki/trust/anchors/b.pem", pem("b").as_bytes()),
            ("usr/share/pki/trust/anchors/c", pem("c").as_bytes()),
            ("etc/ca-certificates/trust-source/anchors/d.crt", b"\x30\x82\x01\x00 in DER"),
        ]);
        assert_eq!((found.all.len(), found.sources.len()), (4, 5));
        assert!(found.files().all(|(_, pem)| pem.starts_with(b"-----BEGIN CERTIFICATE-----")));
    }

    #[test]
    fn what_the_host_does_not_trust_is_left_out() {
        let key = pem::encode(&Pem::new("PRIVATE KEY", "k"));
        let found = anchors(&[
            ("usr/local/share/ca-certificates/a.pem", pem("a").as_bytes()),
            ("etc/pki/ca-trust/source/anchors/README", b"no certificate"),
            ("etc/pki/ca-trust/source/anchors/b.pem", format!("# b\n{}{key}", pem("b")).as_bytes()),
        ]);
        assert_eq!((found.all.len(), found.sources.len()), (1, 1));
        assert!(!String::from_utf8(found.files().next().unwrap().1).unwrap().contains("KEY"));
    }

    #[test]
    fn the_digest_is_that_of_the_set() {
        let folder = "etc/pki/trust/anchors";
        let (a, b) = (pem("a"), pem("b"));
        let both = anchors(&[(&format!("{folder}/1"), format!("{a}{b}").as_bytes())]).digest();
        let (one, two) = (format!("{folder}/1"), format!("{folder}/2"));
        assert_eq!(anchors(&[(&one, b.as_bytes()), (&two, a.as_bytes())]).digest(), both);
        assert_ne!(anchors(&[(&one, a.as_bytes())]).digest(), both);
    }
}
