use std::env::{self, VarError};

use tracing_subscriber::EnvFilter;

use super::StartError;
use super::log_writer::LogWriter;
use crate::terminal_safe;

/// Says what is logged.
const VARIABLE: &str = "RUST_LOG";

/// A log that has been started. When it is dropped, what is still to be written has been, unless nobody reads it.
#[derive(Debug)]
#[must_use = "the last lines are written when it is dropped"]
pub struct Log(LogWriter);

/// Writes what is logged to standard output, as lines of text or of JSON. `RUST_LOG` says what; `info` without.
///
/// Peers and the mesh file have a say in what is logged; nothing of it begins a line of its own or changes what a terminal shows.
///
/// Whoever does not read them holds up nobody: lines wait, some MiB of them, and are left out then.
///
/// # Errors
/// `RUST_LOG` is not what it should be, or there is no room for a thread.
pub fn start_logging(format: &str) -> Result<Log, StartError> {
    let filter = filter()?;
    let safe = match format {
        "json" => terminal_safe::json,
        _ => terminal_safe::message,
    };
    let writer = LogWriter::start(safe).map_err(|error| StartError::System {
        what: "no thread for the log",
        error,
    })?;
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(false)
        .with_writer(writer.clone());
    // Whoever set one up before wants that one.
    let _ = match format {
        "json" => lines.json().flatten_event(true).try_init(),
        _ => lines.try_init(),
    };
    Ok(Log(writer))
}

impl Drop for Log {
    fn drop(&mut self) {
        // Lines that were left out are only told of once those before them are written.
        let _ = self.0.finish() && self.0.finish();
    }
}

fn filter() -> Result<EnvFilter, StartError> {
    let wrong = |value: String, reason: String| StartError::Variable {
        variable: VARIABLE,
        value,
        reason,
        next: "write it as debug, or as hbone_examples=debug,info",
    };
    let text = match env::var(VARIABLE) {
        Ok(text) => text,
        Err(VarError::NotPresent) => String::new(),
        Err(VarError::NotUnicode(text)) => {
            let shown = text.to_string_lossy().into_owned();
            return Err(wrong(shown, "it is no text".to_owned()));
        }
    };
    EnvFilter::builder()
        .with_default_directive(tracing::Level::INFO.into())
        .parse(&text)
        .map_err(|error| wrong(text, error.to_string()))
}
