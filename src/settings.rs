//! What holds for a session that is to be made, and who said so: built in, the user's file, the
//! project's, the environment, the command line. Each later one wins.

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroU32;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::agent;
use crate::commands::start::Args;
use crate::config::{self, Auto, EnvValue, Multiplexer, UserFile};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::mount;
use crate::project::Project;
use crate::report::SettingReport;
use crate::session::{Cpus, Memory, SessionName};

/// Who said something; each wins over those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "their names say it")]
pub enum Source {
    BuiltIn,
    UserFile,
    ProjectFile,
    Environment,
    Flag,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BuiltIn => "built in",
            Self::UserFile => "user file",
            Self::ProjectFile => "project file",
            Self::Environment => "environment",
            Self::Flag => "flag",
        })
    }
}

/// A value, and who said it.
#[derive(Debug, Clone, PartialEq)]
pub struct Setting<T> {
    /// The value.
    pub value: T,
    /// Who said it.
    pub source: Source,
}

/// What holds for a session that is to be made.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Its name.
    pub name: Setting<SessionName>,
    /// Its agent; none where the user is to be asked.
    pub agent: Setting<Option<String>>,
    /// The directories to work on.
    pub paths: Vec<Setting<PathBuf>>,
    /// What else is mounted, as `--mount` takes it.
    pub mounts: Vec<Setting<String>>,
    /// Variables inside, as `--env` takes them.
    pub env: Vec<Setting<String>>,
    /// Arguments for the agent.
    pub args: Setting<Vec<String>>,
    /// What happens when a shell enters the project.
    pub auto: Setting<Auto>,
    /// What becomes of that inside tmux or screen.
    pub multiplexer: Setting<Multiplexer>,
    /// How much memory the session gets; none for the host's default.
    pub memory: Setting<Option<Memory>>,
    /// How many processes.
    pub pids: Setting<Option<NonZeroU32>>,
    /// How many processors.
    pub cpus: Setting<Option<Cpus>>,
    /// A shell command, run once before its agent starts.
    pub setup: Setting<Option<String>>,
}

impl Settings {
    /// Puts together what everybody says.
    ///
    /// # Errors
    /// [`Error::InvalidName`], [`Error::InvalidEnv`].
    pub fn new(
        ctx: &Context,
        user: &UserFile,
        project: Option<&Project>,
        flags: &Args,
    ) -> Result<Self> {
        use Source::{Environment, Flag, ProjectFile, UserFile as User};
        let file = project.map(|project| project.file.clone()).unwrap_or_default();
        let args = Some(flags.args.clone()).filter(|args| !args.is_empty());
        let named = flags.name.as_deref().map(SessionName::parse).transpose()?;
        let by_project = project.map(Project::name);
        let agent = ctx.text_var("AGENT_SESSION_AGENT")?.map(String::from);
        let limits = [(User, &user.limits), (ProjectFile, &file.limits)];
        Ok(Self {
            name: last(
                SessionName::parse(SessionName::DEFAULT)?,
                [(ProjectFile, by_project), (Flag, named)],
            ),
            agent: optional([
                (User, user.agent.clone()),
                (ProjectFile, file.agent),
                (Environment, agent),
                (Flag, flags.agent.clone()),
            ]),
            paths: paths(ctx, project, flags),
            mounts: mounts(ctx, user, project, flags),
            env: env(user, &file.env, flags),
            args: last(Vec::new(), [(ProjectFile, file.args), (Flag, args)]),
            auto: last(
                Auto::default(),
                [(User, user.auto), (ProjectFile, file.auto), (Environment, auto_variable(ctx)?)],
            ),
            multiplexer: last(Multiplexer::default(), [(User, user.multiplexer)]),
            memory: optional(limits.map(|(source, limits)| (source, limits.memory.clone()))),
            pids: optional(limits.map(|(source, limits)| (source, limits.pids))),
            cpus: optional(limits.map(|(source, limits)| (source, limits.cpus))),
            setup: optional([(ProjectFile, file.setup)]),
        })
    }

