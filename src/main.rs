//! The program: parse, run, complete by questions, render, attach. No logic.

use std::ffi::OsStr;
use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use agent_session::attach::{self, Ended};
use agent_session::cli::{Cli, Format};
use agent_session::commands::{self, Attach, Command, enter};
use agent_session::context::Context;
use agent_session::error::{Error, Result};
use agent_session::render::{self, Surface};
use agent_session::{progress, prompt};
use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};
use clap_complete::CompleteEnv;

fn main() -> ExitCode {
    match parse() {
        Ok(cli) => match Context::from_process(progress::listener()) {
            Ok(ctx) => with_context(ctx, cli),
            Err(error) => fail(&error, cli.json),
        },
        Err(error) => usage(&error),
    }
}

fn parse() -> std::result::Result<Cli, clap::Error> {
    if let Some(cli) = Cli::of_hook(std::env::args_os().skip(1)) {
        return Ok(cli);
    }
    // Answers a shell that completes a command line, and ends.
    CompleteEnv::with_factory(Cli::command).complete();
    Cli::try_parse()
}

fn with_context(mut ctx: Context, cli: Cli) -> ExitCode {
    let format = match format(&ctx, &cli) {
        Ok(format) => format,
        Err(error) => return fail(&error, cli.json),
    };
    let is_table = format == Format::Table;
    let (stdin, stdout) = (std::io::stdin().is_terminal(), std::io::stdout().is_terminal());
    ctx.can_ask = is_table && stdin && std::io::stderr().is_terminal();
    ctx.can_attach = is_table && stdin && stdout;
    let is_hook = matches!(cli.command, Command::Enter(_));
    if is_hook {
        ctx.hurry();
    }
    match run(&ctx, cli.command, format) {
        // The prompt comes back as if nothing had been.
        Err(error) if is_hook => {
            ctx.note(enter::line(&error));
            ExitCode::SUCCESS
        }
        result => result.unwrap_or_else(|error| fail(&error, !is_table)),
    }
}

const VARIABLE: &str = "AGENT_SESSION_FORMAT";

/// The flag, else `AGENT_SESSION_FORMAT`, else a table.
fn format(ctx: &Context, cli: &Cli) -> Result<Format> {
    if cli.json {
        return Ok(Format::Json);
    }
    match (cli.format, ctx.var(VARIABLE).map(OsStr::as_encoded_bytes)) {
        (Some(format), _) => Ok(format),
        (None, None | Some(b"table")) => Ok(Format::Table),
        (None, Some(b"json")) => Ok(Format::Json),
        (None, Some(_)) => {
            Err(Error::InvalidEnv { message: format!("{VARIABLE} is neither table nor json") })
        }
    }
}

fn run(ctx: &Context, mut command: Command, format: Format) -> Result<ExitCode> {
    loop {
        let outcome = match commands::run(ctx, &command) {
            Ok(outcome) => outcome,
            Err(error) if ctx.can_ask => {
                prompt::complete(&mut command, error)?;
                continue;
            }
            Err(error) => return Err(error),
        };
        if let Some(report) = &outcome.report {
            print(&match format {
                Format::Json => render::json(report, std::io::stdout().is_terminal()),
                Format::Table => render::table(report, surface(ctx)),
            })?;
        }
        match outcome.attach {
            None => {
                let is_well = outcome.report.is_none_or(|report| report.is_well());
                return Ok(ExitCode::from(u8::from(!is_well)));
            }
            Some(plan) => match (attach::run(ctx, &plan)?, &mut command) {
                (Ended::NotRunning { .. }, Command::Start(args)) if plan.unseen => {
                    args.look_first = true;
                }
                (ended, _) => return leave(ctx, &plan, &ended),
            },
        }
    }
}

fn leave(ctx: &Context, plan: &Attach, ended: &Ended) -> Result<ExitCode> {
    let name = &plan.name;
    match ended {
        Ended::Left => {
            ctx.note(format!("left session '{name}'; back to it: agent-session restart {name}"));
        }
        Ended::Stopped => {
            ctx.note(format!("session '{name}' was stopped: agent-session restart {name}"));
        }
        Ended::Signal(signal) => {
            return Ok(ExitCode::from(u8::try_from(128 + signal).unwrap_or(1)));
        }
        Ended::NotRunning { words } => {
            let stderr = words.clone();
            return Err(Error::ServerFailed { name: name.to_string(), stderr });
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn surface(ctx: &Context) -> Surface {
    let width = terminal_size::terminal_size_of(std::io::stdout());
    Surface { width: width.map(|(width, _)| width.0.into()), now: ctx.now() }
}

fn print(text: &str) -> Result<()> {
    if text.is_empty() {
        return Ok(());
    }
    match writeln!(anstream::stdout(), "{text}") {
        // Whoever read it has seen enough.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        Err(error) => Err(Error::io("writing the result", error)),
        Ok(()) => Ok(()),
    }
}

fn fail(error: &Error, json: bool) -> ExitCode {
    let text = if json { render::json(&error.report(), false) } else { render::error(error) };
    // There is nobody else to tell.
    let _ = writeln!(anstream::stderr(), "{text}");
    ExitCode::from(error.exit_code())
}

/// Help, version and usage errors; the latter as JSON too where JSON was asked for.
fn usage(error: &clap::Error) -> ExitCode {
    let is_help = error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand;
    if error.use_stderr() && !is_help && asks_json() {
        let text = error.to_string();
        let message = text.lines().next().unwrap_or_default().trim_start_matches("error: ");
        return fail(&Error::Usage { message: message.into() }, true);
    }
    let _ = error.print();
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
}

/// Whether JSON was asked for, where the command line could not be parsed.
fn asks_json() -> bool {
    let args: Vec<_> = std::env::args_os().take_while(|arg| arg != "--").collect();
    let has = |wanted: &str| args.iter().any(|arg| arg == wanted);
    let by_flag = args.windows(2).any(|pair| pair[0] == "--format" && pair[1] == "json");
    let by_variable = || {
        Context::from_process(progress::listener())
            .is_ok_and(|ctx| ctx.var(VARIABLE).is_some_and(|value| value == "json"))
    };
    has("--json") || has("--format=json") || by_flag || (!has("--format") && by_variable())
}
