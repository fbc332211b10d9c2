//! Interactive shells on terminals, with the hook in their rc file and a stand-in for agent-session
//! that writes down what it is called with.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::{Terminal, TestEnv, var};

/// A shell that has a hook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Bash,
    Zsh,
    Fish,
    Nu,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Bash, Self::Zsh, Self::Fish, Self::Nu];

    /// Those that have the language of sh.
    pub const POSIX: [Self; 2] = [Self::Bash, Self::Zsh];

    /// As `init` calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bash => "bash",
            Self::Zsh => "zsh",
            Self::Fish => "fish",
            Self::Nu => "nu",
        }
    }

    /// The program.
    pub fn program(self) -> String {
        if self == Self::Nu { var("AGENT_SESSION_TEST_NU") } else { self.name().into() }
    }

    /// The file that it reads when it starts, below the home directory.
    fn rc(self) -> &'static str {
        match self {
            Self::Bash => ".bashrc",
            Self::Zsh => ".zshrc",
            Self::Fish => ".config/fish/config.fish",
            Self::Nu => ".config/nushell/config.nu",
        }
    }

    /// A call of agent-session with these arguments; never one of Nushell's own commands.
    pub fn call(self, arguments: &str) -> String {
        let caret = if self == Self::Nu { "^" } else { "" };
        format!("{caret}agent-session {arguments}")
    }

    /// The line of the README, for the user's rc file.
    pub fn hook_line(self) -> &'static str {
        match self {
            Self::Bash => "eval \"$(agent-session init bash)\"",
            Self::Zsh => "eval \"$(agent-session init zsh)\"",
            Self::Fish => "agent-session init fish | source",
            Self::Nu => "source hook.nu",
        }
    }

    /// A prompt with the number of prompts so far, no titles, and `go N`: into the directory that
    /// the file N of `$DIRS` names, byte by byte.
    fn bench(self) -> &'static str {
        match self {
            Self::Bash => {
                "tick=0\nPS1='<$((tick += 1))> '\nHISTFILE=\n\
                 go() { IFS= read -r -d '' there <\"$DIRS/$1\"; cd -- \"$there\"; }\n"
            }
            Self::Zsh => {
                "setopt promptsubst\ntick=0\nPROMPT='<$((tick += 1))> '\nunset zle_bracketed_paste\n\
                 go() { IFS= read -r -d '' there <\"$DIRS/$1\"; cd -- \"$there\"; }\n"
            }
            Self::Fish => {
                "set -g fish_greeting\nset -g tick 0\nfunction fish_title; end\n\
                 function fish_right_prompt; end\n\
                 function next_tick --on-event fish_prompt; set -g tick (math $tick + 1); end\n\
                 function fish_prompt; echo \"<$tick> \"; end\n\
                 function go; read -z there <$DIRS/$argv[1]; cd -- $there; end\n"
            }
            Self::Nu => {
                "$env.config.show_banner = false\n$env.config.history.file_format = 'plaintext'\n\
                 for sequence in [osc2 osc7 osc8 osc9_9 osc133 osc633] {\n\
                 $env.config.shell_integration = $env.config.shell_integration | upsert $sequence false\n}\n\
                 $env.tick = {n: 0}\n\
                 $env.config.hooks.pre_prompt = [{|| $env.tick.n += 1 }]\n\
                 $env.PROMPT_COMMAND = {|| $'<($env.tick.n)>' }\n$env.PROMPT_COMMAND_RIGHT = ''\n\
                 $env.PROMPT_INDICATOR = ' '\n\
                 def --env go [n: int] {\n\
                 cd (open --raw ($env.DIRS | path join $'($n)') | decode utf-8)\n}\n"
            }
        }
    }
}

/// Called as `enter`, the stand-in stays where the project is named `slow`, and fails where it is
/// named `broken`.
const STAND_IN: &str = "#!/bin/sh\n\
[ \"$1\" != init ] || exec \"$REAL\" \"$@\"\n\
{ printf '%s\\036' \"$@\"; printf '\\035'; } >>\"$LOG\"\n\
case \"$1:$*\" in\n\
enter:*/slow) echo slowly; exec tail -f /dev/null ;;\n\
enter:*/broken) exit 1 ;;\n\
esac\n";

/// An environment where shells can be started, and what the stand-in was called with.
pub struct Bench {
    pub env: TestEnv,
}

impl Bench {
    /// With the directories `plain/below`, and the projects `one/below`, `one/inner`, `two`, `slow`
    /// and `broken`.
    pub fn new() -> Self {
        let mut env = TestEnv::new();
        env.fake("agent-session", STAND_IN);
        env.set("REAL", env!("CARGO_BIN_EXE_agent-session"));
        let log = env.write("log", "");
        env.set("LOG", log.to_str().unwrap());
        let dirs = env.mkdir("dirs");
        env.set("DIRS", dirs.to_str().unwrap());
        env.mkdir("project/plain/below");
        for project in ["one", "one/inner", "two", "slow", "broken"] {
            env.mkdir(&format!("project/{project}/below"));
            env.write(&format!("project/{project}/.agent-session.toml"), "");
        }
        Self { env }
    }

