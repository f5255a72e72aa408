use std::fmt;
use std::marker::PhantomData;
use std::net::IpAddr;

use hbone::mesh::{NamespacedHostname, NetworkAddress};
use hbone::{Network, TrustDomain};
use ipnet::{IpNet, Ipv4Net};
use serde::de::{Deserialize, Deserializer, Error, Visitor};

use super::document::{Destination, Gateway};
use super::host::Host;

/// A text of the document that means something, read where it stands so that an error knows its line.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Parsed<T>(pub(super) T);

/// What can be read from a text of the document.
pub(super) trait Text: Sized {
    /// What the text has to be.
    const EXPECTED: &'static str;

    fn read(text: &str) -> Result<Self, String>;
}

impl<'de, T: Text> Deserialize<'de> for Parsed<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TextVisitor(PhantomData))
    }
}

struct TextVisitor<T>(PhantomData<T>);

impl<T: Text> Visitor<'_> for TextVisitor<T> {
    type Value = Parsed<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::EXPECTED)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        T::read(text)
            .map(Parsed)
            .map_err(|reason| E::custom(format_args!("{text:?} is not {}: {reason}", T::EXPECTED)))
    }
}

/// Any.
impl Text for String {
    const EXPECTED: &'static str = "a text";

    fn read(text: &str) -> Result<Self, String> {
        Ok(text.to_owned())
    }
}

impl Text for IpAddr {
    const EXPECTED: &'static str = "an IP address";

    fn read(text: &str) -> Result<Self, String> {
        let address: Self = text
            .parse()
            .map_err(|_| "write it as 10.0.0.1 or fd00::1")?;
        Ok(address.to_canonical())
    }
}

impl Text for IpNet {
    const EXPECTED: &'static str = "a range of IP addresses";

    fn read(text: &str) -> Result<Self, String> {
        let range = text
            .parse()
            .or_else(|_| text.parse().map(|ip: IpAddr| ip.into()));
        let range = range.map_err(|_| "write it as 10.0.0.0/8 or fd00::/8")?;
        Ok(canonical(range))
    }
}

/// A range of IPv4 addresses that are written as IPv6 has them (RFC 4291, section 2.5.5.2) is one of IPv4, as such an address is.
fn canonical(range: IpNet) -> IpNet {
    /// Of the 128 bits, those before the IPv4 address.
    const BEFORE: u8 = 96;
    if let IpNet::V6(six) = range
        && let Some(length) = six.prefix_len().checked_sub(BEFORE)
        && let Some(four) = six.addr().to_ipv4_mapped()
    {
        // 32 at most.
        return Ipv4Net::new(four, length).map_or(range, Into::into);
    }
    range
}

impl Text for Network {
    const EXPECTED: &'static str = "the name of a network";

    fn read(text: &str) -> Result<Self, String> {
        Self::parse(text).map_err(|error| error.to_string())
    }
}

/// A trust domain, or nothing.
impl Text for Option<TrustDomain> {
    const EXPECTED: &'static str = "a trust domain";

    fn read(text: &str) -> Result<Self, String> {
        match text {
            "" => Ok(None),
            text => TrustDomain::new(text)
                .map(Some)
                .map_err(|error| error.to_string()),
        }
    }
}

impl Text for NetworkAddress {
    const EXPECTED: &'static str = "an address of the form NETWORK/IP";

    fn read(text: &str) -> Result<Self, String> {
        let (network, ip) = text
            .split_once('/')
            .ok_or("there is no slash; the unnamed network is written /10.0.0.1")?;
        Ok(Self::new(Network::read(network)?, IpAddr::read(ip)?))
    }
}

impl Text for NamespacedHostname {
    const EXPECTED: &'static str = "a name of the form NAMESPACE/HOSTNAME";

    fn read(text: &str) -> Result<Self, String> {
        let (namespace, hostname) = text.split_once('/').ok_or("there is no slash")?;
        Ok(Self::new(namespace, Host::read(hostname)?.name))
    }
}

impl Text for Gateway {
    const EXPECTED: &'static str = "of the form NETWORK/IP or NAMESPACE/HOSTNAME";

    fn read(text: &str) -> Result<Self, String> {
        let destination = match NetworkAddress::read(text) {
            Ok(address) => Destination::Address(address),
            Err(_) => Destination::Name(NamespacedHostname::read(text)?),
        };
        Ok(Self {
            destination,
            written: text.to_owned(),
        })
    }
}