    /// Every setting in a row of its own, the members of lists too; of variables only their names.
    #[must_use]
    pub fn rows(&self, ctx: &Context) -> Vec<SettingReport> {
        let mut rows = vec![
            row("name", &self.name, |name| name.as_str().into()),
            row("agent", &self.agent, |_| self.agent_or_default().into()),
            row("args", &self.args, |args| args.clone().into()),
            row("auto", &self.auto, |auto| auto.to_string().into()),
            row("multiplexer", &self.multiplexer, |it| it.to_string().into()),
            row("limits.memory", &self.memory, |it| it.clone().map(String::from).into()),
            row("limits.pids", &self.pids, |it| it.map(NonZeroU32::get).into()),
            row("limits.cpus", &self.cpus, |it| it.map(f64::from).into()),
            row("setup", &self.setup, |it| it.clone().into()),
        ];
        let text = |path: &PathBuf| path.to_string_lossy().into();
        rows.extend(self.paths.iter().map(|path| row("paths", path, text)));
        rows.extend(self.mounts.iter().map(|mount| row("mounts", mount, |it| it.clone().into())));
        for variable in [mount::MOUNTS, mount::KOB] {
            let value = ctx.var(variable).map(|value| value.to_string_lossy().into_owned());
            let setting = value.map(|value| Setting { value, source: Source::Environment });
            rows.extend(setting.map(|it| row("mounts", &it, |it| it.clone().into())));
        }
        rows.extend(self.env.iter().map(|entry| row("env", entry, |it| variable(it).into())));
        rows
    }

    /// The agent's name where nobody is to be asked.
    #[must_use]
    pub fn agent_or_default(&self) -> &str {
        self.agent.value.as_deref().unwrap_or(agent::DEFAULT)
    }
}

fn row<T>(key: &str, setting: &Setting<T>, value: impl Fn(&T) -> Value) -> SettingReport {
    SettingReport { key: key.into(), value: value(&setting.value), source: setting.source }
}

/// The name in an entry of `--env`.
fn variable(entry: &str) -> &str {
    entry.split('=').next().unwrap_or_default()
}

/// The last of those that said something.
fn last<T, const N: usize>(built_in: T, said: [(Source, Option<T>); N]) -> Setting<T> {
    let found = said.into_iter().rev().find_map(|(source, value)| Some((source, value?)));
    let (source, value) = found.unwrap_or((Source::BuiltIn, built_in));
    Setting { value, source }
}

fn optional<T, const N: usize>(said: [(Source, Option<T>); N]) -> Setting<Option<T>> {
    last(None, said.map(|(source, value)| (source, value.map(Some))))
}

fn all<T>(source: Source, values: impl IntoIterator<Item = T>) -> Vec<Setting<T>> {
    values.into_iter().map(|value| Setting { value, source }).collect()
}

fn auto_variable(ctx: &Context) -> Result<Option<Auto>> {
    const NAME: &str = "AGENT_SESSION_AUTO";
    let parse = |text: &str| {
        let parsed = serde_json::from_value(text.into());
        parsed.map_err(|_| Error::InvalidEnv {
            message: format!("{NAME} is neither attach nor background, hint or off"),
        })
    };
    ctx.text_var(NAME)?.map(parse).transpose()
}

/// The project's root and its further paths, unless some are given.
fn paths(ctx: &Context, project: Option<&Project>, flags: &Args) -> Vec<Setting<PathBuf>> {
    match project {
        _ if !flags.paths.is_empty() => all(Source::Flag, flags.paths.clone()),
        Some(project) => all(Source::ProjectFile, project.paths()),
        None => all(Source::BuiltIn, [ctx.cwd.clone()]),
    }
}

/// Everybody's: what one of them mounts does not keep another from mounting more.
fn mounts(
    ctx: &Context,
    user: &UserFile,
    project: Option<&Project>,
    flags: &Args,
) -> Vec<Setting<String>> {
    let of_user = user.mounts.iter().map(|entry| config::absolute_mount(ctx, &ctx.home, entry));
    let mut mounts = all(Source::UserFile, of_user);
    mounts
        .extend(project.into_iter().flat_map(|found| all(Source::ProjectFile, found.mounts(ctx))));
    mounts.extend(all(Source::Flag, flags.mount.clone()));
    mounts
}

/// Everybody's, one for each variable.
fn env(
    user: &UserFile,
    project: &BTreeMap<String, EnvValue>,
    flags: &Args,
) -> Vec<Setting<String>> {
    let mut env = all(Source::UserFile, config::env_entries(&user.env));
    env.extend(all(Source::ProjectFile, config::env_entries(project)));
    env.extend(all(Source::Flag, flags.env.clone()));
    let mut kept: Vec<Setting<String>> = Vec::new();
    for setting in env {
        kept.retain(|other| variable(&other.value) != variable(&setting.value));
        kept.push(setting);
    }
    kept
}
