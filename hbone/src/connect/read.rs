use http::header::HOST;
use http::{HeaderMap, HeaderName, HeaderValue, Method, request};

use super::{
    BAGGAGE, Connect, ConnectOptions, FORWARDED, TRACEPARENT, Unread, UnreadReason,
    X_FORWARDED_NETWORK, X_ISTIO_SOURCE, is_hop_by_hop, is_known,
};
use crate::authority::Host;
use crate::forwarded::ForwardedError;
use crate::{Authority, Forwarded, HeaderValues, IstioSource, Network, Reject, Traceparent};

impl Connect {
    /// Reads a request head.
    ///
    /// # Errors
    ///
    /// The head is not that of a CONNECT, its authority is no authority, or it goes in a circle: see the table at [`Connect`].
    pub fn from_parts(parts: &request::Parts, options: ConnectOptions) -> Result<Self, Reject> {
        if parts.method != Method::CONNECT {
            return Err(Reject::NotConnect);
        }
        let authority = parts.uri.authority().ok_or(Reject::MissingAuthority)?;
        // `:protocol` comes together with these two (RFC 8441 section 4).
        if parts.uri.scheme().is_some() || parts.uri.path_and_query().is_some() {
            return Err(Reject::ExtendedConnect);
        }
        let authority = Authority::try_from(authority)?;
        let headers = &parts.headers;
        check_host(headers, &authority)?;

        let mut unread = Unread::default();
        let forwarded = read_forwarded(headers, &mut unread.forwarded);
        check_loop(forwarded.as_ref(), unread.forwarded, options)?;
        Ok(Self {
            authority,
            baggage: HeaderValues::from_map(headers, &BAGGAGE),
            forwarded,
            origin_network: read_one(
                headers,
                &X_FORWARDED_NETWORK,
                Network::from_header,
                &mut unread.origin_network,
            ),
            source: read_one(
                headers,
                &X_ISTIO_SOURCE,
                IstioSource::from_header,
                &mut unread.source,
            ),
            traceparent: read_one(
                headers,
                &TRACEPARENT,
                Traceparent::from_header,
                &mut unread.traceparent,
            ),
            unknown: read_unknown(headers, options),
            unread,
        })
    }
}

/// A `host` may be there (RFC 9113 section 8.3.1); it must then name the same host, and the same port if it names one.
fn check_host(headers: &HeaderMap, authority: &Authority) -> Result<(), Reject> {
    let mut lines = headers.get_all(HOST).iter();
    let Some(line) = lines.next() else {
        return Ok(());
    };
    let agrees = line
        .to_str()
        .ok()
        .and_then(|text| Host::parse_with_port(text).ok())
        .is_some_and(|(host, port)| {
            let same_host = match authority {
                Authority::Addr(addr) => host == Host::Ip(addr.ip()),
                Authority::Name { host: name, .. } => host == Host::Name(name.clone()),
            };
            same_host && port.is_none_or(|port| port.get() == authority.port())
        });
    if !agrees || lines.next().is_some() {
        return Err(Reject::HostMismatch);
    }
    Ok(())
}

fn read_forwarded(headers: &HeaderMap, unread: &mut Option<UnreadReason>) -> Option<Forwarded> {
    if !headers.contains_key(FORWARDED) {
        return None;
    }
    Forwarded::from_lines(headers.get_all(FORWARDED))
        .map_err(|error| *unread = Some(error.into()))
        .ok()
}

/// Each proxy on the way adds an element, so a list that grows too long goes round in a circle.
fn check_loop(
    forwarded: Option<&Forwarded>,
    unread: Option<UnreadReason>,
    options: ConnectOptions,
) -> Result<(), Reject> {
    let Some(most) = options.max_forwarded else {
        return Ok(());
    };
    let is_endless = unread == Some(UnreadReason::Forwarded(ForwardedError::TooLong));
    if is_endless || forwarded.is_some_and(|forwarded| forwarded.elements().len() > most) {
        return Err(Reject::Loop);
    }
    Ok(())
}

/// Reads a header of one value.
fn read_one<T, E: Into<UnreadReason>>(
    headers: &HeaderMap,
    name: &HeaderName,
    read: impl Fn(&HeaderValue) -> Result<T, E>,
    unread: &mut Option<UnreadReason>,
) -> Option<T> {
    let mut lines = headers.get_all(name).iter();
    let line = lines.next()?;
    if lines.next().is_some() {
        *unread = Some(UnreadReason::Repeated);
        return None;
    }
    read(line)
        .map_err(|error| *unread = Some(error.into()))
        .ok()
}

fn read_unknown(headers: &HeaderMap, options: ConnectOptions) -> HeaderMap {
    if !options.keep_unknown {
        return HeaderMap::new();
    }
    headers
        .iter()
        .filter(|(name, _)| !is_known(name) && !is_hop_by_hop(name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}
