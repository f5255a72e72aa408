use anyhow::{Result, anyhow, bail};
use baggage::Sanitized;
use hbone::{Authority, Connect, ConnectOptions, Reject};
use http::uri::Authority as UriAuthority;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri, response,
};

/// A line of a head.
#[derive(Clone, Debug)]
pub(crate) struct Field {
    pub(crate) name: Vec<u8>,
    pub(crate) value: Vec<u8>,
    /// Where it stands, for messages.
    pub(crate) place: String,
}

/// What a head is.
#[derive(Debug)]
pub(crate) enum Message {
    /// A request, or why a server refuses it.
    Request(Result<Box<Connect>, Reject>),
    /// An answer.
    Response(Box<response::Parts>),
}

/// Reads the fields of a head by the rules of HTTP/2 (RFC 9113 sections 8.2 and 8.3).
pub(crate) fn read(fields: &[Field]) -> Result<Message> {
    let mut pseudo = Pseudo::default();
    let mut headers = HeaderMap::new();
    for field in fields {
        let name = String::from_utf8_lossy(&field.name);
        let bad = |reason: &str| anyhow!("{}, `{}`: {reason}", field.place, Sanitized::new(&name));
        if name.starts_with(':') {
            if !headers.is_empty() {
                return Err(bad("pseudo-headers stand before all others"));
            }
            let slot = pseudo
                .slot(&name)
                .ok_or_else(|| bad("HTTP/2 has no such pseudo-header"))?;
            if slot.replace(field).is_some() {
                return Err(bad("a pseudo-header stands there once"));
            }
            continue;
        }
        if field.name.iter().any(u8::is_ascii_uppercase) {
            return Err(bad("HTTP/2 writes names in lower case"));
        }
        let name = HeaderName::from_bytes(&field.name).map_err(|_| bad("no name of a header"))?;
        let value =
            HeaderValue::from_bytes(&field.value).map_err(|_| bad("no value of a header"))?;
        if is_connection_specific(&name, &value) {
            return Err(bad("HTTP/2 has no headers of a connection"));
        }
        headers
            .try_append(name, value)
            .map_err(|_| bad("more headers than any server takes"))?;
    }
    pseudo.message(headers)
}

#[derive(Debug, Default)]
struct Pseudo<'a> {
    authority: Option<&'a Field>,
    method: Option<&'a Field>,
    path: Option<&'a Field>,
    protocol: Option<&'a Field>,
    scheme: Option<&'a Field>,
    status: Option<&'a Field>,
}

impl<'a> Pseudo<'a> {
    fn slot(&mut self, name: &str) -> Option<&mut Option<&'a Field>> {
        Some(match name {
            ":authority" => &mut self.authority,
            ":method" => &mut self.method,
            ":path" => &mut self.path,
            ":protocol" => &mut self.protocol,
            ":scheme" => &mut self.scheme,
            ":status" => &mut self.status,
            _ => return None,
        })
    }

    fn message(&self, headers: HeaderMap) -> Result<Message> {
        match (self.method, self.status) {
            (Some(method), None) => Ok(Message::Request(
                self.request(method, headers).map(Box::new),
            )),
            (None, Some(status)) if self.is_answer() => {
                let code = StatusCode::from_bytes(&status.value).map_err(|_| {
                    anyhow!("{}, `:status`: not a status from 100 to 999", status.place)
                })?;
                let mut response = Response::new(());
                *response.status_mut() = code;
                *response.headers_mut() = headers;
                Ok(Message::Response(Box::new(response.into_parts().0)))
            }
            (None, None) => bail!(
                "neither `:method` nor `:status`; the head of a request begins with one, that of an answer with the other"
            ),
            _ => bail!(
                "`:status` among the pseudo-headers of a request; give one head, or an empty line between two"
            ),
        }
    }

    fn is_answer(&self) -> bool {
        [self.authority, self.path, self.protocol, self.scheme]
            .iter()
            .all(Option::is_none)
    }

    fn request(&self, method: &Field, headers: HeaderMap) -> Result<Connect, Reject> {
        if method.value != Method::CONNECT.as_str().as_bytes() {
            return Err(Reject::NotConnect);
        }
        let authority = self.authority.ok_or(Reject::MissingAuthority)?;
        if [self.path, self.protocol, self.scheme]
            .iter()
            .any(Option::is_some)
        {
            return Err(Reject::ExtendedConnect);
        }
        let text = String::from_utf8_lossy(&authority.value);
        text.parse::<Authority>()?;
        let mut request = Request::new(());
        *request.method_mut() = Method::CONNECT;
        // What is an authority to us is one to a URI.
        *request.uri_mut() = UriAuthority::try_from(&*text)
            .map(Uri::from)
            .unwrap_or_default();
        *request.headers_mut() = headers;
        Connect::from_parts(
            &request.into_parts().0,
            ConnectOptions::new().with_keep_unknown(true),
        )
    }
}

/// RFC 9113 section 8.2.2.
fn is_connection_specific(name: &HeaderName, value: &HeaderValue) -> bool {
    let names = [
        "connection",
        "keep-alive",
        "proxy-connection",
        "transfer-encoding",
        "upgrade",
    ];
    names.contains(&name.as_str()) || name == "te" && value != "trailers"
}
