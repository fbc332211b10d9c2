//! What is asked on a terminal, what is shown there, and what an answer does.

use crate::support::{Terminal, TestEnv, eventually};

const MENU: &str = "\
Available agents:
  1. Claude (ready)
  2. Opencode (ready)
  3. Shell (ready)

Select agent (default: claude): ";

/// An agent of the user's own whose image takes a moment to build.
fn with_tiny() -> TestEnv {
    let env = TestEnv::new();
    let folder = "home/.config/agent-session/agents/tiny";
    env.write(
        &format!("{folder}/agent.toml"),
        "title = \"Tiny\"\ndescription = \"As small as it gets\"\ncommand = [\"fish\"]\n",
    );
    env.write(
        &format!("{folder}/Containerfile"),
        "FROM localhost/agent-session-base\nENV TINY=yes\nLABEL tiny=yes\n",
    );
    env
}

/// A terminal whose program has ended: its exit code, and the screen.
fn end(mut terminal: Terminal) -> (u32, String) {
    let code = terminal.exit_code();
    terminal.wait_for_end();
    (code, terminal.lines().join("\n"))
}

fn agents(env: &TestEnv) -> Vec<String> {
    let list = env.json(&["ls"]);
    list.as_array().unwrap().iter().map(|one| one["agent"].as_str().unwrap().to_owned()).collect()
}

/// Starts, answers the menu, leaves again. The agent of the session that was made.
fn chosen_by(answer: &str) -> String {
    let env = TestEnv::new();
    let mut terminal = env.terminal("agent-session", &["start"]);
    terminal.wait_for(MENU);
    terminal.send(answer);
    terminal.wait_for("Zellij");
    terminal.send("\x0fd");
    assert_eq!(terminal.exit_code(), 0);
    agents(&env).remove(0)
}

#[test]
fn the_menu_is_as_promised() {
    let env = TestEnv::new();
    let terminal = env.terminal("agent-session", &["start"]);
    terminal.wait_for(MENU);
    assert_eq!(terminal.text(), MENU);
}

#[test]
fn the_menu_says_what_is_not_built_and_has_the_users_own_agents() {
    let env = with_tiny();
    let terminal = env.terminal("agent-session", &["start"]);
    terminal
        .wait_for("  3. Shell (ready)\n  4. Tiny (not built)\n\nSelect agent (default: claude): ");
}

#[test]
fn enter_chooses_the_default_agent() {
    assert_eq!(chosen_by("\r"), "claude");
}

#[test]
fn a_number_chooses_an_agent() {
    assert_eq!(chosen_by("3\r"), "shell");
}

#[test]
fn a_name_chooses_an_agent() {
    assert_eq!(chosen_by("Shell\r"), "shell");
}

#[test]
fn what_is_no_agent_is_asked_again() {
    let env = TestEnv::new();
    let mut terminal = env.terminal("agent-session", &["start"]);
    for bad in ["0", "4", "vim", "1 2"] {
        terminal.wait(&format!("the question before {bad}"), |text| {
            text.trim_end().ends_with("Select agent (default: claude):")
        });
        terminal.send(&format!("{bad}\r"));
        terminal.wait_for(&format!("Not an agent: {bad}\nSelect agent (default: claude): "));
    }
    assert_eq!(terminal.text().matches("Available agents").count(), 1);
    terminal.send("shell\r");
    terminal.wait_for("/workspace>");
}

#[test]
fn the_end_of_input_at_the_menu_chooses_nobody() {
    let env = TestEnv::new();
    let mut terminal = env.terminal("agent-session", &["start"]);
    terminal.wait_for(MENU);
    terminal.send("\x04");
    let (code, text) = end(terminal);
    assert_eq!(code, 6, "{text}");
    let (_, after) = text.split_once("Select agent (default: claude):").unwrap();
    assert_eq!(
        after.trim_start(),
        "error: no agent was chosen\nhint: agent-session start --agent claude"
    );
    assert_eq!(agents(&env), [""; 0]);
}

