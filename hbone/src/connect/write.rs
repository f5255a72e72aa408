use http::{HeaderMap, HeaderValue, Method, Request, Uri, Version};

use super::{
    BAGGAGE, Connect, FORWARDED, TRACEPARENT, X_FORWARDED_NETWORK, X_ISTIO_SOURCE, is_hop_by_hop,
    is_known,
};

impl Connect {
    /// The request to send: a plain CONNECT (RFC 9113 section 8.5), `:method` and `:authority` and our headers.
    pub fn to_request(&self) -> Request<()> {
        let mut request = Request::new(());
        *request.method_mut() = Method::CONNECT;
        *request.version_mut() = Version::HTTP_2;
        *request.uri_mut() = self.uri();
        *request.headers_mut() = self.headers();
        request
    }

    fn uri(&self) -> Uri {
        // Every authority is written in characters that a URI takes.
        Uri::try_from(self.authority.to_string()).unwrap_or_default()
    }

    fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::with_capacity(self.baggage.len() + 4 + self.unknown.len());
        self.baggage.append_to(&mut headers, &BAGGAGE);
        if let Some(value) = self
            .forwarded
            .as_ref()
            .and_then(|value| to_value(value.to_string()))
        {
            headers.insert(FORWARDED, value);
        }
        if let Some(network) = &self.origin_network {
            headers.insert(X_FORWARDED_NETWORK, network.to_header());
        }
        if let Some(source) = self.source {
            headers.insert(X_ISTIO_SOURCE, source.to_header());
        }
        if let Some(value) = self
            .traceparent
            .and_then(|value| to_value(value.to_string()))
        {
            headers.insert(TRACEPARENT, value);
        }
        for (name, value) in &self.unknown {
            if !is_known(name) && !is_hop_by_hop(name) {
                headers.append(name, value.clone());
            }
        }
        headers
    }
}

fn to_value(text: String) -> Option<HeaderValue> {
    HeaderValue::try_from(text).ok()
}
