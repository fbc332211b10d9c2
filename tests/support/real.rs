//! The real agents in their real images, with the fake model to talk to.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::json;

use super::fake_model::FakeModel;
use super::{Output, Terminal, TestEnv, comes_true, eventually};

/// Nothing else on the machine looks like it. Of the form that the agents take for a key.
pub const KEY: &str = "sk-ant-api03-0123456789-the-key-of-the-tests";

/// A test's environment, a model, and the settings with which sessions of one agent talk to it.
pub struct Bench {
    pub env: TestEnv,
    pub model: FakeModel,
    /// The session's name.
    pub session: String,
    agent: &'static str,
    settings: Vec<String>,
    args: Vec<String>,
}

impl Bench {
    /// Claude Code. Of the host it has nothing yet, not even a key.
    pub fn claude(env: TestEnv) -> Self {
        let model = FakeModel::start();
        let url = format!("ANTHROPIC_BASE_URL={}", model.url());
        Self::new(env, model, "claude", &[&url, "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC=1"])
    }

    /// `OpenCode`. Its provider is `fake`, which takes its key from `OPENAI_API_KEY` or from what
    /// `opencode auth login` saved.
    pub fn opencode(env: TestEnv) -> Self {
        let model = FakeModel::start();
        let provider = json!({
            "npm": "@ai-sdk/openai-compatible", "name": "Fake", "env": ["OPENAI_API_KEY"],
            "options": { "baseURL": format!("{}/v1", model.url()) },
            "models": { "m": { "name": "m" } },
        });
        let config = json!({
            "provider": { "fake": provider }, "model": "fake/m", "small_model": "fake/m",
        });
        let config = format!("OPENCODE_CONFIG_CONTENT={config}");
        Self::new(env, model, "opencode", &[&config, "OPENCODE_DISABLE_MODELS_FETCH=1"])
    }

    fn new(env: TestEnv, model: FakeModel, agent: &'static str, settings: &[&str]) -> Self {
        let session = env.name("real");
        let settings =
            settings.iter().flat_map(|setting| ["-e".to_owned(), (*setting).to_owned()]).collect();
        Self { env, model, session, agent, settings, args: Vec::new() }
    }

    /// With arguments for the agent.
    pub fn with_args(mut self, args: &[&str]) -> Self {
        self.args.extend(args.iter().map(|arg| (*arg).to_owned()));
        self
    }