#[test]
fn control_c_at_the_menu_leaves_terminal_and_sessions_alone() {
    let env = TestEnv::new();
    // The terminal's shell survives what its program does not.
    let script = "trap : INT; stty -g; agent-session start; echo \"code $?\"; stty -g; read -r end";
    let mut terminal = env.terminal("bash", &["-c", script]);
    let before = terminal.state();
    terminal.wait_for("Select agent (default: claude): ");
    terminal.send("\x03");
    terminal.wait(" the modes twice", |text| {
        let modes: Vec<_> = text.lines().filter(|line| line.contains(":0:0:")).collect();
        modes.len() == 2 && modes[0].trim() == modes[1].trim()
    });
    assert!(terminal.text().contains("code 130"), "{}", terminal.text());
    assert_eq!(terminal.state(), before);
    assert_eq!(agents(&env), [""; 0]);
}

#[test]
fn start_offers_to_build_and_goes_on() {
    let env = with_tiny();
    let mut terminal = env.terminal("agent-session", &["start", "-a", "tiny"]);
    terminal.wait_for("Image not built. Build now? [y/N] ");
    assert_eq!(terminal.text(), "Image not built. Build now? [y/N] ");
    terminal.send("y\r");
    terminal.wait_for("/workspace>");
    terminal.send("echo tiny is $TINY\r");
    terminal.wait_for("\ntiny is yes");
    terminal.send("\x0fd");
    assert_eq!(terminal.exit_code(), 0);
    assert_eq!(agents(&env), ["tiny"]);
}

#[test]
fn a_build_is_declined_by_enter_or_no() {
    let env = with_tiny();
    for answer in ["\r", "n\r", "no\r", "x\r", "\x04"] {
        let mut terminal = env.terminal("agent-session", &["start", "-a", "tiny"]);
        terminal.wait_for("Image not built. Build now? [y/N] ");
        terminal.send(answer);
        let (code, text) = end(terminal);
        assert_eq!(code, 6, "{answer:?}: {text}");
        let words = "error: declined: the image is not built\nhint: agent-session build tiny";
        assert!(text.ends_with(words), "{answer:?}: {text}");
    }
    assert_eq!(agents(&env), [""; 0]);
}

#[test]
fn yes_builds_without_a_question() {
    let env = with_tiny();
    let mut terminal = env.terminal("agent-session", &["start", "-y", "-a", "tiny"]);
    terminal.wait_for("/workspace>");
    let seen = String::from_utf8_lossy(&terminal.raw()).into_owned();
    assert!(!seen.contains("Build now?"), "{seen}");
    terminal.send("\x0fd");
    assert_eq!(terminal.exit_code(), 0);
}

#[test]
fn without_a_terminal_a_missing_image_is_an_error_with_the_command_to_type() {
    let env = with_tiny();
    let error = env.fails(&["start", "-a", "tiny"], "image_not_built", 4);
    assert_eq!(error["hint"], "agent-session build tiny");
    let plain = env.run(&["start", "-a", "tiny"]);
    assert_eq!((plain.code, plain.stdout.as_str()), (4, ""));
    assert!(plain.stderr.ends_with("hint: agent-session build tiny\n"), "{}", plain.stderr);
}

/// A stopped session, and a terminal that asks whether to remove it.
fn asked_to_remove() -> (TestEnv, Terminal) {
    let env = TestEnv::new();
    env.ok(&["start", "-d", "-a", "shell"]);
    env.ok(&["stop"]);
    let terminal = env.terminal("agent-session", &["rm"]);
    terminal.wait_for("Remove 'default' with container, home and conversation? [y/N] ");
    (env, terminal)
}

#[test]
fn rm_removes_after_a_yes() {
    let (env, mut terminal) = asked_to_remove();
    terminal.send("y\r");
    let (code, text) = end(terminal);
    assert_eq!(code, 0, "{text}");
    assert!(text.ends_with("Session 'default' is removed."), "{text}");
    assert_eq!(agents(&env), [""; 0]);
}

#[test]
fn rm_removes_nothing_after_enter() {
    let (env, mut terminal) = asked_to_remove();
    terminal.send("\r");
    let (code, text) = end(terminal);
    assert_eq!(code, 6, "{text}");
    let words = "error: declined: nothing is removed\nhint: agent-session rm --force default";
    assert!(text.ends_with(words), "{text}");
    assert_eq!(agents(&env), ["shell"]);
}

