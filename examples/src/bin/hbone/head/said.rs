use std::str::FromStr;

use anyhow::{Context, Result, anyhow};
use baggage::Limits;
use baggage::istio::PeerAttributes;
use hbone::{Accept, Connect, Forwarded, HeaderValues, Network, Reject, Traceparent};
use http::{HeaderMap, HeaderName, HeaderValue, response};
use serde::{Deserialize, Serialize};

use super::{Field, Head, Message};
use crate::object::{Object, skipped};

/// What a head means, as `decode head` prints it and `encode head` reads it. Of what is read, `stream`, `end_stream`
/// and either `request` or `response` count.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Said {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stream: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    end_stream: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    request: Option<Object<RequestSaid>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    response: Option<Object<ResponseSaid>>,
    #[serde(
        default,
        deserialize_with = "skipped",
        skip_serializing_if = "Option::is_none"
    )]
    peer: Option<PeerAttributes>,
    #[serde(
        default,
        deserialize_with = "skipped",
        skip_serializing_if = "Vec::is_empty"
    )]
    unread: Vec<UnreadSaid>,
    #[serde(
        default,
        deserialize_with = "skipped",
        skip_serializing_if = "Option::is_none"
    )]
    rejected: Option<RejectedSaid>,
    #[serde(default, deserialize_with = "skipped")]
    fields: Vec<FieldSaid>,
}

/// The head of a CONNECT.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RequestSaid {
    authority: String,
    #[serde(default)]
    baggage: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    forwarded: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    origin_network: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    source: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    traceparent: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    unknown: Vec<Object<FieldSaid>>,
}

/// The head of an answer.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ResponseSaid {
    status: u16,
    #[serde(default)]
    baggage: Vec<String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FieldSaid {
    name: String,
    value: String,
}

#[derive(Debug, Serialize)]
struct UnreadSaid {
    header: &'static str,
    reason: String,
}

#[derive(Debug, Serialize)]
struct RejectedSaid {
    status: u16,
    reason: String,
}

impl Said {
    /// What a head was found to mean.
    pub(crate) fn new(head: &Head, message: &Message) -> Self {
        let mut said = Self {
            stream: head.stream.map(|(stream, _)| stream),
            end_stream: head.stream.map(|(_, end)| end),
            fields: head.fields.iter().map(FieldSaid::from).collect(),
            ..Self::default()
        };
        match message {
            Message::Request(Ok(connect)) => {
                said.peer = peer(&connect.baggage);
                said.unread = unread(connect);
                said.request = Some(Object(RequestSaid::from(&**connect)));
            }
            Message::Request(Err(reject)) => said.rejected = Some(RejectedSaid::from(reject)),
            Message::Response(parts) => {
                let baggage = HeaderValues::from_map(&parts.headers, &BAGGAGE);
                said.peer = peer(&baggage);
                said.response = Some(Object(ResponseSaid {
                    status: parts.status.as_u16(),
                    baggage: lines(&baggage),
                }));
            }
        }
        said
    }

    /// The first thing that a server would not take as it stands.
    pub(crate) fn complaint(&self) -> Option<String> {
        if let Some(rejected) = &self.rejected {
            return Some(format!(
                "a server answers {}: {}",
                rejected.status, rejected.reason
            ));
        }
        let unread = self.unread.first()?;
        Some(format!(
            "`{}` is not read: {}",
            unread.header, unread.reason
        ))
    }

    /// The head that says this.
    pub(crate) fn to_head(&self) -> Result<Head> {
        let fields = match (&self.request, &self.response) {
            (Some(Object(request)), None) => request.fields()?,
            (None, Some(Object(response))) => response.fields()?,
            _ => return Err(anyhow!("give either \"request\" or \"response\"")),
        };
        let stream = self
            .stream
            .map(|stream| (stream, self.end_stream.unwrap_or_default()));
        if stream.is_some_and(|(stream, _)| stream == 0 || stream > i32::MAX.unsigned_abs()) {
            return Err(anyhow!("\"stream\" is a number from 1 to {}", i32::MAX));
        }
        Ok(Head { fields, stream })
    }
}