    /// The words after `agent-session` that make the session.
    fn start_words<'a>(&'a self, options: &[&'a str]) -> Vec<&'a str> {
        let mut words = vec!["start", "-n", &self.session, "-a", self.agent];
        words.extend(options);
        words.extend(self.settings.iter().map(String::as_str));
        words.push("--");
        words.extend(self.args.iter().map(String::as_str));
        words
    }

    /// Makes the session in the background, which must succeed.
    pub fn start(&self) -> Output {
        self.env.ok(&self.start_words(&["-d"]))
    }

    /// Makes the session on a terminal.
    pub fn start_on_terminal(&self) -> Terminal {
        self.env.terminal("agent-session", &self.start_words(&[]))
    }

    /// Runs a command of agent-session's about the session, which must succeed.
    pub fn ok(&self, command: &str) -> Output {
        self.env.ok(&[command, &self.session])
    }

    /// A terminal that comes back to the session.
    pub fn reattach(&self) -> Terminal {
        self.env.terminal("agent-session", &["start", "-n", &self.session])
    }

    /// Starts the stopped session again, on a terminal.
    pub fn restart(&self) -> Terminal {
        self.env.terminal("agent-session", &["restart", &self.session])
    }

    /// A shell script inside, which must succeed. What it printed.
    pub fn inside(&self, script: &str) -> String {
        self.env.inside(&self.session, script)
    }

    /// The agent without a terminal, with the session's keys.
    pub fn headless(&self, words: &[&str]) -> Command {
        let container = format!("agent-session-{}", self.session);
        let exec = ["exec", &container, "/usr/lib/agent-session/agent"];
        self.env.command("podman", &[&exec, words].concat())
    }

    /// What podman says of the container.
    pub fn podman_inspect(&self, format: &str) -> String {
        let container = format!("agent-session-{}", self.session);
        self.env.podman(&["inspect", "--type=container", "--format", format, &container])
    }

    /// The environment of the agent in its pane, once it runs there.
    pub fn agent_environment(&self) -> String {
        let find = format!("pgrep -xo {} || true", self.agent);
        let mut pid = String::new();
        eventually("the agent runs", || {
            pid = self.inside(&find);
            !pid.is_empty()
        });
        self.inside(&format!("tr '\\0' '\\n' </proc/{pid}/environ"))
    }

    /// The project has this file with this text, and it belongs to whom the project belongs to.
    pub fn assert_wrote(&self, file: &str, text: &str) {
        let path = self.env.project().join(file);
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
        let owner = |path: &Path| fs::metadata(path).map(|data| (data.uid(), data.gid())).unwrap();
        assert_eq!(owner(&path), owner(&self.env.project()));
    }

    /// Asks the agent without a terminal, which must succeed. What it printed.
    pub fn ask(&self, words: &[&str]) -> String {
        let output = self.env.finish(self.headless(words));
        assert_eq!(output.code, 0, "{words:?}: {}{}", output.stdout, output.stderr);
        output.stdout
    }
}

/// Types a line as people do: Enter only once the text is on the screen. Agents take what comes
/// all at once for pasted.
pub fn enter(terminal: &mut Terminal, line: &str) {
    terminal.send(line);
    terminal.wait_for(line);
    terminal.send("\r");
}

/// Presses keys until the screen shows a text: Claude Code does not listen at once to the dialogs
/// that it shows. Each time it waits longer, so that the last one was not pressed too often.
pub fn insist(terminal: &mut Terminal, keys: &str, text: &str) {
    answer(terminal, text, |_| Some(keys.to_owned()));
}

/// Presses the keys that the screen asks for until it shows a text: the same, where a dialog may
/// also be shown anew, with its first choice.
pub fn answer(terminal: &mut Terminal, text: &str, keys: impl Fn(&str) -> Option<String>) {
    let mut pressed: Option<(String, Instant)> = None;
    let mut pause = Duration::from_secs(1);
    let is_shown = comes_true(|| {
        let screen = terminal.text();
        let Some(keys) = keys(&screen).filter(|_| !screen.contains(text)) else {
            return screen.contains(text);
        };
        let again = pressed.as_ref().is_some_and(|(last, _)| *last == keys);
        if again && pressed.as_ref().is_some_and(|(_, at)| at.elapsed() < pause) {
            return false;
        }
        pause *= if again { 2 } else { 1 };
        terminal.send(&keys);
        pressed = Some((keys, Instant::now()));
        false
    });
    assert!(is_shown, "the keys do not lead to {text}:\n{}", terminal.text());
}

/// Answers Claude Code's question whether the folder is trusted, and waits for its prompt. The
/// question is drawn anew now and then, back at its first choice; with Enter just then, Claude Code
/// ends, and is brought back on a clear screen.
pub fn trust_workspace(terminal: &mut Terminal) {
    terminal.wait_for("Yes, I trust this folder");
    answer(terminal, "Claude Code v", |screen| {
        let dialog = &screen[screen.rfind("Quick safety check")?..];
        let keys = match dialog.rsplit_once("/workspace>") {
            Some((_, typed)) if typed.starts_with(" clear") => return None,
            Some(_) => "clear; agent\r",
            None if dialog.contains("❯ Yes") => "\r",
            None => "\x1b[B",
        };
        Some(keys.to_owned())
    });
    ready(terminal);
}

/// Waits until Claude Code shows its prompt, with nothing typed.
pub fn ready(terminal: &Terminal) {
    let is_prompt = |line: &str| line.trim() == "❯";
    terminal.wait_for("Claude Code v").wait("a prompt", |text| text.lines().any(is_prompt));
}
