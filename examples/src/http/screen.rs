use http::header::{
    AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, EXPECT, HOST, HeaderName, ORIGIN,
    TRANSFER_ENCODING,
};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, StatusCode, Version};

use super::body::strip_mesh;
use super::{Host, Limits, Refusal, hop_by_hop};

/// What is left of a request's head when all is taken off that must not go on, and what was found on the way.
#[derive(Debug)]
pub(super) struct Screened {
    /// Whom it is for; a client of HTTP/1.0 may leave it to us.
    pub(super) host: Option<Host>,
    /// Whether it asks to become a WebSocket.
    pub(super) is_websocket: bool,
    /// Whether its body waits for a word of the server.
    pub(super) expects: bool,
}

/// Headers of which there can be one at most: of two, servers and proxies may take different ones.
static ONCE: [HeaderName; 6] = [
    AUTHORIZATION,
    CONTENT_LENGTH,
    CONTENT_TYPE,
    EXPECT,
    HOST,
    ORIGIN,
];
pub(super) const LONGEST_TARGET: usize = 16 << 10;

/// Whether a request is gRPC: then it is answered in gRPC's terms.
pub(super) fn is_grpc(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE);
    let kind = kind.map_or(&b""[..], |kind| kind.as_bytes());
    let rest = kind.strip_prefix(b"application/grpc");
    rest.is_some_and(|rest| matches!(rest.first(), None | Some(b'+' | b';')))
}

/// Refuses what two readers could understand in two ways, or what is too large, and takes off what is for this hop alone or of the mesh.
///
/// How its body is framed is decided already, and the server gets it in a framing of our own: a `Content-Length` beside
/// `Transfer-Encoding` was ignored, and with it ends the connection (RFC 9112 section 6.3); two that differ never came this far.
pub(super) fn screen(parts: &mut Parts, limits: &Limits) -> Result<Screened, Refusal> {
    check_size(parts, limits)?;
    check_method(parts)?;
    check_target(parts)?;
    check_values(&parts.headers)?;
    check_once(&parts.headers)?;
    check_coding(&parts.headers)?;
    say_length_plainly(&mut parts.headers)?;
    let host = host(parts)?;
    let expects = expectation(&parts.headers)?;
    let is_websocket = parts.version == Version::HTTP_11
        && parts.method == Method::GET
        && hop_by_hop::is_websocket(&parts.headers);
    parts.headers.remove(HOST);
    hop_by_hop::strip_lookalikes(&mut parts.headers);
    hop_by_hop::strip(&mut parts.headers);
    strip_mesh(&mut parts.headers);
    Ok(Screened {
        host,
        is_websocket,
        expects,
    })
}

fn check_size(parts: &Parts, limits: &Limits) -> Result<(), Refusal> {
    let target = parts
        .uri
        .path_and_query()
        .map_or(0, |target| target.as_str().len());
    if target > LONGEST_TARGET {
        let reason = format!("the request's target is longer than {LONGEST_TARGET} bytes");
        return Err(Refusal::client(StatusCode::URI_TOO_LONG, reason));
    }
    let sizes = parts
        .headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len());
    let most = usize::try_from(limits.max_head).unwrap_or(usize::MAX);
    let most_headers = usize::try_from(limits.max_headers).unwrap_or(usize::MAX);
    let reason = if sizes.sum::<usize>().saturating_add(target) > most {
        format!("the request's head is larger than {most} bytes; see --max-head")
    } else if parts.headers.len() > most_headers {
        format!("the request has more than {most_headers} headers; see --max-headers")
    } else {
        return Ok(());
    };
    Err(Refusal::client(
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
        reason,
    ))
}

fn check_method(parts: &Parts) -> Result<(), Refusal> {
    match parts.method {
        Method::CONNECT => Err(Refusal::client(
            StatusCode::METHOD_NOT_ALLOWED,
            "CONNECT is not for what is inside of a tunnel",
        )
        .closing()),
        _ => Ok(()),
    }
}

/// A host alone is for CONNECT, and `*` for OPTIONS (RFC 9112 section 3.2).
fn check_target(parts: &Parts) -> Result<(), Refusal> {
    if parts.uri.scheme().is_none() && parts.uri.authority().is_some() {
        return Err(bad("the target of the request is a host without a scheme"));
    }
    match parts.uri.path() {
        "*" if parts.method != Method::OPTIONS => Err(bad("the target `*` is for OPTIONS alone")),
        _ => Ok(()),
    }
}

