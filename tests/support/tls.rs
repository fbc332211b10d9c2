//! Certificates of an authority that nobody knows, and a server of its.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Makes a server's certificate and key, and the authority that signed it, in this directory.
pub fn certificate(folder: &Path) -> (PathBuf, PathBuf) {
    let script = "exec 2>&1
        openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj '/CN=Throwaway CA' \
          -addext keyUsage=critical,keyCertSign,cRLSign -keyout ca.key -out ca.pem
        openssl req -newkey rsa:2048 -nodes -subj /CN=localhost -keyout server.key -out server.csr
        printf 'subjectAltName=DNS:localhost\\n' >san
        openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile san -out server.crt
        cat server.crt server.key >server.pem; chmod 644 ca.pem";
    let output = Command::new("sh").args(["-ec", script]).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    (folder.join("server.pem"), folder.join("ca.pem"))
}

/// Writes a script `run` that serves with such a certificate, and prints the names of the
/// clients that trust it. The authority's certificate.
pub fn clients(folder: &Path) -> PathBuf {
    let (_, ca) = certificate(folder);
    let refs = format!("{}\trefs/heads/main\n", "1".repeat(40));
    let packument = r#"{"name":"tiny","dist-tags":{"latest":"1.2.3"},"versions":{"1.2.3":{"name":"tiny","version":"1.2.3"}}}"#;
    fs::create_dir_all(folder.join("repo/info")).unwrap();
    // What each kind of client takes for its own.
    for (path, body) in [
        ("repo/info/refs?service=git-upload-pack", refs.as_str()),
        ("repo/HEAD", "ref: refs/heads/main\n"),
        ("tiny", packument),
    ] {
        let head = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length:";
        fs::write(folder.join(path), format!("{head} {}\r\n\r\n{body}", body.len())).unwrap();
    }
    let script = r#"cd "${0%/*}" || exit
openssl s_server -quiet -HTTP -accept 127.0.0.1:4433 -cert server.pem </dev/null >/dev/null 2>&1 &
until (: </dev/tcp/127.0.0.1/4433) 2>/dev/null; do kill -0 $! || exit; done
url=https://localhost:4433
trusts() {
    ! "${@:2}" >&2 || echo "$1"
}
trusts apt /usr/lib/apt/apt-helper download-file "$url/tiny" /tmp/by-apt
trusts npm npm view tiny version --cache /tmp/npm --fetch-retries=0 --registry="$url"
trusts curl curl -fsS "$url/tiny"
trusts git git ls-remote "$url/repo"
trusts node node -e "fetch('$url/tiny').then(answer => answer.json())"
trusts python python3 -c "import urllib.request; urllib.request.urlopen('$url/tiny').read()"
kill $!
"#;
    fs::write(folder.join("run"), script).unwrap();
    ca
}
