//! Failures as Nushell shows them: message, code, hint, and where on the line it lies.

use nu_protocol::{LabeledError, Span};

use crate::error::Error;

/// The error with a label at the argument that it is about, else at the command.
pub(super) fn label(error: &Error, arguments: &[(String, Span)], head: Span) -> LabeledError {
    let (subject, message) = (subject(error), error.to_string());
    let at = arguments.iter().find(|(text, _)| match &subject {
        Some(subject) => subject == text || subject.ends_with(&format!("/{text}")),
        None => matches!(error, Error::Usage { .. }) && message.contains(&format!("'{text}'")),
    });
    let span = at.map_or(head, |(_, span)| *span);
    let labelled = LabeledError::new(message.clone())
        .with_code(error.code())
        .with_help(error.hint())
        .with_label(kind(error.exit_code()), span);
    let causes = error.causes().into_iter().filter(|cause| !message.ends_with(cause.as_str()));
    causes.fold(labelled, |labelled, cause| labelled.with_inner(LabeledError::new(cause)))
}

/// The name or path that a failure is about.
fn subject(error: &Error) -> Option<String> {
    match error {
        Error::InvalidName(name)
        | Error::ServerFailed { name, .. }
        | Error::SessionNotFound { name, .. }
        | Error::AgentNotFound { name, .. }
        | Error::SessionRunning { name }
        | Error::SessionTooNew { name, .. }
        | Error::SessionBusy { name, .. }
        | Error::NameTaken { name, .. }
        | Error::BuildFailed { agent: name, .. }
        | Error::ImageNotBuilt { agent: name } => Some(name.clone()),
        Error::PathNotFound { path, .. } | Error::MountForbidden { path, .. } => {
            Some(path.display().to_string())
        }
        Error::ConfirmationRequired { names } => names.first().cloned(),
        _ => None,
    }
}

/// The documented exit codes, in words.
fn kind(exit_code: u8) -> &'static str {
    match exit_code {
        2 => "not valid",
        3 => "not there",
        4 => "its state forbids it",
        5 => "podman is not usable",
        6 => "nobody to ask",
        7 => "not allowed",
        _ => "failed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_label_is_at_the_argument_at_fault() {
        let (head, one, two) = (Span::new(0, 18), Span::new(19, 22), Span::new(23, 26));
        let arguments = [("api".to_owned(), one), ("web".into(), two)];
        let error = Error::SessionNotFound { name: "web".into(), nearest: Some("wob".into()) };
        let labelled = label(&error, &arguments, head);
        assert_eq!(labelled.labels[0].span, two);
        assert_eq!(labelled.msg, "session 'web' not found");
        assert_eq!(labelled.code.as_deref(), Some("session_not_found"));
        assert_eq!(labelled.help, Some(error.hint()));
        let other = Error::SessionNotFound { name: "x".into(), nearest: None };
        assert_eq!(label(&other, &arguments, head).labels[0].span, head);
        assert_eq!(label(&Error::PodmanMissing, &arguments, head).labels[0].span, head);
        let usage = Error::Usage { message: "the argument 'api' cannot be".into() };
        assert_eq!(label(&usage, &arguments, head).labels[0].span, one);
    }

    #[test]
    fn what_lies_behind_it_comes_with_it() {
        let stderr = "first\nlast\n".to_owned();
        let error = Error::PodmanFailed { operation: "podman ps".into(), stderr };
        let labelled = label(&error, &[], Span::test_data());
        let causes: Vec<_> = labelled.inner.iter().map(ToString::to_string).collect();
        assert_eq!(causes, ["first"]);
    }
}
