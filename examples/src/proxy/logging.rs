use std::io::stdout;

use tracing_subscriber::EnvFilter;

/// Writes what is logged to standard output, as lines of text or of JSON. `RUST_LOG` says what; `info` without.
pub fn start_logging(format: &str) {
    let filter = EnvFilter::builder()
        .with_default_directive(tracing::Level::INFO.into())
        .from_env_lossy();
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(false)
        // Nobody reads it any more: that is no reason to end, nor to say so again and again.
        .log_internal_errors(false)
        .with_writer(stdout);
    // Whoever set one up before wants that one.
    let _ = match format {
        "json" => lines.json().flatten_event(true).try_init(),
        _ => lines.try_init(),
    };
}
