use std::env::{self, VarError};
use std::io::stdout;

use tracing_subscriber::EnvFilter;

use super::StartError;

/// Says what is logged.
const VARIABLE: &str = "RUST_LOG";

/// Writes what is logged to standard output, as lines of text or of JSON. `RUST_LOG` says what; `info` without.
///
/// # Errors
/// `RUST_LOG` is not what it should be.
pub fn start_logging(format: &str) -> Result<(), StartError> {
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter()?)
        .with_ansi(false)
        // Nobody reads it any more: that is no reason to end, nor to say so again and again.
        .log_internal_errors(false)
        .with_writer(stdout);
    // Whoever set one up before wants that one.
    let _ = match format {
        "json" => lines.json().flatten_event(true).try_init(),
        _ => lines.try_init(),
    };
    Ok(())
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
