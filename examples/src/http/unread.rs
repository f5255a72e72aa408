//! What came on a connection and is no request: why not, and what its client is told.

use http::StatusCode;

use super::screen::LONGEST_TARGET;
use super::{Limits, Protocol, Refusal};

/// Why there was no further request on a connection of HTTP/1 that ended with `error`, while `read` had come of one. `None` if its client
/// has asked for nothing, or is gone.
pub(super) fn of_http1(error: &hyper::Error, read: &[u8], limits: &Limits) -> Option<Refusal> {
    if error.is_timeout() {
        return (!read.is_empty()).then(too_slow);
    }
    let refusal = if error.is_incomplete_message() {
        bad("the connection ended in the middle of the head of a request".to_owned())
    } else if error.is_parse_too_large() {
        too_large(read, limits)
    } else if error.is_parse() {
        bad(format!("the head of the request is malformed: {error}"))
    } else {
        return None;
    };
    Some(refusal.closing())
}

impl Refusal {
    /// The same where no HTTP has been spoken yet: `first` is what came on a connection. `None` if that is nothing.
    pub(crate) fn of_strange(first: &[u8]) -> Option<Self> {
        let reason = match first {
            [] => return None,
            // A record of a handshake (RFC 8446 section 5.1).
            [0x16, 0x03, ..] => "what came is TLS, and this port takes HTTP without; see --https",
            // It may have become a request yet.
            _ if Protocol::of(first).is_none() => return Some(too_slow()),
            _ => "what came is no HTTP",
        };
        Some(bad(reason.to_owned()).closing())
    }

    /// HTTP as it is, where TLS is to be spoken.
    pub(crate) fn of_unencrypted() -> Self {
        bad("what came is HTTP without TLS, and this port takes HTTPS; see --http".to_owned())
            .closing()
    }
}

/// A head that does not come to its end.
fn too_slow() -> Refusal {
    let reason = "the head of the request did not come; see --head-timeout";
    Refusal::client(StatusCode::REQUEST_TIMEOUT, reason).closing()
}

/// hyper has one error for a target that is too long, for too many headers, for too many bytes, and for a length that nobody can count;
/// in the last case alone it has taken the head out of what was read.
fn too_large(read: &[u8], limits: &Limits) -> Refusal {
    let line = read.split(|octet| *octet == b'\n').next();
    let line = line.unwrap_or_default();
    if line.len() > LONGEST_TARGET {
        let reason = format!("the request's target is longer than {LONGEST_TARGET} bytes");
        return Refusal::client(StatusCode::URI_TOO_LONG, reason);
    }
    if !is_of_request(line) {
        return bad("the length of the request's body is more than can be counted".to_owned());
    }
    let most = usize::try_from(limits.max_head).unwrap_or(usize::MAX);
    let reason = match read.len() > most {
        true => format!("the request's head is larger than {most} bytes; see --max-head"),
        false => format!(
            "the request has more than {} headers; see --max-headers",
            limits.max_headers
        ),
    };
    Refusal::client(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, reason)
}

fn is_of_request(line: &[u8]) -> bool {
    let line = line.trim_ascii_end();
    line.ends_with(b" HTTP/1.1") || line.ends_with(b" HTTP/1.0")
}

fn bad(reason: String) -> Refusal {
    Refusal::client(StatusCode::BAD_REQUEST, reason)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Flags {
        #[command(flatten)]
        limits: Limits,
    }

    #[test]
    fn what_is_too_large_is_named() {
        let limits = Flags::parse_from(["proxy"]).limits;
        let head = "GET / HTTP/1.1\r\nhost: a\r\n";
        for (read, status, part) in [
            (format!("GET /{}", "a".repeat(70_000)), 414, "target"),
            (
                format!("{head}x: {}", "y".repeat(250_000)),
                431,
                "--max-head",
            ),
            (
                format!("{head}{}", "x: y\r\n".repeat(500)),
                431,
                "--max-headers",
            ),
            ("a body".to_owned(), 400, "counted"),
            (String::new(), 400, "counted"),
        ] {
            let refusal = too_large(read.as_bytes(), &limits);
            assert_eq!(refusal.status.as_u16(), status, "{}", refusal.reason);
            assert!(refusal.reason.contains(part), "{}", refusal.reason);
        }
    }

    #[test]
    fn what_is_no_http_is_told_what_it_is() {
        for (first, status, part) in [
            (&b"\x16\x03\x01\x02\x00"[..], 400, "--https"),
            (b"SSH-2.0-OpenSSH\r\n", 400, "no HTTP"),
            (b"GE", 408, "--head-timeout"),
        ] {
            let refusal = Refusal::of_strange(first).expect("a refusal");
            assert_eq!(refusal.status.as_u16(), status, "{}", refusal.reason);
            assert!(refusal.reason.contains(part), "{}", refusal.reason);
        }
        assert_eq!(Refusal::of_strange(b""), None);
    }
}
