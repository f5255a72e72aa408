//! What each fuzz target does, as a plain function that panics when something does not hold.

mod attributes_differential;
mod baggage_parse;
mod baggage_roundtrip;
#[path = "../../baggage/tests/oracle/mod.rs"]
mod oracle;

pub use attributes_differential::attributes_differential;
pub use baggage_parse::baggage_parse;
pub use baggage_roundtrip::baggage_roundtrip;

/// A line feed ends a header line.
fn lines(data: &[u8]) -> Vec<&[u8]> {
    data.split(|&byte| byte == b'\n').collect()
}
