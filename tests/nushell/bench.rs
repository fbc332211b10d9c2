//! Real Nushell in a test's own environment, with the plugin added as a user adds it.

use std::path::Path;

use serde_json::Value;

use crate::support::{Output, TestEnv, var};

pub const MODULE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/shell/agent-session.nu");
pub const PLUGIN: &str = env!("CARGO_BIN_EXE_nu_plugin_agent_session");

/// Nushell with a configuration of its own.
pub struct Nu {
    pub env: TestEnv,
    plugins: String,
    config: String,
}

impl Nu {
    /// With the plugin, and the module.
    pub fn new() -> Self {
        let nu = Self::bare(&format!("use {MODULE} *\n"));
        nu.text(&format!("plugin add {PLUGIN}"));
        nu
    }

    /// Without the plugin: the module alone, and its commands that give data by way of JSON.
    pub fn without_plugin() -> Self {
        Self::bare(&format!("use {MODULE} *\nuse agent-session-data *\n"))
    }

    fn bare(config: &str) -> Self {
        let env = TestEnv::new();
        let plugins = env.path("plugins.msgpackz").to_str().unwrap().to_owned();
        let quiet = "$env.config.show_banner = false\n$env.PROMPT_COMMAND = {|| \"\" }\n\
                     $env.PROMPT_COMMAND_RIGHT = {|| \"\" }\n";
        let config = env.write("config.nu", &format!("{quiet}{config}"));
        let config = config.to_str().unwrap().to_owned();
        Self { env, plugins, config }
    }

    /// The words of an interactive one.
    pub fn interactive(&self) -> Vec<String> {
        let config = ["--config", &self.config, "--plugin-config", &self.plugins];
        let words = config.map(String::from).into_iter();
        std::iter::once(var("AGENT_SESSION_TEST_NU")).chain(words).collect()
    }

    /// Runs a script. It is written to a file whose path is the first in an error.
    pub fn run(&self, script: &str) -> Output {
        let words = self.interactive();
        let file = self.env.write("script.nu", script);
        let mut args: Vec<_> = words[1..].iter().map(String::as_str).collect();
        args.extend(["--commands", script]);
        // An interactive configuration is read only where it is asked for.
        let output = self.env.finish(self.env.command(&words[0], &args));
        assert!(Path::new(&file).exists());
        output
    }

    /// Runs a script, which must succeed. What it printed.
    pub fn text(&self, script: &str) -> String {
        let output = self.run(script);
        assert_eq!(output.code, 0, "{script}: {}{}", output.stdout, output.stderr);
        output.stdout.trim_end().to_owned()
    }

    /// The value of a script, as JSON.
    pub fn value(&self, script: &str) -> Value {
        let text = self.text(&format!("{script} | to json --raw"));
        serde_json::from_str(&text).unwrap_or_else(|_| panic!("{script}: not JSON: {text}"))
    }

    /// The type of a script's value.
    pub fn describe(&self, script: &str) -> String {
        self.text(&format!("{script} | describe"))
    }

    /// The error of a script: its code, its message, and the text that its label is at.
    pub fn error(&self, script: &str) -> [String; 3] {
        let details = "{code: $error.details.code, msg: $error.msg, help: $error.details.help, \
                       label: ($error.details.labels.0?.span? | default {start: 0, end: 0} \
                       | view span $in.start $in.end)}";
        let caught = self.value(&format!("try {{ {script} }} catch {{|error| {details} }}"));
        assert!(caught["help"].as_str().unwrap().contains(' '), "{caught}");
        ["code", "msg", "label"].map(|key| caught[key].as_str().unwrap_or_default().to_owned())
    }

    /// Starts sessions in the background.
    pub fn start(&self, names: &[&str]) {
        for name in names {
            self.env.ok(&["start", "-d", "-a", "shell", "-n", name]);
        }
    }
}
