/// What is spoken on a connection, as its first bytes tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Protocol {
    /// HTTP/1.0 or HTTP/1.1.
    Http1,
    /// HTTP/2 with prior knowledge: its preface came.
    Http2,
    /// Something else.
    Tcp,
}

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// The longest method that is looked for.
const LONGEST: usize = 32;
/// Methods after which it is HTTP whatever follows, so that a request that is malformed on purpose is refused rather than
/// carried past everything that looks at requests.
const METHODS: [&[u8]; 9] = [
    b"CONNECT", b"DELETE", b"GET", b"HEAD", b"OPTIONS", b"PATCH", b"POST", b"PUT", b"TRACE",
];
/// How a request's target begins, after a method that is not in the list.
const TARGETS: [&[u8]; 4] = [b"/", b"*", b"http://", b"https://"];

impl Protocol {
    /// What begins with these bytes; `None` if more of them are needed to tell.
    #[must_use]
    pub fn of(first: &[u8]) -> Option<Self> {
        if first.starts_with(PREFACE) {
            return Some(Self::Http2);
        }
        if PREFACE.starts_with(first) {
            return None;
        }
        let blanks = first.iter().take_while(|byte| is_blank(**byte)).count();
        if blanks > LONGEST {
            return Some(Self::Tcp);
        }
        let first = &first[blanks..];
        let method = first.iter().take_while(|byte| is_of_method(**byte)).count();
        let (method, rest) = first.split_at(method);
        let Some((space, target)) = rest.split_first() else {
            return (method.len() > LONGEST).then_some(Self::Tcp);
        };
        if method.is_empty() || method.len() > LONGEST || !is_blank(*space) {
            return Some(Self::Tcp);
        }
        let is_known = METHODS
            .iter()
            .any(|known| known.eq_ignore_ascii_case(method));
        if is_known && *space != b'\r' && *space != b'\n'
            || TARGETS.iter().any(|begin| target.starts_with(begin))
        {
            return Some(Self::Http1);
        }
        match TARGETS.iter().any(|begin| begin.starts_with(target)) {
            true => None,
            false => Some(Self::Tcp),
        }
    }
}

/// What lenient servers overlook before a request and in its first line (RFC 9112 sections 2.2 and 3).
const fn is_blank(byte: u8) -> bool {
    matches!(byte, b'\r' | b'\n' | b' ' | b'\t' | 0x0b | 0x0c)
}

/// RFC 9110 section 5.6.2.
const fn is_of_method(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'.' | b'^'..=b'`' | b'|' | b'~')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_bytes_tell() {
        for (first, protocol) in [
            (&b"GET / HTTP/1.1\r\n"[..], Some(Protocol::Http1)),
            (b"GET  /two-spaces HTTP/1.1\r\n", Some(Protocol::Http1)),
            (b"PROPFIND /a HTTP/1.1", Some(Protocol::Http1)),
            (b"CONNECT a:1 HTTP/1.1", Some(Protocol::Http1)),
            (b"BREW http://pot/ HTTP/1.0", Some(Protocol::Http1)),
            (PREFACE, Some(Protocol::Http2)),
            (b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n", Some(Protocol::Http1)),
            (b"EHLO mail.example\r\n", Some(Protocol::Tcp)),
            (b"*1\r\n$4\r\nPING\r\n", Some(Protocol::Tcp)),
            (b"\x16\x03\x01\x02\x00", Some(Protocol::Tcp)),
            (b" GET / HTTP/1.1", Some(Protocol::Http1)),
            (b"\r\n\r\nGET / HTTP/1.1", Some(Protocol::Http1)),
            (b"\nGET / HTTP/1.1", Some(Protocol::Http1)),
            (b"get /a HTTP/1.1", Some(Protocol::Http1)),
            (b"Get\t/a\tHTTP/1.1", Some(Protocol::Http1)),
            (b"X!#$ /a HTTP/1.1", Some(Protocol::Http1)),
            (b"GET\r\n", Some(Protocol::Tcp)),
            (b"PING\r\n", Some(Protocol::Tcp)),
            (b"", None),
            (b"\r\n", None),
            (b"\r\nGE", None),
            (b"P", None),
            (b"GE", None),
            (b"PRI * HTT", None),
            (b"BREW htt", None),
        ] {
            assert_eq!(Protocol::of(first), protocol, "{}", first.escape_ascii());
        }
    }

    #[test]
    fn more_bytes_never_change_the_answer() {
        for whole in [
            &b"BREW https://pot/ HTTP/1.0\r\n"[..],
            PREFACE,
            b"EHLO mail\r\n",
        ] {
            let mut answer = None;
            for end in 0..=whole.len() {
                let now = Protocol::of(&whole[..end]);
                assert!(answer.is_none() || now == answer, "{end}");
                answer = now;
            }
            assert!(answer.is_some());
        }
    }

    #[test]
    fn what_never_ends_is_given_up() {
        assert_eq!(Protocol::of(&[b'A'; LONGEST + 1]), Some(Protocol::Tcp));
    }
}
