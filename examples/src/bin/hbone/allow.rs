use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::str::FromStr;

use anyhow::{Context, Error, Result, ensure};
use hbone::Hostname;
use hbone::policy::{AllowEntry, DeniedRange, Opening, RESERVED_PORTS};
use ipnet::IpNet;

/// One `--allow NET:PORT[-PORT]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Allow {
    net: IpNet,
    ports: RangeInclusive<u16>,
}

impl Allow {
    /// Whether it is about this address and port.
    pub(crate) fn covers(&self, addr: SocketAddr) -> bool {
        self.net.contains(&addr.ip().to_canonical()) && self.covers_port(addr.port())
    }

    /// Whether it is about this port, at whatever address.
    pub(crate) fn covers_port(&self, port: u16) -> bool {
        self.ports.contains(&port)
    }

    /// The addresses themselves as targets.
    pub(crate) fn addresses(&self) -> AllowEntry {
        AllowEntry::to_addresses([self.net]).at_ports([self.ports.clone()])
    }

    /// A name as target, if it leads there.
    pub(crate) fn name(&self, name: &Hostname) -> AllowEntry {
        AllowEntry::to_names([name.clone()])
            .within([self.net])
            .at_ports([self.ports.clone()])
    }

    /// What of that which is denied to everybody it opens by its name: a range that NET lies wholly in, and a reserved port
    /// that stands alone. `0.0.0.0/0:1-65535` opens nothing of the kind.
    pub(crate) fn openings(&self) -> impl Iterator<Item = Opening> {
        let (first, last) = (self.net.network(), self.net.broadcast());
        let ranges = DeniedRange::all_of(first)
            .filter(move |range| DeniedRange::all_of(last).any(|other| other == *range))
            .map(Opening::Range);
        let (low, high) = (*self.ports.start(), *self.ports.end());
        let port = (low == high && RESERVED_PORTS.contains(&low)).then_some(Opening::Port(low));
        ranges.chain(port)
    }
}

impl FromStr for Allow {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let (net, ports) = match text.strip_prefix('[') {
            Some(rest) => rest
                .split_once("]:")
                .context("the bracket is not closed before a port; write [fd00::/8]:PORT")?,
            None => {
                let parts = text.rsplit_once(':');
                let (net, ports) = parts.context("no port; write NET:PORT or NET:PORT-PORT")?;
                ensure!(
                    !net.contains(':'),
                    "IPv6 stands in brackets; write [fd00::/8]:PORT"
                );
                (net, ports)
            }
        };
        Ok(Self {
            net: read_net(net)?,
            ports: read_ports(ports)?,
        })
    }
}

fn read_net(text: &str) -> Result<IpNet> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Ok(canonical(address.into()));
    }
    let net: IpNet = text
        .parse()
        .with_context(|| format!("{text:?} is no network; write for example 10.0.0.0/8"))?;
    Ok(canonical(net.trunc()))
}

/// IPv4 in the form of IPv6 is IPv4.
fn canonical(net: IpNet) -> IpNet {
    let mapped = match net.network() {
        IpAddr::V6(first) => first.to_ipv4_mapped(),
        IpAddr::V4(_) => None,
    };
    let v4 = mapped
        .zip(net.prefix_len().checked_sub(96))
        .and_then(|(first, prefix)| IpNet::new(first.into(), prefix).ok());
    v4.unwrap_or(net)
}

fn read_ports(text: &str) -> Result<RangeInclusive<u16>> {
    let (low, high) = text.split_once('-').unwrap_or((text, text));
    let (low, high) = (read_port(low)?, read_port(high)?);
    ensure!(
        low <= high,
        "the ports {low}-{high} run backwards; write the lower one first"
    );
    Ok(low..=high)
}

fn read_port(text: &str) -> Result<u16> {
    let is_decimal = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let port = text
        .parse()
        .ok()
        .filter(|&port: &u16| is_decimal && port > 0);
    port.with_context(|| format!("{text:?} is no port; write a number from 1 to 65535"))
}

impl fmt::Display for Allow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.net {
            IpNet::V4(net) => write!(f, "{net}:")?,
            IpNet::V6(net) => write!(f, "[{net}]:")?,
        }
        let (low, high) = (self.ports.start(), self.ports.end());
        write!(f, "{low}")?;
        if low != high {
            write!(f, "-{high}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allow(text: &str) -> Allow {
        text.parse().expect("an --allow")
    }

    #[test]
    fn networks_and_ports_are_read_in_every_form() {
        for (text, shown) in [
            ("10.0.0.0/8:80", "10.0.0.0/8:80"),
            ("10.1.2.3/8:80-90", "10.0.0.0/8:80-90"),
            ("10.1.2.3:80", "10.1.2.3/32:80"),
            ("[fd00::/8]:1-65535", "[fd00::/8]:1-65535"),
            ("[::1]:80", "[::1/128]:80"),
            ("[::ffff:10.0.0.0/104]:80", "10.0.0.0/8:80"),
        ] {
            assert_eq!(allow(text).to_string(), shown);
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            ":",
            "10.0.0.0/8",
            "10.0.0.0/8:",
            "10.0.0.0/33:80",
            "10.0.0/8:80",
            "fd00::/8:80",
            "[fd00::/8]",
            "[fd00::/8:80",
            "[fd00::/129]:80",
            "example.com:80",
            "10.0.0.0/8:0",
            "10.0.0.0/8:65536",
            "10.0.0.0/8:+80",
            "10.0.0.0/8:90-80",
            "10.0.0.0/8:80-",
            "10.0.0.0/8:-80",
            "10.0.0.0/8:80-90-100",
            "10.0.0.0/8:http",
        ] {
            assert!(text.parse::<Allow>().is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_denied_to_everybody_is_opened_by_its_name_alone() {
        let openings = |text| allow(text).openings().collect::<Vec<_>>();
        let loopback = Opening::Range(DeniedRange::Loopback);
        assert_eq!(openings("127.0.0.0/8:80"), [loopback]);
        assert_eq!(openings("127.0.0.1:80"), [loopback]);
        assert_eq!(openings("[::1]:80"), [loopback]);
        assert_eq!(
            openings("127.0.0.1:15008"),
            [loopback, Opening::Port(15008)]
        );
        assert_eq!(
            openings("169.254.169.254:80"),
            [Opening::Range(DeniedRange::Metadata)]
        );
        assert_eq!(
            openings("169.254.0.0/16:80"),
            [Opening::Range(DeniedRange::LinkLocal)],
            "and not the metadata service"
        );
        for text in [
            "0.0.0.0/0:1-65535",
            "[::/0]:1-65535",
            "126.0.0.0/7:80",
            "10.0.0.0/8:15000-15100",
        ] {
            assert_eq!(openings(text), [], "{text}");
        }
    }
}
