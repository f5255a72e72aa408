use std::io::{self, Write};

use super::{Outcome, Tried};

/// The result as JUnit's XML: a suite a group.
pub(super) fn write(
    out: &mut impl Write,
    groups: &[(String, Vec<Tried>)],
    strict: bool,
) -> io::Result<()> {
    writeln!(out, r#"<?xml version="1.0" encoding="UTF-8"?>"#)?;
    writeln!(out, "<testsuites name=\"hbone conformance\">")?;
    for (title, cases) in groups {
        let count = |is: fn(&Outcome, bool) -> bool| {
            cases
                .iter()
                .filter(|case| is(&case.outcome, strict))
                .count()
        };
        let failures = count(fails);
        let skipped = count(|outcome, _| matches!(outcome, Outcome::Skipped { .. }));
        writeln!(
            out,
            "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{failures}\" skipped=\"{skipped}\">",
            escaped(title),
            cases.len()
        )?;
        for case in cases {
            one(out, case, strict)?;
        }
        writeln!(out, "  </testsuite>")?;
    }
    writeln!(out, "</testsuites>")
}

fn one(out: &mut impl Write, case: &Tried, strict: bool) -> io::Result<()> {
    let name = format!("{} {}", case.number, case.title);
    let (name, took) = (escaped(&name), case.took.as_secs_f64());
    write!(
        out,
        "    <testcase classname=\"{}\" name=\"{name}\" time=\"{took:.3}\"",
        case.requirement
    )?;
    match &case.outcome {
        Outcome::Failed { expected, seen } | Outcome::Warned { expected, seen } => {
            let text = escaped(&format!("expected: {expected}; seen: {seen}"));
            if fails(&case.outcome, strict) {
                writeln!(out, "><failure message=\"{text}\"/></testcase>")
            } else {
                writeln!(out, "><system-out>{text}</system-out></testcase>")
            }
        }
        Outcome::Skipped { reason } => {
            let reason = escaped(reason);
            writeln!(out, "><skipped message=\"{reason}\"/></testcase>")
        }
        Outcome::Passed => writeln!(out, "/>"),
    }
}

const fn fails(outcome: &Outcome, strict: bool) -> bool {
    match outcome {
        Outcome::Failed { .. } => true,
        Outcome::Warned { .. } => strict,
        _ => false,
    }
}

/// What a peer said stands in here, so nothing of it may be markup or a character that XML does not have.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            control if control.is_control() => escaped.push('\u{fffd}'),
            other => escaped.push(other),
        }
    }
    escaped
}
