//! What a command says while it works: notes, and podman's steps as one line that changes.

use std::io::{IsTerminal, Write};
use std::sync::Mutex;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::context::{Event, Listener};
use crate::render::clean;

/// A listener that writes to standard error: a moving line on a terminal, plain lines elsewhere.
#[must_use]
pub fn listener() -> Listener {
    let bar: Mutex<Option<ProgressBar>> = Mutex::new(None);
    let moves = std::io::stderr().is_terminal();
    Box::new(move |event| {
        let mut bar = bar.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        match event {
            Event::Note(sentence) => note(bar.as_ref(), sentence),
            Event::BuildStarted(name) | Event::ToolStarted(name) | Event::Working(name)
                if moves =>
            {
                *bar = Some(spinner(name));
            }
            Event::ToolStarted(name) => print(&format!("making {name}")),
            Event::Working(what) => print(&format!("agent-session: {}", clean(what))),
            Event::BuildStarted(name) => print(&format!("building the image of {name}")),
            Event::BuildLine(line) => match &*bar {
                Some(bar) => show(bar, line),
                None => print(&clean(line)),
            },
            Event::BuildEnded { .. } | Event::Worked => {
                if let Some(bar) = bar.take() {
                    bar.finish_and_clear();
                }
            }
        }
    })
}

fn note(bar: Option<&ProgressBar>, sentence: &str) {
    let line = format!("agent-session: {}", clean(sentence));
    match bar {
        Some(bar) => bar.suspend(|| print(&line)),
        None => print(&line),
    }
}

fn spinner(name: &str) -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    let style = ProgressStyle::with_template("{spinner} {prefix} {elapsed} {wide_msg}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
    bar.set_prefix(name.to_owned());
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}

/// Podman's `[2/4] STEP 3/7: RUN …` is the line; what the step prints comes behind it.
fn show(bar: &ProgressBar, line: &str) {
    let line = clean(line);
    if line.contains("STEP ") {
        bar.set_message(line);
    } else if !line.trim().is_empty() {
        let step = bar.message();
        let step = step.split(" | ").next().unwrap_or_default();
        let short: String = step.chars().take(40).collect();
        bar.set_message(format!("{short} | {line}"));
    }
}

fn print(line: &str) {
    // A closed standard error is no reason to end.
    let _ = writeln!(anstream::stderr(), "{line}");
}
