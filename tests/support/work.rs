//! A session with a shell for an agent, and work in its pane that goes on only when it is told to.

use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;

use super::{Terminal, TestEnv, eventually};

/// Does each line of the fifo `orders`, on the screen and in the file `done`.
const WORKER: &str = "exec 3<>orders\necho ready to work\n\
                      while read -r order <&3; do echo \"did $order\" | tee -a done; done\n";

/// Detach, as the user types it.
pub const DETACH: &str = "\x0fd";

/// A session of the shell agent on the project, and the terminals on it.
pub struct Work {
    pub env: TestEnv,
    pub session: String,
}

impl Work {
    /// Starts the session, without a terminal.
    pub fn new(env: TestEnv) -> Self {
        let session = env.name("default");
        let worker = env.write("project/work.sh", WORKER);
        let orders = worker.with_file_name("orders");
        assert_eq!(env.finish(env.command("mkfifo", &[orders.to_str().unwrap()])).code, 0);
        env.ok(&["start", "-d", "-a", "shell", "-n", &session]);
        Self { env, session }
    }

    /// A terminal with `start` on it.
    pub fn start(&self, columns: u16, lines: u16) -> Terminal {
        let args = ["start", "-n", &self.session];
        self.env.terminal_of("agent-session", &args, columns, lines)
    }

    /// A terminal that `start` has attached.
    pub fn attach(&self, columns: u16, lines: u16) -> Terminal {
        let terminal = self.start(columns, lines);
        // Zellij 0.45 now and then leaves its bars out for a terminal that comes back to a busy machine.
        let is_there = |screen: &str| screen.contains("Zellij") || screen.contains("/workspace>");
        terminal.wait("the session", is_there);
        terminal
    }

    /// A terminal whose pane waits at the shell's prompt.
    pub fn attach_shell(&self, columns: u16, lines: u16) -> Terminal {
        let terminal = self.attach(columns, lines);
        terminal.wait_for("/workspace>");
        terminal
    }

    /// Has the pane run the worker.
    pub fn begin(&self, terminal: &mut Terminal) {
        terminal.send("bash work.sh\r");
        terminal.wait_for("ready to work");
    }

    /// Orders a piece of work, and waits until it is done.
    pub fn order(&self, what: &str) {
        let orders = self.env.path("project/orders");
        // Without blocking: where nobody reads, this fails instead of waiting for ever.
        let mut fifo = fs::OpenOptions::new()
            .write(true)
            .custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed())
            .open(orders)
            .unwrap();
        writeln!(fifo, "{what}").unwrap();
        let line = format!("did {what}\n");
        eventually(&line, || self.done().ends_with(&line));
    }

    fn done(&self) -> String {
        fs::read_to_string(self.env.path("project/done")).unwrap_or_default()
    }

    /// Rows and columns of the agent's pane, as the programs in it see them.
    pub fn pane_size(&self) -> String {
        let script = "stty size <\"/proc/$(cat /tmp/agent-session/agent.pid)/fd/0\"";
        self.env.inside(&self.session, script)
    }

    /// Waits until the agent's pane is as large as a terminal of this size lets it be: all but the
    /// two bars.
    pub fn wait_for_size(&self, columns: u16, lines: u16) {
        let want = format!("{} {columns}", lines - 2);
        eventually(&format!("the pane's size is {want}"), || self.pane_size() == want);
    }

    /// How many terminals the session believes it has: processes of Zellij's clients inside.
    pub fn clients_inside(&self) -> usize {
        let script = "pgrep -cf '^zellij attach' || true";
        self.env.inside(&self.session, script).parse().unwrap()
    }

    /// How many terminals the host counts.
    pub fn clients(&self) -> u64 {
        self.listed()["clients"].as_u64().unwrap()
    }

    /// The session in `ls`.
    pub fn listed(&self) -> serde_json::Value {
        let list = self.env.json(&["ls"]);
        let mut sessions = list.as_array().unwrap().iter();
        sessions.find(|session| session["name"] == self.session.as_str()).unwrap().clone()
    }

    /// The lock files that terminals left on the host.
    pub fn client_files(&self) -> Vec<String> {
        let directory =
            self.env.path("home/.local/state/agent-session/clients").join(&self.session);
        let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    /// Kills the Zellij server, as a crash would.
    pub fn crash_zellij(&self) {
        self.env.inside(&self.session, "pkill -KILL -f '^[^ ]*zellij --server'");
    }
}

/// The processes of podman's that a program on a terminal has started.
pub fn podman_of(terminal: &Terminal) -> Vec<String> {
    let pid = terminal.pid().to_string();
    let output = std::process::Command::new("pgrep").args(["-P", &pid]).output().unwrap();
    String::from_utf8(output.stdout).unwrap().split_whitespace().map(String::from).collect()
}
