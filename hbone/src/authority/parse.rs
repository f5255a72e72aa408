use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::num::NonZeroU16;

use super::{Authority, AuthorityError};
use crate::Hostname;

/// The longest host name, its trailing dot, a colon and five digits.
const MAX_LEN: usize = 253 + 1 + 1 + 5;

pub(super) fn authority(text: &str) -> Result<Authority, AuthorityError> {
    let (host, port) = split(text)?;
    let host = Host::parse(host)?;
    let port = parse_port(port.ok_or(AuthorityError::MissingPort)?)?;
    Ok(match host {
        Host::Ip(ip) => Authority::Addr(SocketAddr::new(ip, port.get())),
        Host::Name(host) => Authority::Name { host, port },
    })
}

/// What stands before the port.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Host {
    Ip(IpAddr),
    Name(Hostname),
}

impl Host {
    /// Reads the `host` or `host:port` of a `host` header, in which the port may be left out.
    pub(crate) fn parse_with_port(
        text: &str,
    ) -> Result<(Self, Option<NonZeroU16>), AuthorityError> {
        let (host, port) = split(text)?;
        Ok((Self::parse(host)?, port.map(parse_port).transpose()?))
    }

    fn parse(text: &str) -> Result<Self, AuthorityError> {
        if let Some(bracketed) = text.strip_prefix('[') {
            let inner = bracketed
                .strip_suffix(']')
                .ok_or(AuthorityError::UnbalancedBrackets)?;
            let ip: Ipv6Addr = inner.parse().map_err(|_| AuthorityError::BadIpv6)?;
            return Ok(Self::Ip(ip.to_canonical()));
        }
        // The standard library takes four plain decimal numbers and nothing else: no octal, no hex, no fewer parts.
        if let Ok(ip) = text.parse::<Ipv4Addr>() {
            return Ok(Self::Ip(ip.into()));
        }
        Ok(Self::Name(Hostname::parse(text)?))
    }
}

/// Splits host and port, after refusing what can stand in neither.
fn split(text: &str) -> Result<(&str, Option<&str>), AuthorityError> {
    if text.is_empty() {
        return Err(AuthorityError::Empty);
    }
    if text.len() > MAX_LEN {
        return Err(AuthorityError::TooLong);
    }
    for byte in text.bytes() {
        match byte {
            b'@' => return Err(AuthorityError::Userinfo),
            b'/' => return Err(AuthorityError::Path),
            b'?' => return Err(AuthorityError::Query),
            b'#' => return Err(AuthorityError::Fragment),
            0..=b' ' | 0x7f => return Err(AuthorityError::ControlOrBlank),
            0x80.. => return Err(AuthorityError::NonAscii),
            _ => {}
        }
    }
    if text.starts_with('[') {
        return split_bracketed(text);
    }
    if text.contains(['[', ']']) {
        return Err(AuthorityError::UnbalancedBrackets);
    }
    match text.split_once(':') {
        None => Ok((text, None)),
        Some((host, port)) if !port.contains(':') => Ok((host, Some(port))),
        Some(_) => Err(too_many_colons(text)),
    }
}

fn split_bracketed(text: &str) -> Result<(&str, Option<&str>), AuthorityError> {
    let (inner, rest) = text
        .split_once(']')
        .ok_or(AuthorityError::UnbalancedBrackets)?;
    if inner.contains('%') {
        return Err(AuthorityError::ZoneId);
    }
    let host = text
        .get(..inner.len().saturating_add(1))
        .ok_or(AuthorityError::UnbalancedBrackets)?;
    if rest.is_empty() {
        return Ok((host, None));
    }
    let port = rest
        .strip_prefix(':')
        .ok_or(AuthorityError::UnbalancedBrackets)?;
    Ok((host, Some(port)))
}

/// Tells an IPv6 address that lacks its brackets from a second port.
fn too_many_colons(text: &str) -> AuthorityError {
    let (address, zone) = match text.split_once('%') {
        Some((address, _)) => (address, true),
        None => (text, false),
    };
    let without_port = address.rsplit_once(':').map_or("", |(host, _)| host);
    let is_ipv6 = address.parse::<Ipv6Addr>().is_ok() || without_port.parse::<Ipv6Addr>().is_ok();
    match (is_ipv6, zone) {
        (true, true) => AuthorityError::ZoneId,
        (true, false) => AuthorityError::UnbracketedIpv6,
        (false, _) => AuthorityError::TooManyColons,
    }
}

fn parse_port(text: &str) -> Result<NonZeroU16, AuthorityError> {
    if text.is_empty() {
        return Err(AuthorityError::MissingPort);
    }
    if text.starts_with(['+', '-']) {
        return Err(AuthorityError::PortSign);
    }
    if text.starts_with("0x") || text.starts_with("0X") {
        return Err(AuthorityError::PortHex);
    }
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(AuthorityError::PortNotDecimal);
    }
    if text == "0" {
        return Err(AuthorityError::PortZero);
    }
    if text.starts_with('0') {
        return Err(AuthorityError::PortLeadingZero);
    }
    text.parse().map_err(|_| AuthorityError::PortOutOfRange)
}
