//! Images that come from elsewhere.

use std::path::Path;
use std::time::Duration;

use super::{ACTION, Podman, expect_ok, to_args};
use crate::error::Result;
use crate::process;

/// How long a registry has to answer before it counts as absent.
const REGISTRY: Duration = Duration::from_secs(10);

impl Podman {
    /// Fetches an image. A registry that does not say within ten seconds what the image consists of
    /// is not asked for more: `Err` with the reason, as is a fetch that fails or takes minutes.
    ///
    /// # Errors
    /// [`crate::error::Error::PodmanMissing`], [`crate::error::Error::Io`].
    pub fn pull(&self, image: &str) -> Result<std::result::Result<(), String>> {
        for (args, deadline) in [
            (to_args(["manifest", "inspect", image]), REGISTRY),
            (to_args(["pull", "--quiet", image]), ACTION),
        ] {
            let mut command = self.command(&args)?;
            command.envs(self.proxies.iter().cloned());
            match process::run(command, &[], deadline, self.programs.interrupt())? {
                None => return Ok(Err(format!("no answer within {} s", deadline.as_secs()))),
                Some(answer) if !answer.status.success() => return Ok(Err(answer.stderr)),
                Some(_) => {}
            }
        }
        Ok(Ok(()))
    }

    /// Makes an image of a file system in a tar archive.
    ///
    /// # Errors
    /// [`crate::error::Error::PodmanFailed`].
    pub fn import(&self, archive: &Path, image: &str) -> Result<()> {
        let path = "ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
        let archive = archive.to_string_lossy();
        let args =
            ["import", "--quiet", "--change", path, "--change", "CMD [\"bash\"]", &archive, image];
        expect_ok("podman import", self.run(&to_args(args), None, ACTION)?).map(drop)
    }
}