/// HTTP/1 has no white space at the ends of a value, and HTTP/2 forbids it (RFC 9113 section 8.2.1).
fn check_values(headers: &HeaderMap) -> Result<(), Refusal> {
    let is_blank = |octet: Option<&u8>| matches!(octet, Some(b' ' | b'\t'));
    let is_padded = |value: &HeaderValue| {
        let value = value.as_bytes();
        is_blank(value.first()) || is_blank(value.last())
    };
    match headers.iter().find(|(_, value)| is_padded(value)) {
        Some((name, _)) => Err(bad(format!("white space around the value of {name}"))),
        None => Ok(()),
    }
}

/// The server gets a length in the way that all read alike: without zeros at its beginning, or none that is empty.
fn say_length_plainly(headers: &mut HeaderMap) -> Result<(), Refusal> {
    let Some(length) = headers.get(CONTENT_LENGTH) else {
        return Ok(());
    };
    let digits = length.to_str().ok();
    let digits = digits.filter(|digits| digits.bytes().all(|octet| octet.is_ascii_digit()));
    let length = digits.and_then(|digits| digits.parse::<u64>().ok());
    let length = length.ok_or_else(|| bad("the length of the request's body is no number"))?;
    headers.insert(CONTENT_LENGTH, length.into());
    Ok(())
}

fn check_once(headers: &HeaderMap) -> Result<(), Refusal> {
    let repeated = |name: &&HeaderName| headers.get_all(*name).iter().nth(1).is_some();
    match ONCE.iter().find(repeated) {
        Some(name) => Err(bad(format!("more than one {name} header"))),
        None => Ok(()),
    }
}

/// What is decoded already must not be said of what goes on, and nothing but chunks is.
fn check_coding(headers: &HeaderMap) -> Result<(), Refusal> {
    let mut lines = headers.get_all(TRANSFER_ENCODING).iter();
    let Some(first) = lines.next() else {
        return Ok(());
    };
    if lines.next().is_none()
        && first
            .as_bytes()
            .trim_ascii()
            .eq_ignore_ascii_case(b"chunked")
    {
        return Ok(());
    }
    let reason = "the only transfer coding that is known here is `chunked`, once";
    Err(Refusal::client(StatusCode::NOT_IMPLEMENTED, reason).closing())
}

fn host(parts: &Parts) -> Result<Option<Host>, Refusal> {
    let odd = |_| bad("the host of the request is not of the form HOST or HOST:PORT");
    let header = parts.headers.get(HOST);
    let header = header.map(|host| Host::parse(host.as_bytes())).transpose();
    let header = header.map_err(odd)?;
    let target = parts.uri.authority();
    let target = target.map(|target| Host::parse(target.as_str().as_bytes()));
    let target = target.transpose().map_err(odd)?;
    if let Some(scheme) = parts.uri.scheme_str()
        && !matches!(scheme, "http" | "https")
    {
        return Err(bad("the scheme of the request is neither http nor https"));
    }
    match (target, header) {
        (Some(target), Some(header)) if !target.is_same(&header, port_of(parts)) => Err(bad(
            "the target of the request and its Host header name different hosts",
        )),
        (None, None) if parts.version > Version::HTTP_10 => Err(bad("the request names no host")),
        (Some(_), None) if parts.version == Version::HTTP_11 => {
            Err(bad("a request of HTTP/1.1 without a Host header"))
        }
        (target, header) => Ok(target.or(header)),
    }
}

/// The port that a host means which names none.
fn port_of(parts: &Parts) -> u16 {
    match parts.uri.scheme_str() {
        Some("https") => 443,
        _ => 80,
    }
}

fn expectation(headers: &HeaderMap) -> Result<bool, Refusal> {
    match headers.get(EXPECT) {
        None => Ok(false),
        Some(value) if value.as_bytes().eq_ignore_ascii_case(b"100-continue") => Ok(true),
        Some(_) => Err(Refusal::client(
            StatusCode::EXPECTATION_FAILED,
            "the only expectation that is known here is 100-continue",
        )),
    }
}

fn bad(reason: impl Into<std::borrow::Cow<'static, str>>) -> Refusal {
    Refusal::client(StatusCode::BAD_REQUEST, reason).closing()
}
