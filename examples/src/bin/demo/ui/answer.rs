use std::time::Duration;

use anyhow::{Context, Result, ensure};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{ALLOW, HeaderName, HeaderValue};
use hyper::{HeaderMap, Method, Request, Response, StatusCode, header};
use percent_encoding::percent_decode_str;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::guard::Guard;
use super::page::Page;
use super::server::Server;
use super::state::State;
use super::switches::Condition;
use super::way::Way;

const HTML: &str = "text/html; charset=utf-8";
const JSON: &str = "application/json";
const PLAIN: &str = "text/plain; charset=utf-8";
/// The most that is read of what is sent to a switch.
const MOST: usize = 1 << 10;
/// How long a slow endpoint holds its answers back.
const SLOW: Duration = Duration::from_millis(400);

/// What `POST /baggage` takes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Baggage {
    on: bool,
}

/// What `POST /endpoint` takes. What it does not tell stays as it is.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Endpoint {
    name: String,
    stopped: Option<bool>,
    slow: Option<bool>,
}

impl Server {
    /// Answers a request, whatever it is.
    pub(super) async fn answer(
        &self,
        guard: Guard,
        request: Request<Incoming>,
    ) -> Response<Full<Bytes>> {
        if let Err(foreign) = guard.check(request.method(), request.uri(), request.headers()) {
            return text(StatusCode::FORBIDDEN, foreign.reason());
        }
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let reads = matches!(method, Method::GET | Method::HEAD);
        match (path.as_str(), reads, method == Method::POST) {
            ("/", true, _) => self.page(),
            ("/state", true, _) => json(&State::new(
                &self.picture,
                &self.switches,
                self.scraper.rates(),
            )),
            ("/hops", true, _) => self.hops(request.uri().query().unwrap_or_default()),
            ("/baggage", _, true) => self.switch_baggage(request).await,
            ("/endpoint", _, true) => self.switch_endpoint(request).await,
            ("/" | "/state" | "/hops", ..) => not_allowed("GET, HEAD"),
            ("/baggage" | "/endpoint", ..) => not_allowed("POST"),
            _ => text(
                StatusCode::NOT_FOUND,
                "there is nothing here; the page is at /\n",
            ),
        }
    }

    fn page(&self) -> Response<Full<Bytes>> {
        let policy = |page: Page| Ok((HeaderValue::try_from(page.policy)?, page.html));
        match Page::new(self.random).and_then(policy) {
            Ok((policy, html)) => {
                let mut response = response(StatusCode::OK, HTML, html);
                let headers = response.headers_mut();
                headers.insert(header::CONTENT_SECURITY_POLICY, policy);
                response
            }
            Err(error) => text(StatusCode::INTERNAL_SERVER_ERROR, format!("{error:#}\n")),
        }
    }

    /// `source=NODE&destination=NODE`, percent-encoded.
    fn hops(&self, query: &str) -> Response<Full<Bytes>> {
        let value = |name: &str| {
            let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            let (_, value) = pairs.into_iter().find(|(key, _)| *key == name)?;
            percent_decode_str(value).decode_utf8().ok()
        };
        let (Some(source), Some(destination)) = (value("source"), value("destination")) else {
            return text(
                StatusCode::BAD_REQUEST,
                "say ?source=NODE&destination=NODE\n",
            );
        };
        json(&Way::between(
            &self.picture,
            self.seen.traces(),
            &source,
            &destination,
        ))
    }

    async fn switch_baggage(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        match read::<Baggage>(request).await {
            Ok(wanted) => {
                self.switches.set_baggage(wanted.on);
                done()
            }
            Err(error) => text(StatusCode::BAD_REQUEST, format!("{error:#}\n")),
        }
    }

    async fn switch_endpoint(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let wanted = match read::<Endpoint>(request).await {
            Ok(wanted) => wanted,
            Err(error) => return text(StatusCode::BAD_REQUEST, format!("{error:#}\n")),
        };
        let change = |condition: &mut Condition| {
            condition.stopped = wanted.stopped.unwrap_or(condition.stopped);
            if let Some(slow) = wanted.slow {
                condition.delay = if slow { SLOW } else { Duration::ZERO };
            }
        };
        match self.switches.change_endpoint(&wanted.name, change) {
            true => done(),
            false => text(StatusCode::NOT_FOUND, "there is no endpoint of this name\n"),
        }
    }
}

async fn read<T: DeserializeOwned>(request: Request<Incoming>) -> Result<T> {
    let body = Limited::new(request.into_body(), MOST).collect().await;
    let body = body.map_err(anyhow::Error::from_boxed)?.to_bytes();
    parse(&body)
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T> {
    // Serde would take the values in a list, too.
    let is_object = body.trim_ascii_start().first() == Some(&b'{');
    ensure!(is_object, "this switch takes a JSON object");
    serde_json::from_slice(body).context("not what this switch takes")
}

fn json(value: &impl Serialize) -> Response<Full<Bytes>> {
    match serde_json::to_vec(value) {
        Ok(body) => response(StatusCode::OK, JSON, body),
        Err(error) => text(StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")),
    }
}

fn done() -> Response<Full<Bytes>> {
    response(StatusCode::NO_CONTENT, PLAIN, "")
}

fn not_allowed(allowed: &'static str) -> Response<Full<Bytes>> {
    let mut response = text(StatusCode::METHOD_NOT_ALLOWED, format!("{allowed} only\n"));
    let headers = response.headers_mut();
    headers.insert(ALLOW, HeaderValue::from_static(allowed));
    response
}

fn text(status: StatusCode, text: impl Into<Bytes>) -> Response<Full<Bytes>> {
    response(status, PLAIN, text)
}

fn response(
    status: StatusCode,
    kind: &'static str,
    body: impl Into<Bytes>,
) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    *response.headers_mut() = HeaderMap::from_iter(
        [
            (header::CONTENT_TYPE, kind),
            (header::CACHE_CONTROL, "no-store"),
            (header::REFERRER_POLICY, "no-referrer"),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (
                HeaderName::from_static("cross-origin-opener-policy"),
                "same-origin",
            ),
            (
                HeaderName::from_static("cross-origin-resource-policy"),
                "same-origin",
            ),
        ]
        .map(|(name, value)| (name, HeaderValue::from_static(value))),
    );
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_switch_takes_an_object_of_what_it_knows() {
        assert!(parse::<Baggage>(b" {\"on\": true}").is_ok_and(|wanted| wanted.on));
        let one = parse::<Endpoint>(br#"{"name": "one", "slow": true}"#).unwrap();
        assert_eq!((one.stopped, one.slow), (None, Some(true)));
        for body in [
            &b"[true]"[..],
            b"true",
            b"",
            b"{}",
            br#"{"on": true, "off": true}"#,
            br#"{"on": true, "on": true}"#,
        ] {
            assert!(parse::<Baggage>(body).is_err(), "{body:?}");
        }
    }
}
