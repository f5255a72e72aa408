use std::process::ExitCode;

/// Why a command failed, by whose fault.
#[derive(Debug)]
pub(crate) enum Failure {
    /// What was to be read is wrong: exit code 2.
    Input(anyhow::Error),
    /// Anything else, such as a closed output: exit code 1.
    Other(anyhow::Error),
}

impl Failure {
    /// Blames the input.
    pub(crate) fn input(error: impl Into<anyhow::Error>) -> Self {
        Self::Input(error.into())
    }

    /// Tells the person, and gives the exit code.
    pub(crate) fn report(self) -> ExitCode {
        let (code, error) = match self {
            Self::Input(error) => (2, error),
            Self::Other(error) => (1, error),
        };
        eprintln!("hbone: {error:#}");
        ExitCode::from(code)
    }
}

impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Other(error.into())
    }
}
