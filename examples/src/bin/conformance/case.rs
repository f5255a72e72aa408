use std::fmt::Display;
use std::pin::Pin;

/// What a case found: nothing to complain about, or why not.
pub(crate) type Verdict = Result<(), Complaint>;

/// Why a case did not pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Complaint {
    /// The other side does something else than it must.
    Fails { expected: String, seen: String },
    /// The case could not be tried, and why.
    Skipped(String),
}

impl Complaint {
    pub(crate) fn fails(expected: impl Into<String>, seen: impl Display) -> Self {
        Self::Fails {
            expected: expected.into(),
            seen: seen.to_string(),
        }
    }

    pub(crate) fn skipped(why: impl Into<String>) -> Self {
        Self::Skipped(why.into())
    }
}

/// Passes if `holds`.
pub(crate) fn must(holds: bool, expected: &str, seen: impl Display) -> Verdict {
    if holds {
        return Ok(());
    }
    Err(Complaint::fails(expected, seen))
}

/// A requirement, what a request of it is, and the fields that it has beyond those of a plain CONNECT.
pub(crate) type Fields = (
    &'static str,
    &'static str,
    &'static [(&'static str, &'static str)],
);

/// How strictly a requirement is meant (BCP 14).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    Must,
    Should,
}

type Run<C> = Box<dyn Fn(C) -> Pin<Box<dyn Future<Output = Verdict> + Send>> + Send + Sync>;

/// One thing that is tried, for one requirement of the specification.
pub(crate) struct Case<C> {
    /// The requirement, as `HBONE-S-005`.
    pub(crate) requirement: &'static str,
    pub(crate) level: Level,
    pub(crate) title: String,
    /// Waits for something that takes a quarter of a minute or more.
    pub(crate) slow: bool,
    run: Run<C>,
}

impl<C> Case<C> {
    pub(crate) fn must<F, V>(requirement: &'static str, title: impl Into<String>, run: F) -> Self
    where
        F: Fn(C) -> V + Send + Sync + 'static,
        V: Future<Output = Verdict> + Send + 'static,
    {
        Self {
            requirement,
            level: Level::Must,
            title: title.into(),
            slow: false,
            run: Box::new(move |context| Box::pin(run(context))),
        }
    }

    pub(crate) fn should<F, V>(requirement: &'static str, title: impl Into<String>, run: F) -> Self
    where
        F: Fn(C) -> V + Send + Sync + 'static,
        V: Future<Output = Verdict> + Send + 'static,
    {
        let level = Level::Should;
        Self {
            level,
            ..Self::must(requirement, title, run)
        }
    }

    /// The same, run only if slow cases are asked for.
    pub(crate) fn slow(mut self) -> Self {
        self.slow = true;
        self
    }

    pub(crate) async fn run(&self, context: C) -> Verdict {
        (self.run)(context).await
    }
}

/// Cases about one subject.
pub(crate) struct Group<C> {
    pub(crate) title: &'static str,
    pub(crate) cases: Vec<Case<C>>,
}
