use bytes::Bytes;
use http::uri::Authority as UriAuthority;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri, Version};

use super::text::Text;
use super::{
    BAGGAGE, Connect, FORWARDED, TRACEPARENT, X_FORWARDED_NETWORK, X_ISTIO_SOURCE, is_hop_by_hop,
    is_known,
};

impl Connect {
    /// The request to send: a plain CONNECT (RFC 9113 section 8.5), `:method` and `:authority` and our headers.
    ///
    /// What has to be written out shares one allocation; the lines of baggage and the network cost a reference count each.
    pub fn to_request(&self) -> Request<()> {
        let mut text = Text::new();
        let authority_end = text.push(&self.authority);
        let forwarded_end = self
            .forwarded
            .as_ref()
            .map_or(authority_end, |forwarded| text.push(forwarded));
        if let Some(traceparent) = &self.traceparent {
            text.push(traceparent);
        }
        let mut rest = Bytes::from_owner(text);
        let authority = rest.split_to(authority_end);
        let forwarded = rest.split_to(forwarded_end.saturating_sub(authority_end));

        let mut request = Request::new(());
        *request.method_mut() = Method::CONNECT;
        *request.version_mut() = Version::HTTP_2;
        *request.uri_mut() = to_uri(authority);
        *request.headers_mut() = self.headers(forwarded, rest);
        request
    }

    fn headers(&self, forwarded: Bytes, traceparent: Bytes) -> HeaderMap {
        let ours = [
            !self.baggage.is_empty(),
            self.forwarded.is_some(),
            self.origin_network.is_some(),
            self.source.is_some(),
            self.traceparent.is_some(),
        ];
        let mut headers = HeaderMap::with_capacity(ours.into_iter().filter(|&ours| ours).count());
        self.baggage.append_to(&mut headers, &BAGGAGE);
        insert(&mut headers, FORWARDED, forwarded);
        insert(&mut headers, TRACEPARENT, traceparent);
        if let Some(network) = &self.origin_network {
            headers.insert(X_FORWARDED_NETWORK, network.to_header());
        }
        if let Some(source) = self.source {
            headers.insert(X_ISTIO_SOURCE, source.to_header());
        }
        for (name, value) in &self.unknown {
            if is_known(name) || is_hop_by_hop(name) {
                continue;
            }
            // A map holds 32768 names, and nobody takes a head of so many.
            if headers.try_append(name, value.clone()).is_err() {
                break;
            }
        }
        headers
    }
}

/// Every authority is written in characters that a URI takes.
fn to_uri(authority: Bytes) -> Uri {
    UriAuthority::from_maybe_shared(authority)
        .map(Uri::from)
        .unwrap_or_default()
}

/// Inserts a header unless it has no text. What we write is visible ASCII and blanks, which a header value takes.
fn insert(headers: &mut HeaderMap, name: HeaderName, value: Bytes) {
    if value.is_empty() {
        return;
    }
    if let Ok(value) = HeaderValue::from_maybe_shared(value) {
        headers.insert(name, value);
    }
}