#[test]
fn a_build_is_one_line_that_changes_and_goes_away() {
    let env = with_tiny();
    let mut terminal = env.terminal("agent-session", &["build", "tiny"]);
    let code = terminal.exit_code();
    terminal.wait_for_end();
    let raw = String::from_utf8_lossy(&terminal.raw()).into_owned();
    let text = terminal.lines().join("\n");
    assert_eq!(code, 0, "{text}");
    assert!(raw.contains("STEP 1/"), "{raw}");
    assert!(raw.contains(" tiny 0s "), "no elapsed time: {raw}");
    assert_eq!(terminal.lines().len(), 1, "{text}");
    assert!(text.starts_with("Built localhost/agent-session-tiny:latest in "), "{text}");
    assert!(!text.contains("STEP") && !text.contains("Successfully"), "{text}");
}

/// A session that runs, and one that does not.
fn with_two_sessions() -> TestEnv {
    let env = TestEnv::new();
    env.ok(&["start", "-d", "-a", "shell", "-n", "awake"]);
    env.ok(&["start", "-d", "-a", "shell", "-n", "asleep"]);
    env.ok(&["stop", "asleep"]);
    env
}

/// The colours in which a word is on a screen.
fn colours(terminal: &Terminal, word: &str) -> Vec<vt100::Color> {
    let lines = terminal.lines();
    let row = lines.iter().position(|line| line.contains(word)).unwrap();
    let column = lines[row].find(word).unwrap();
    let end = column + word.len();
    terminal.look(|screen| {
        let cell = |column| screen.cell(row.try_into().unwrap(), column).unwrap().fgcolor();
        (column..end).map(|column| cell(column.try_into().unwrap())).collect()
    })
}

#[test]
fn ls_is_green_and_red_on_a_terminal_and_plain_elsewhere() {
    use vt100::Color::{Default, Idx};
    let mut env = with_two_sessions();
    let show = |env: &TestEnv| {
        let mut terminal = env.terminal("agent-session", &["ls"]);
        assert_eq!(terminal.exit_code(), 0);
        terminal.wait_for_end();
        terminal
    };
    let terminal = show(&env);
    assert_eq!(colours(&terminal, "running"), [Idx(2); 7]);
    assert_eq!(colours(&terminal, "stopped"), [Idx(1); 7]);
    assert_eq!(colours(&terminal, "awake"), [Default; 5]);
    assert!(!env.ok(&["ls"]).stdout.contains('\x1b'));

    env.set("NO_COLOR", "1");
    let terminal = show(&env);
    assert_eq!(colours(&terminal, "running"), [Default; 7]);
    assert!(!terminal.raw().contains(&b'\x1b'));
}

#[test]
fn ls_fits_into_a_narrow_terminal() {
    let env = with_two_sessions();
    let header = |columns| {
        let mut terminal = env.terminal_of("agent-session", &["ls"], columns, 10);
        assert_eq!(terminal.exit_code(), 0);
        terminal.wait_for_end();
        assert_eq!(terminal.lines().len(), 3, "a line was broken: {}", terminal.text());
        terminal.lines()[0].split_whitespace().map(String::from).collect::<Vec<_>>()
    };
    assert_eq!(header(30), ["NAME", "AGENT", "STATUS"]);
    assert_eq!(header(36), ["NAME", "AGENT", "STATUS", "UPTIME"]);
    assert_eq!(header(100), ["NAME", "AGENT", "STATUS", "UPTIME", "CREATED", "PROJECT"]);
}

#[test]
fn a_question_waits_without_holding_the_session() {
    let (env, mut terminal) = asked_to_remove();
    env.ok(&["start", "-d"]);
    terminal.send("y\r");
    let (code, text) = end(terminal);
    assert_eq!(code, 4, "{text}");
    assert!(text.contains("error: cannot remove running session 'default'"), "{text}");
    eventually("the session still runs", || env.json(&["ls"])[0]["status"] == "running");
}
