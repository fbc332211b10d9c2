//! The engine's directory and environment, as the surroundings of a command. Nothing of the plugin's
//! own process: it lives on between calls, in the directory of its executable.

use std::ffi::OsString;
use std::path::PathBuf;

use nu_plugin::EngineInterface;
use nu_protocol::{ShellError, Value};

use crate::context::Context;
use crate::error::{Error, Result};
use crate::process::{Interrupt, Programs};
use crate::progress;

pub(super) fn of(engine: &EngineInterface) -> Result<Context> {
    let asking = |error: ShellError| Error::io("asking Nushell", std::io::Error::other(error));
    let directory = PathBuf::from(engine.get_current_dir().map_err(asking)?);
    let variables = engine.get_env_vars().map_err(asking)?;
    let environment: Vec<(OsString, OsString)> = variables
        .into_iter()
        .filter_map(|(name, value)| Some((OsString::from(&name), text(&name, value)?.into())))
        .collect();
    let home = environment.iter().find(|(name, _)| name == "HOME").map(|(_, home)| home.into());
    let interrupt = engine.signals().interrupt_flag().map(Interrupt::new).unwrap_or_default();
    Context::new(Programs::new(environment, directory, interrupt), home, progress::listener())
}

/// What an external program would see: `PATH` may be a list; what is no text is not there.
fn text(name: &str, value: Value) -> Option<String> {
    match value {
        Value::List { vals, .. } if name == "PATH" => {
            let folders = vals.into_iter().filter_map(|folder| folder.coerce_into_string().ok());
            Some(folders.collect::<Vec<_>>().join(":"))
        }
        value => value.coerce_into_string().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_what_an_external_program_sees() {
        let list = Value::test_list(["/a", "/b"].map(Value::test_string).to_vec());
        assert_eq!(text("PATH", list.clone()).as_deref(), Some("/a:/b"));
        assert_eq!(text("PATH", Value::test_string("/a:/b")).as_deref(), Some("/a:/b"));
        assert_eq!(text("N", Value::test_int(3)).as_deref(), Some("3"));
        assert_eq!(text("LIST", list), None);
        assert_eq!(text("NONE", Value::test_nothing()), None);
    }
}
