use std::io::{self, Write};
use std::process::ExitCode;

use hbone::{DialCause, DialError, EstablishError, RequestError, Stage};
use hbone_examples::terminal_safe;
use http::StatusCode;

/// Why a command failed, by whose fault.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The peer's policy denies us the destination: exit code 6.
    Denied(anyhow::Error),
    /// There was no understanding with a peer, by TLS, identity or HTTP/2: exit code 4.
    Handshake(anyhow::Error),
    /// What was to be read is wrong: exit code 2.
    Input(anyhow::Error),
    /// Anything else, such as a full disk behind the output: exit code 1.
    Other(anyhow::Error),
    /// A peer opened no tunnel: exit code 5.
    Refused(anyhow::Error),
    /// The person knows already; the exit code is left.
    Told(u8),
    /// A peer cannot be reached, or did not answer in time: exit code 3.
    Unreachable(anyhow::Error),
}

/// What the exit codes mean, for `--help`.
pub(crate) const EXIT_CODES: &str = "\
Exit codes:
  0  all is well: both directions came to their own end
  1  the tunnel broke, or something else failed here
  2  a flag, the authority, or what was to be read is wrong
  3  a hop cannot be reached, or does not answer in time
  4  no understanding with a hop: TLS, certificate, identity, HTTP/2
  5  a hop refused the tunnel, or reset it instead of answering
  6  a hop's policy denies us the destination (401 or 403)";

impl Failure {
    /// Blames the input.
    pub(crate) fn input(error: impl Into<anyhow::Error>) -> Self {
        Self::Input(error.into())
    }

    /// Why there is no tunnel; `story` says which.
    pub(crate) fn dial(error: DialError, story: String) -> Self {
        let kind = of_cause(&error.cause);
        kind(anyhow::Error::new(error).context(story))
    }

    /// What the process ends with.
    pub(crate) const fn code(&self) -> u8 {
        match self {
            Self::Other(_) => 1,
            Self::Input(_) => 2,
            Self::Unreachable(_) => 3,
            Self::Handshake(_) => 4,
            Self::Refused(_) => 5,
            Self::Told(code) => *code,
            Self::Denied(_) => 6,
        }
    }

    /// What went wrong, if it is still to be told.
    const fn error(&self) -> Option<&anyhow::Error> {
        match self {
            Self::Denied(error)
            | Self::Handshake(error)
            | Self::Input(error)
            | Self::Other(error)
            | Self::Refused(error)
            | Self::Unreachable(error) => Some(error),
            Self::Told(_) => None,
        }
    }

    /// The same in words, with its causes, each of them once.
    pub(crate) fn message(&self) -> Option<String> {
        let mut message = String::new();
        for cause in self.error()?.chain() {
            let cause = cause.to_string();
            // An error that is shown alone has to say why; its cause then has nothing to add.
            if message.ends_with(&cause) {
                continue;
            }
            if !message.is_empty() {
                message.push_str(": ");
            }
            message.push_str(&cause);
        }
        Some(message)
    }

    /// Tells the person, and goes on.
    pub(crate) fn tell(&self) {
        if let Some(message) = self.message() {
            // A peer, or a file, may have had a say in it. Where standard error is closed, the exit code must do.
            let _ = writeln!(io::stderr(), "hbone: {}", terminal_safe::message(&message));
        }
    }

    /// Tells the person, and gives the exit code.
    pub(crate) fn report(self) -> ExitCode {
        self.tell();
        ExitCode::from(self.code())
    }
}

fn of_cause(cause: &DialCause) -> fn(anyhow::Error) -> Failure {
    match cause {
        DialCause::Establish(error) => of_establish(error),
        DialCause::Request(error) => of_request(error),
        DialCause::NoStream(_) => Failure::Refused,
        DialCause::TimedOut(_) => Failure::Unreachable,
        _ => Failure::Other,
    }
}

fn of_establish(error: &EstablishError) -> fn(anyhow::Error) -> Failure {
    match error {
        EstablishError::Io { stage, .. } | EstablishError::Closed(stage)
            if *stage == Stage::Tcp =>
        {
            Failure::Unreachable
        }
        // Whoever accepts connections and then says nothing is as good as away.
        EstablishError::TimedOut { .. } => Failure::Unreachable,
        EstablishError::Misuse(_) => Failure::Other,
        _ => Failure::Handshake,
    }
}

fn of_request(error: &RequestError) -> fn(anyhow::Error) -> Failure {
    match error {
        RequestError::CertificateRefused(_) => Failure::Handshake,
        RequestError::Lost(_) | RequestError::TimedOut(_) => Failure::Unreachable,
        RequestError::Refused(refused)
            if matches!(
                refused.status(),
                StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN
            ) =>
        {
            Failure::Denied
        }
        _ => Failure::Refused,
    }
}

impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Other(error.into())
    }
}
