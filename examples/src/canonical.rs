use std::net::{IpAddr, SocketAddr};

/// The address as it is everywhere else: a socket for both families writes IPv4 as IPv6 has it (RFC 4291 section 2.5.5.2).
pub(crate) fn canonical(address: SocketAddr) -> SocketAddr {
    match address.ip().to_canonical() {
        IpAddr::V4(four) => SocketAddr::new(four.into(), address.port()),
        // With its scope.
        IpAddr::V6(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ipv4_in_ipv6_is_written_otherwise() {
        for (address, written) in [
            ("[::ffff:10.0.0.1]:80", "10.0.0.1:80"),
            ("10.0.0.1:80", "10.0.0.1:80"),
            ("[fe80::1%7]:80", "[fe80::1%7]:80"),
        ] {
            let address = address.parse().expect("an address");
            assert_eq!(canonical(address).to_string(), written);
        }
    }
}