impl RequestSaid {
    fn fields(&self) -> Result<Vec<Field>> {
        let mut connect = Connect::new(read("authority", &self.authority)?);
        connect.baggage = header_values(&self.baggage)?;
        connect.forwarded = self.forwarded.as_deref().map(forwarded).transpose()?;
        connect.origin_network =
            optional::<Network>("origin_network", self.origin_network.as_deref())?;
        connect.traceparent = optional::<Traceparent>("traceparent", self.traceparent.as_deref())?;
        connect.source = self
            .source
            .as_deref()
            .map(|source| {
                let value = HeaderValue::from_str(source).map_err(anyhow::Error::from)?;
                hbone::IstioSource::from_header(&value).map_err(anyhow::Error::from)
            })
            .transpose()
            .context("\"source\"")?;
        for Object(field) in &self.unknown {
            let name = HeaderName::from_str(&field.name)
                .with_context(|| format!("the name `{}`", field.name))?;
            connect
                .unknown
                .try_append(name, header_value(&field.value)?)?;
        }
        let (head, ()) = connect.to_request().into_parts();
        let authority = head
            .uri
            .authority()
            .map(http::uri::Authority::as_str)
            .unwrap_or_default();
        Ok(fields(
            &[(":method", "CONNECT"), (":authority", authority)],
            &head.headers,
        ))
    }
}

impl ResponseSaid {
    fn fields(&self) -> Result<Vec<Field>> {
        let status = http::StatusCode::from_u16(self.status)
            .map_err(|_| anyhow!("\"status\" is {}; give one from 100 to 999", self.status))?;
        let mut answer = Accept::new(header_values(&self.baggage)?).to_response();
        *answer.status_mut() = status;
        let (head, ()): (response::Parts, ()) = answer.into_parts();
        Ok(fields(&[(":status", head.status.as_str())], &head.headers))
    }
}

impl From<&Connect> for RequestSaid {
    fn from(connect: &Connect) -> Self {
        Self {
            authority: connect.authority.to_string(),
            baggage: lines(&connect.baggage),
            forwarded: connect.forwarded.as_ref().map(ToString::to_string),
            origin_network: connect.origin_network.as_ref().map(ToString::to_string),
            source: connect.source.map(|source| source.to_string()),
            traceparent: connect
                .traceparent
                .map(|traceparent| traceparent.to_string()),
            unknown: connect
                .unknown
                .iter()
                .map(|(name, value)| {
                    Object(FieldSaid {
                        name: name.to_string(),
                        value: text(value.as_bytes()),
                    })
                })
                .collect(),
        }
    }
}

impl From<&Field> for FieldSaid {
    fn from(field: &Field) -> Self {
        Self {
            name: text(&field.name),
            value: text(&field.value),
        }
    }
}

impl From<&Reject> for RejectedSaid {
    fn from(reject: &Reject) -> Self {
        Self {
            status: reject.status().as_u16(),
            reason: reject.to_string(),
        }
    }
}

const BAGGAGE: HeaderName = HeaderName::from_static("baggage");

fn peer(baggage: &HeaderValues) -> Option<PeerAttributes> {
    PeerAttributes::parse(baggage.iter().map(HeaderValue::as_bytes), &Limits::new())
}

fn unread(connect: &Connect) -> Vec<UnreadSaid> {
    let unread = &connect.unread;
    [
        ("forwarded", unread.forwarded),
        ("traceparent", unread.traceparent),
        ("x-forwarded-network", unread.origin_network),
        ("x-istio-source", unread.source),
    ]
    .into_iter()
    .filter_map(|(header, reason)| {
        Some(UnreadSaid {
            header,
            reason: reason?.to_string(),
        })
    })
    .collect()
}

fn lines(values: &HeaderValues) -> Vec<String> {
    values.iter().map(|line| text(line.as_bytes())).collect()
}

/// Octets that are not UTF-8 are shown as U+FFFD.
fn text(octets: &[u8]) -> String {
    String::from_utf8_lossy(octets).into_owned()
}

fn header_values(lines: &[String]) -> Result<HeaderValues> {
    lines
        .iter()
        .map(|line| header_value(line))
        .collect::<Result<Vec<_>>>()
        .map(HeaderValues::from_iter)
}

fn header_value(line: &str) -> Result<HeaderValue> {
    HeaderValue::from_bytes(line.as_bytes())
        .with_context(|| format!("`{line}` cannot stand in a header"))
}

fn forwarded(line: &str) -> Result<Forwarded> {
    Forwarded::from_lines([&header_value(line)?]).context("\"forwarded\"")
}

fn optional<T: FromStr<Err: std::error::Error + Send + Sync + 'static>>(
    key: &str,
    text: Option<&str>,
) -> Result<Option<T>> {
    text.map(|text| read(key, text)).transpose()
}

fn read<T: FromStr<Err: std::error::Error + Send + Sync + 'static>>(
    key: &str,
    text: &str,
) -> Result<T> {
    text.parse()
        .with_context(|| format!("\"{key}\" is `{text}`"))
}

fn fields(pseudo: &[(&str, &str)], headers: &HeaderMap) -> Vec<Field> {
    let headers = headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_bytes()));
    pseudo
        .iter()
        .map(|&(name, value)| (name, value.as_bytes()))
        .chain(headers)
        .map(|(name, value)| Field {
            name: name.into(),
            value: value.into(),
            place: String::new(),
        })
        .collect()
}
