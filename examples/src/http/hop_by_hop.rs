use http::header::{CONNECTION, TE, TRAILER, TRANSFER_ENCODING, UPGRADE};
use http::{HeaderMap, HeaderName, HeaderValue, Version};

/// Headers that are for the next hop alone, whoever names them or not (RFC 9110 section 7.6.1).
static OURS: [HeaderName; 7] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    HeaderName::from_static("http2-settings"),
    TE,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// Headers that `Connection` cannot take away: servers rely on them, and the client could make them vanish behind our back.
const KEPT: [&str; 16] = [
    "authorization",
    "baggage",
    "cache-control",
    "content-encoding",
    "content-length",
    "content-type",
    "cookie",
    "expect",
    "forwarded",
    "host",
    "origin",
    "traceparent",
    "tracestate",
    "x-forwarded-for",
    "x-forwarded-proto",
    "x-request-id",
];

/// Takes off what is for this hop alone: the headers that always are, and those that `Connection` names.
///
/// `TE: trailers` is said again on our own behalf, since we do pass trailers on; and `Trailer` is for whoever gets them.
pub(super) fn strip(headers: &mut HeaderMap) {
    let takes_trailers = takes_trailers(headers);
    let named: Vec<HeaderName> = tokens(headers, &CONNECTION)
        .filter(|token| !KEPT.contains(&token.to_ascii_lowercase().as_str()))
        .filter_map(|token| HeaderName::from_bytes(token.as_bytes()).ok())
        .filter(|name| *name != TRAILER)
        .collect();
    for name in named.iter().chain(&OURS) {
        headers.remove(name);
    }
    if takes_trailers {
        headers.insert(TE, HeaderValue::from_static("trailers"));
    }
}

/// Takes off names that are those of framing, routing or the mesh but for an underscore: many servers take both for the same (RFC 3875
/// section 4.1.18), and would read what nobody on the way has looked at.
pub(super) fn strip_lookalikes(headers: &mut HeaderMap) {
    let is_alike = |name: &&HeaderName| {
        name.as_str().contains('_') && {
            let meant = name.as_str().replace('_', "-");
            OURS.iter().any(|ours| *ours == *meant)
                || matches!(&*meant, "content-length" | "x-istio-source")
                || ["x-envoy-", "x-forwarded-"]
                    .iter()
                    .any(|begin| meant.starts_with(begin))
        }
    };
    let alike: Vec<HeaderName> = headers.keys().filter(is_alike).cloned().collect();
    for name in alike {
        headers.remove(name);
    }
}

/// What goes with headers that [`strip`] has left, to a server of this version.
pub(super) fn dress(headers: &mut HeaderMap, version: Version) {
    if version != Version::HTTP_2 && headers.contains_key(TE) {
        headers.insert(CONNECTION, HeaderValue::from_static("te"));
    }
}

/// Whether the request asks to become a WebSocket (RFC 6455 section 4.1). Nothing else may be upgraded to: it would pass by everything
/// that looks at requests.
pub(super) fn is_websocket(headers: &HeaderMap) -> bool {
    tokens(headers, &CONNECTION).any(|token| token.eq_ignore_ascii_case("upgrade"))
        && tokens(headers, &UPGRADE).any(|token| token.eq_ignore_ascii_case("websocket"))
}

/// Whether the body behind these headers comes as its sender has it: no transfer coding is left in it that we take the name off of.
pub(super) fn is_decoded(headers: &HeaderMap) -> bool {
    let mut lines = headers.get_all(TRANSFER_ENCODING).iter();
    let chunked = |line: &HeaderValue| {
        line.as_bytes()
            .trim_ascii()
            .eq_ignore_ascii_case(b"chunked")
    };
    lines.next().is_none_or(chunked) && lines.next().is_none()
}

fn takes_trailers(headers: &HeaderMap) -> bool {
    tokens(headers, &TE).any(|token| token.eq_ignore_ascii_case("trailers"))
}

/// The elements of a list that may stand in several lines.
fn tokens<'h>(headers: &'h HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'h str> {
    let lines = headers.get_all(name).into_iter();
    lines
        .flat_map(|line| line.as_bytes().split(|octet| *octet == b','))
        // What is no text is no token, and takes none of its neighbours with it.
        .filter_map(|token| std::str::from_utf8(token).ok())
        .map(str::trim)
        .filter(|token| !token.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(&'static str, &'static [u8])]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            let value = HeaderValue::from_bytes(value).expect("a value");
            headers.append(*name, value);
        }
        headers
    }

    #[test]
    fn what_is_no_text_in_connection_saves_no_other_name() {
        let mut headers = headers(&[("connection", b"x-c, \xe9"), ("x-c", b"1"), ("x-d", b"2")]);
        strip(&mut headers);
        assert_eq!(headers.keys().collect::<Vec<_>>(), ["x-d"]);
    }

    #[test]
    fn chunked_alone_is_decoded() {
        for (lines, decoded) in [
            (&[][..], true),
            (&[("transfer-encoding", &b" Chunked "[..])], true),
            (&[("transfer-encoding", b"gzip, chunked")], false),
            (&[("transfer-encoding", b"gzip")], false),
            (
                &[
                    ("transfer-encoding", b"gzip"),
                    ("transfer-encoding", b"chunked"),
                ],
                false,
            ),
        ] {
            assert_eq!(is_decoded(&headers(lines)), decoded, "{lines:?}");
        }
    }
}
