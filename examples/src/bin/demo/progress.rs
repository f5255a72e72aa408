use std::fmt;
use std::io::Write;

/// Tells of progress on standard error; the report has standard output to itself.
pub(crate) fn tell(what: fmt::Arguments<'_>) {
    // Nobody may be listening any more.
    let _ = writeln!(std::io::stderr(), "demo: {what}");
}
