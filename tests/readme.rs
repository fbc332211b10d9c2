//! Every block of the README that holds commands is run, in its order, a section at a time.
//!
//! - `sh`: a script that must succeed.
//! - `console`: lines that begin with `$ ` are commands; what follows each is what it prints on a
//!   terminal or off it, whatever numbers and white space are in it. A `…` stands for anything.
//! - `nu`: a script of Nushell's that must succeed.
//!
//! A block below a comment `<!-- file: PATH -->` is written to that file, below the working directory
//! or the home (`~/`). A comment `<!-- given: … -->` holds a script that prepares what a reader has: projects, sessions.
//! A section whose blocks are run by another test says by which: `<!-- run by: tests/… -->`.

use std::fs;

use crate::support::picture::masked;
use crate::support::{TestEnv, var};

/// Something in a section that is run.
#[derive(Debug)]
enum Step {
    Script(String),
    Console(String),
    Nushell(String),
    File(String, String),
}

/// The part of the README under one heading.
#[derive(Debug, Default)]
struct Section {
    title: String,
    steps: Vec<Step>,
    run_by: Option<String>,
}

fn readme() -> String {
    fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap()
}

fn sections(text: &str) -> Vec<Section> {
    let mut all = vec![Section::default()];
    let mut lines = text.lines();
    let mut file = None;
    while let Some(line) = lines.next() {
        if let Some(title) = line.strip_prefix("## ") {
            all.push(Section { title: title.into(), ..Section::default() });
        }
        let section = all.last_mut().unwrap();
        if let Some(script) = line.strip_prefix("<!-- given: ") {
            section.steps.push(Step::Script(script.trim_end_matches(" -->").into()));
        } else if let Some(path) = line.strip_prefix("<!-- file: ") {
            file = Some(path.trim_end_matches(" -->").to_owned());
        } else if let Some(test) = line.strip_prefix("<!-- run by: ") {
            section.run_by = Some(test.trim_end_matches(" -->").into());
        } else if let Some(language) = line.strip_prefix("```") {
            let block: Vec<_> = lines.by_ref().take_while(|line| *line != "```").collect();
            let block = block.join("\n");
            if let Some(path) = file.take() {
                section.steps.push(Step::File(path, block));
                continue;
            }
            section.steps.extend(match language {
                "sh" => Some(Step::Script(block)),
                "console" => Some(Step::Console(block)),
                "nu" => Some(Step::Nushell(block)),
                "toml" | "json" | "text" => None,
                other => panic!("what is a block of '{other}'?"),
            });
        }
    }
    all
}

/// What a reader has at hand: a home with projects, a key, the images.
fn reader() -> TestEnv {
    let mut env = TestEnv::new();
    for folder in ["projects/my-app", "projects/shared-libs", "frontend", "backend", "api", "docs"]
    {
        env.mkdir(&format!("home/{folder}"));
    }
    env.write("home/.claude.json", r#"{"apiKey": "sk-ant-api03-the-readers"}"#);
    env.set("NO_COLOR", "1");
    env
}

/// Runs a section from `~/projects/my-app`, each step where the one before it ended.
fn run(section: &Section) {
    let env = reader();
    let mut folder = env.path("home/projects/my-app");
    for step in &section.steps {
        match step {
            Step::Script(script) => {
                folder = bash(&env, &folder, script).1;
            }
            Step::Console(text) => console(&env, &mut folder, text),
            Step::Nushell(script) => nushell(&env, &folder, script),
            Step::File(path, text) => {
                let path = match path.strip_prefix("~/") {
                    Some(path) => env.path("home").join(path),
                    None => folder.join(path),
                };
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, text).unwrap();
            }
        }
    }
}

/// Runs a script, which must succeed. What it printed, and where it ended.
fn bash(env: &TestEnv, folder: &std::path::Path, script: &str) -> (String, std::path::PathBuf) {
    let whole = format!("set -euo pipefail\n{script}\npwd >&3");
    let end = env.path("end");
    let mut command = env.command("bash", &["-c", &format!("exec 3>{}\n{whole}", end.display())]);
    command.current_dir(folder);
    let output = env.finish(command);
    assert_eq!(output.code, 0, "{script}\n{}{}", output.stdout, output.stderr);
    (output.stdout + &output.stderr, fs::read_to_string(end).unwrap().trim_end().into())
}

fn console(env: &TestEnv, folder: &mut std::path::PathBuf, text: &str) {
    for part in format!("\n{text}").split("\n$ ").skip(1) {
        let (command, expected) = part.split_once('\n').unwrap_or((part, ""));
        // What fails is shown as well; its words are what is compared.
        let (printed, end) = bash(env, folder, &format!("{{ {command}\n}} 2>&1 || true"));
        *folder = end;
        let mut rest = masked(&printed);
        for piece in expected.split('…').map(masked) {
            let at = rest.find(&piece);
            let at = at.unwrap_or_else(|| panic!("$ {command}\nprints\n{printed}\nnot\n{piece}"));
            rest = rest.split_off(at + piece.len());
        }
    }
}

fn nushell(env: &TestEnv, folder: &std::path::Path, script: &str) {
    let mut command =
        env.command(&var("AGENT_SESSION_TEST_NU"), &["--no-config-file", "-c", script]);
    command.current_dir(folder);
    let output = env.finish(command);
    assert_eq!(output.code, 0, "{script}\n{}{}", output.stdout, output.stderr);
}

/// The sections whose number leaves this rest, so that they are run side by side.
fn run_every(step: usize, first: usize) {
    let all = sections(&readme());
    let own = all.iter().filter(|section| section.run_by.is_none() && !section.steps.is_empty());
    for section in own.skip(first).step_by(step) {
        eprintln!("section '{}'", section.title);
        run(section);
    }
}

#[test]
fn the_first_half_of_its_sections_can_be_followed() {
    run_every(2, 0);
}

#[test]
fn the_other_half_of_its_sections_can_be_followed() {
    run_every(2, 1);
}

#[test]
fn what_it_leaves_to_another_test_is_run_there() {
    let left: Vec<_> =
        sections(&readme()).into_iter().filter(|part| part.run_by.is_some()).collect();
    for section in left {
        let test = section.run_by.unwrap();
        let root = env!("CARGO_MANIFEST_DIR");
        let text = fs::read_to_string(format!("{root}/{test}")).unwrap();
        assert!(
            text.contains("README.md"),
            "{test} does not read the README's '{}'",
            section.title
        );
    }
}

#[test]
fn pictures_and_links_lead_to_what_is_there() {
    let text = readme();
    let targets = text.split("](").skip(1).map(|rest| rest.split(')').next().unwrap());
    for target in targets.filter(|target| !target.starts_with("http") && !target.starts_with('#')) {
        let path = format!("{}/{target}", env!("CARGO_MANIFEST_DIR"));
        assert!(fs::exists(&path).unwrap(), "{target}");
    }
}

#[test]
fn blocks_are_found_with_what_prepares_them() {
    let text = "# x\n## A\n<!-- given: true -->\n```sh\none\ntwo\n```\n## B\n<!-- run by: t -->\n```text\n```\n";
    let all = sections(text);
    assert_eq!(all.iter().map(|part| part.title.as_str()).collect::<Vec<_>>(), ["", "A", "B"]);
    assert!(matches!(&all[1].steps[..], [Step::Script(given), Step::Script(block)]
        if given == "true" && block == "one\ntwo"));
    assert_eq!((all[2].run_by.as_deref(), all[2].steps.len()), (Some("t"), 0));
}
