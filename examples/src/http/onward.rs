//! The head of a request, as it goes on to a server.

use http::header::{COOKIE, HOST};
use http::request::Parts;
use http::uri::{PathAndQuery, Scheme};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, Version};

use super::{Client, Host, Meant, Refusal, hop_by_hop, hops};

/// Says whom the request is for in the way of the version in which it goes on.
pub(super) fn address(
    parts: &mut Parts,
    version: Version,
    host: Option<&Host>,
    meant: &Meant,
    client: &Client,
) -> Result<(), Refusal> {
    let authority = match host {
        Some(host) => host.as_written().clone(),
        None => meant
            .authority()
            .ok_or_else(|| Refusal::client(StatusCode::BAD_REQUEST, "the request names no host"))?,
    };
    let target = parts.uri.path_and_query().cloned();
    let target = target.unwrap_or_else(|| PathAndQuery::from_static("/"));
    let mut uri = http::uri::Parts::default();
    uri.path_and_query = Some(target);
    if version == Version::HTTP_2 {
        uri.scheme = Some(match client.scheme {
            Some("https") => Scheme::HTTPS,
            _ => Scheme::HTTP,
        });
        uri.authority = Some(authority);
    } else {
        let host = HeaderValue::from_str(authority.as_str());
        let odd = |_| Refusal::client(StatusCode::BAD_REQUEST, "an odd host");
        parts.headers.insert(HOST, host.map_err(odd)?);
        join_cookies(&mut parts.headers);
    }
    let odd = |_| Refusal::client(StatusCode::BAD_REQUEST, "an odd target");
    parts.uri = Uri::from_parts(uri).map_err(odd)?;
    parts.version = version;
    hop_by_hop::dress(&mut parts.headers, version);
    at_the_edge(&mut parts.headers, client);
    hops::count(&mut parts.headers, client.scheme.is_some())
}

/// HTTP/2 may split what HTTP/1 has in one line (RFC 9113 section 8.2.3).
fn join_cookies(headers: &mut HeaderMap) {
    let all: Vec<_> = headers
        .get_all(COOKIE)
        .iter()
        .map(HeaderValue::as_bytes)
        .collect();
    if all.len() > 1
        && let Ok(joined) = HeaderValue::from_bytes(&all.join(&b"; "[..]))
    {
        headers.insert(COOKIE, joined);
    }
}

/// Where the mesh begins, nobody is believed about who he is: we know that ourselves.
fn at_the_edge(headers: &mut HeaderMap, client: &Client) {
    headers.remove("x-forwarded-client-cert");
    let Some(scheme) = client.scheme else {
        return;
    };
    for name in [
        "client-ip",
        "forwarded",
        "true-client-ip",
        "x-client-ip",
        "x-cluster-client-ip",
        "x-forwarded-host",
        "x-forwarded-port",
        "x-real-ip",
    ] {
        headers.remove(name);
    }
    // What proxies of the mesh tell each other, and believe.
    let is_theirs = |name: &&HeaderName| {
        ["x-envoy-", "x-istio-"]
            .iter()
            .any(|of| name.as_str().starts_with(of))
    };
    let theirs: Vec<HeaderName> = headers.keys().filter(is_theirs).cloned().collect();
    for name in theirs {
        headers.remove(name);
    }
    if let Ok(address) = HeaderValue::from_str(&client.address.ip().to_canonical().to_string()) {
        headers.insert("x-forwarded-for", address);
    }
    headers.insert("x-forwarded-proto", HeaderValue::from_static(scheme));
}
