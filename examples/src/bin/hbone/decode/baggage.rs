use baggage::istio::PeerAttributes;
use baggage::{Baggage, Limits, ParseError, Parsed};
use clap::Args;
use serde::Serialize;

use crate::failure::{EXIT_CODES, Failure};
use crate::input::Input;
use crate::shown::print_json;

/// Decode `baggage` header lines, one a line.
///
/// Prints the members with their values percent-decoded, what was skipped and why (lines and byte offsets
/// count from 0), whether a limit cut it short, and the peer attributes that Istio would see in it. W3C's
/// limits apply: 64 members, 8192 bytes.
#[derive(Debug, Args)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct DecodeBaggage {
    #[command(flatten)]
    input: Input,
    /// Accept nothing that is outside the grammar: print the first error and exit with 2
    #[arg(long)]
    strict: bool,
}

impl DecodeBaggage {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let input = self.input.read()?;
        let lines = lines(&input);
        let limits = Limits::new().with_reports(usize::MAX); // those of the raw octets hold
        if self.strict {
            Baggage::parse_strict(lines.iter().copied(), &limits).map_err(Failure::input)?;
        }
        let parsed = Baggage::parse(lines.iter().copied(), &limits);
        let peer = PeerAttributes::parse(lines.iter().copied(), &limits).unwrap_or_default();
        print_json(&Report::new(&parsed, &peer))
    }
}

#[derive(Debug, Serialize)]
struct Report<'a> {
    members: &'a Baggage,
    skipped: Vec<Skipped>,
    truncated: bool,
    istio: &'a PeerAttributes,
}

#[derive(Debug, Serialize)]
struct Skipped {
    line: usize,
    offset: usize,
    reason: &'static str,
}

impl<'a> Report<'a> {
    fn new(parsed: &'a Parsed, istio: &'a PeerAttributes) -> Self {
        Self {
            members: &parsed.baggage,
            skipped: parsed.skipped.iter().map(Skipped::from).collect(),
            truncated: parsed.truncated.is_some(),
            istio,
        }
    }
}

impl From<&ParseError> for Skipped {
    fn from(error: &ParseError) -> Self {
        Self {
            line: error.line(),
            offset: error.offset(),
            reason: error.kind().as_str(),
        }
    }
}

/// The header lines: raw octets, ended by LF or CRLF, the last one perhaps by neither.
fn lines(input: &[u8]) -> Vec<&[u8]> {
    input
        .split_inclusive(|&byte| byte == b'\n')
        .map(|line| {
            line.strip_suffix(b"\n")
                .map_or(line, |line| line.strip_suffix(b"\r").unwrap_or(line))
        })
        .collect()
}
