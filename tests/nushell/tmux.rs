//! A terminal that answers what programs ask of one, as line editors do: tmux.

use crate::support::{PATIENCE, TestEnv, eventually};

/// One tmux server with one window of 120 columns and 30 lines.
pub struct Tmux<'a> {
    env: &'a TestEnv,
    socket: String,
}

impl<'a> Tmux<'a> {
    /// Runs a program in it.
    pub fn new(env: &'a TestEnv, program: &[&str]) -> Self {
        let socket = env.path("tmux").to_str().unwrap().to_owned();
        let tmux = Self { env, socket };
        let head = ["-f", "/dev/null", "new-session", "-d", "-x", "120", "-y", "30"];
        tmux.run(&[&head, program].concat());
        tmux
    }

    fn run(&self, args: &[&str]) -> String {
        let socket = ["-S", self.socket.as_str()];
        let output = self.env.finish(self.env.command("tmux", &[&socket, args].concat()));
        assert_eq!(output.code, 0, "tmux {args:?}: {}", output.stderr);
        output.stdout
    }

    /// Types keys, by tmux's names of them or as they are.
    pub fn keys(&self, keys: &[&str]) {
        self.run(&[&["send-keys", "--"], keys].concat());
    }

    /// Types a text.
    pub fn text(&self, text: &str) {
        self.run(&["send-keys", "-l", "--", text]);
    }

    /// Types a line, and Enter.
    pub fn line(&self, text: &str) {
        self.text(text);
        self.keys(&["Enter"]);
    }

    /// What the screen shows.
    pub fn screen(&self) -> String {
        self.run(&["capture-pane", "-p"])
    }

    /// The same, with the escape sequences of its colours.
    pub fn coloured(&self) -> String {
        self.run(&["capture-pane", "-e", "-p"])
    }

    /// Waits until the screen satisfies a condition. The screen.
    pub fn wait(&self, what: &str, condition: impl Fn(&str) -> bool) -> String {
        let begin = std::time::Instant::now();
        let mut screen = String::new();
        eventually(what, || {
            screen = self.screen();
            assert!(begin.elapsed() < PATIENCE / 2, "never on the screen: {what}\n{screen}");
            condition(&screen)
        });
        screen
    }

    /// Waits until the screen shows a text. The screen.
    pub fn wait_for(&self, text: &str) -> String {
        self.wait(text, |screen| screen.contains(text))
    }
}

impl Drop for Tmux<'_> {
    fn drop(&mut self) {
        let _ = self.env.command("tmux", &["-S", &self.socket, "kill-server"]).output();
    }
}