    /// With the real agent-session.
    pub fn on(env: TestEnv) -> Self {
        Self { env }
    }

    /// A shell with the hook, in a directory without a project, at its first prompt.
    pub fn shell(&self, kind: Kind) -> Shell<'_> {
        self.shell_with(kind, "", "")
    }

    /// The same, with lines of the user's own before and after the hook's.
    pub fn shell_with(&self, kind: Kind, before: &str, after: &str) -> Shell<'_> {
        self.shell_by(kind, before, after, &[], &[])
    }

    /// The same, started by another program with these arguments, and with arguments of its own.
    pub fn shell_by(
        &self,
        kind: Kind,
        before: &str,
        after: &str,
        starter: &[&str],
        args: &[&str],
    ) -> Shell<'_> {
        if kind == Kind::Nu {
            let hook = self.env.ok(&["init", "nu"]).stdout;
            self.env.write("home/.config/nushell/hook.nu", &hook);
        }
        // Without it the first fish makes completions of all manuals, in the background.
        self.env.mkdir("home/.local/share/fish/generated_completions");
        let text = format!("{}\n{before}\n{}\n{after}\n", kind.bench(), kind.hook_line());
        self.env.write(&format!("home/{}", kind.rc()), &text);
        let program = kind.program();
        let words: Vec<_> = starter.iter().copied().chain([program.as_str()]).collect();
        let args = [&words[1..], args].concat();
        let terminal = self.env.terminal_of(words[0], &args, 100, 40);
        let shell = Shell { bench: self, kind, terminal };
        shell.wait_for_prompt(1);
        shell
    }

    /// What the stand-in was called with since it was asked last, each call's arguments joined by
    /// spaces; the path of the bench's project directory is left out.
    pub fn calls(&self) -> Vec<String> {
        let root = format!("{}/", self.env.project().display());
        let shown = |call: Vec<u8>| String::from_utf8_lossy(&call).replace(&root, "");
        self.raw_calls().into_iter().map(shown).collect()
    }

    /// The same, byte by byte.
    pub fn raw_calls(&self) -> Vec<Vec<u8>> {
        let log = fs::read(self.env.path("log")).unwrap();
        self.env.write("log", "");
        let calls = log.split(|byte| *byte == 0o35).filter(|call| !call.is_empty());
        calls
            .map(|call| {
                let arguments = call.split(|byte| *byte == 0o36).collect::<Vec<_>>();
                arguments[..arguments.len() - 1].join(&b' ')
            })
            .collect()
    }

    /// Has `go N` lead to a directory.
    pub fn name_directory(&self, number: usize, path: &Path) {
        fs::write(self.env.path("dirs").join(number.to_string()), path.as_os_str().as_bytes())
            .unwrap();
    }
}

/// A shell that waits at a prompt.
pub struct Shell<'a> {
    bench: &'a Bench,
    pub kind: Kind,
    pub terminal: Terminal,
}

impl Shell<'_> {
    /// Runs a line, up to the next prompt. What the stand-in was called with meanwhile.
    pub fn run(&mut self, line: &str) -> Vec<String> {
        self.send_line(line);
        self.bench.calls()
    }

    /// Runs a line, up to the next prompt.
    pub fn send_line(&mut self, line: &str) {
        let prompts = self.prompts();
        self.terminal.send(&format!("{line}\r"));
        self.wait_for_prompt(prompts + 1);
    }

    /// Throws away the line that was typed so far, and waits for another prompt.
    pub fn give_up_line(&mut self) {
        // What shows a menu closes it with the first key.
        self.terminal.send("\x15\x15");
        self.send_line("");
    }

    /// The number of the last prompt on the screen.
    pub fn prompts(&self) -> usize {
        number_of_last_prompt(&self.terminal.text())
    }

    /// Waits for the prompt with this number, or a later one.
    pub fn wait_for_prompt(&self, number: usize) {
        let what = format!("prompt {number} of {:?}", self.kind);
        self.terminal.wait(&what, |screen| number_of_last_prompt(screen) >= number);
    }

    /// Sets a variable of the environment, for this shell and its children.
    pub fn set(&mut self, name: &str, value: &str) {
        let line = match self.kind {
            Kind::Bash | Kind::Zsh => format!("export {name}={value}"),
            Kind::Fish => format!("set -gx {name} {value}"),
            Kind::Nu => format!("$env.{name} = '{value}'"),
        };
        self.send_line(&line);
    }

    /// Takes a variable out of the environment.
    pub fn unset(&mut self, name: &str) {
        let line = match self.kind {
            Kind::Bash | Kind::Zsh => format!("unset {name}"),
            Kind::Fish => format!("set -e {name}"),
            Kind::Nu => format!("hide-env {name}"),
        };
        self.send_line(&line);
    }
}

/// Of `<3> ` it is 3; 0 where there is none yet.
fn number_of_last_prompt(screen: &str) -> usize {
    let number = |part: &str| part.split_once('>')?.0.parse().ok();
    screen.rsplit('<').find_map(number).unwrap_or(0)
}
