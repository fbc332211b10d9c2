//! Questions to the user, on a terminal only. They complete a request that was incomplete; the
//! command is then run again.

use std::fmt::Write as _;
use std::io::{self, BufRead, Write as _};

use crate::agent;
use crate::commands::Command;
use crate::error::{AgentChoice, Error, Result};
use crate::render::clean;

/// Completes `command` so that it does not fail with `error` again.
///
/// # Errors
/// The error itself where no answer can help; [`Error::Declined`] for a no.
pub fn complete(command: &mut Command, error: Error) -> Result<()> {
    match (command, error) {
        (Command::Start(args), Error::AgentRequired { agents }) => {
            args.agent = Some(menu(agents)?);
        }
        (Command::Start(args), Error::ImageNotBuilt { agent }) => {
            let hint = format!("agent-session build {agent}");
            confirm("Image not built. Build now?", "the image is not built", hint)?;
            args.yes = true;
        }
        (Command::Rm(args), Error::ConfirmationRequired { names }) => {
            let quoted: Vec<_> = names.iter().map(|name| format!("'{name}'")).collect();
            let question =
                format!("Remove {} with container, home and conversation?", quoted.join(", "));
            let hint = format!("agent-session rm --force {}", names.join(" "));
            confirm(&question, "nothing is removed", hint)?;
            args.force = true;
        }
        (Command::Doctor(args), Error::MendsProposed { mends }) => {
            args.answers = Some(agreed(mends)?);
        }
        (_, error) => return Err(error),
    }
    Ok(())
}

/// The commands to which the answer was yes.
fn agreed(mends: Vec<(String, String)>) -> Result<Vec<String>> {
    let mut agreed = Vec::new();
    for (code, command) in mends {
        let answer = ask(&format!("{}: {}\nRun it? [y/N] ", clean(&code), clean(&command)))?;
        let Some(answer) = answer else { break };
        agreed.extend(is_yes(&answer).then_some(command));
    }
    Ok(agreed)
}

fn is_yes(answer: &str) -> bool {
    matches!(answer.to_lowercase().as_str(), "y" | "yes")
}

fn confirm(question: &str, what: &str, hint: String) -> Result<()> {
    let answer = ask(&format!("{question} [y/N] "))?.unwrap_or_default();
    if is_yes(&answer) { Ok(()) } else { Err(Error::Declined { what: what.into(), hint }) }
}

/// The menu of agents. Its wording is part of the contract.
fn menu(agents: Vec<AgentChoice>) -> Result<String> {
    let mut text = String::from("Available agents:\n");
    for (number, agent) in agents.iter().enumerate() {
        let state = if agent.ready { "ready" } else { "not built" };
        let _ = writeln!(text, "  {}. {} ({state})", number + 1, agent.title);
    }
    text.push('\n');
    loop {
        let _ = write!(text, "Select agent (default: {}): ", agent::DEFAULT);
        let Some(answer) = ask(&text)? else { return Err(Error::AgentRequired { agents }) };
        match choice(&agents, &answer) {
            Some(name) => return Ok(name),
            None => text = format!("Not an agent: {}\n", answer.escape_debug()),
        }
    }
}

/// The agent that an answer means: its number, its name in any case, nothing for the default.
fn choice(agents: &[AgentChoice], answer: &str) -> Option<String> {
    if answer.is_empty() {
        return Some(agent::DEFAULT.into());
    }
    let by_number =
        answer.parse().ok().and_then(|number: usize| agents.get(number.checked_sub(1)?));
    let by_name = || agents.iter().find(|agent| agent.name.eq_ignore_ascii_case(answer));
    by_number.or_else(by_name).map(|agent| agent.name.clone())
}

/// One line from the terminal, without white space around it; `None` at its end.
fn ask(question: &str) -> Result<Option<String>> {
    let asking = |source| Error::io("asking on the terminal", source);
    let mut stderr = io::stderr().lock();
    stderr.write_all(question.as_bytes()).and_then(|()| stderr.flush()).map_err(asking)?;
    let mut line = String::new();
    let length = io::stdin().lock().read_line(&mut line).map_err(asking)?;
    if length == 0 {
        // The cursor is still behind the question.
        let _ = stderr.write_all(b"\n");
        return Ok(None);
    }
    Ok(Some(line.trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_to_the_menu() {
        let agent = |name: &str| AgentChoice { name: name.into(), title: name.into(), ready: true };
        let agents = [agent("claude"), agent("opencode")];
        let choose = |answer| choice(&agents, answer);
        assert_eq!(choose("").as_deref(), Some("claude"));
        assert_eq!(choose("2").as_deref(), Some("opencode"));
        assert_eq!(choose("Opencode").as_deref(), Some("opencode"));
        for bad in ["0", "3", "-1", "open", "99999999999999999999"] {
            assert_eq!(choose(bad), None, "{bad}");
        }
    }
}
