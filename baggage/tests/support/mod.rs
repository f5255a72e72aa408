//! Short ways to say what was read. Lines of a header are separated by a line feed.

#![allow(dead_code, reason = "each test file uses its own part")]

use baggage::istio::PeerAttributes;
use baggage::{Baggage, Limits, Parsed};

/// What lenient parsing makes of the lines.
pub(crate) fn parse(lines: &str) -> Parsed {
    parse_bytes(lines.as_bytes())
}

pub(crate) fn parse_bytes(lines: &[u8]) -> Parsed {
    Baggage::parse(lines.split(|&byte| byte == b'\n'), &Limits::new())
}

/// The members as `key=value;property=value`, decoded.
pub(crate) fn members(lines: &str) -> Vec<String> {
    shown(&parse(lines).baggage)
}

pub(crate) fn shown(baggage: &Baggage) -> Vec<String> {
    let show = |key: &str, value: Option<&str>| match value {
        Some(value) => format!("{key}={value}"),
        None => key.to_owned(),
    };
    let member = |member: baggage::Member<'_>| {
        let mut shown = show(member.key(), Some(&member.value()));
        for property in member.properties() {
            shown += ";";
            shown += &show(property.key(), property.value().as_deref());
        }
        shown
    };
    baggage.iter().map(member).collect()
}

/// `ok`, or the name of the first error.
pub(crate) fn strict(lines: &str) -> &'static str {
    match Baggage::parse_strict(lines.split('\n'), &Limits::new()) {
        Ok(_) => "ok",
        Err(error) => error.kind().as_str(),
    }
}

/// The names of what was skipped.
pub(crate) fn skipped(lines: &str) -> Vec<&'static str> {
    parse(lines)
        .skipped
        .iter()
        .map(|error| error.kind().as_str())
        .collect()
}

pub(crate) fn peer(lines: &str) -> Option<PeerAttributes> {
    PeerAttributes::parse(lines.split('\n'), &Limits::new())
}
