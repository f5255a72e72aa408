use std::io;
use std::net::SocketAddr;

use hbone::Identity;
use ppp::v2::{Builder, Command, Protocol, Version};

use crate::canonical::canonical;

/// The PROXY header, version 2, that tells an application's tunnel where a connection came from and was going, and who the
/// client proved to be.
pub(crate) fn proxy_header(
    client: SocketAddr,
    destination: SocketAddr,
    source: Option<&Identity>,
) -> io::Result<Vec<u8>> {
    let addresses = (canonical(client), canonical(destination));
    let header =
        Builder::with_addresses(Version::Two | Command::Proxy, Protocol::Stream, addresses);
    match source {
        Some(source) => header.write_tlv(SOURCE_IDENTITY, source.to_string().as_bytes())?,
        None => header,
    }
    .build()
}

/// The type of the TLV with the client's SPIFFE id, as ztunnel and Istio's waypoints have it.
const SOURCE_IDENTITY: u8 = 0xd0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_names_both_ends_and_the_clients_identity() {
        let source = "spiffe://td/ns/a/sa/b".parse().expect("an identity");
        let header = proxy_header(
            "10.0.0.1:4711".parse().expect("an address"),
            "10.0.0.2:80".parse().expect("an address"),
            Some(&source),
        )
        .expect("a header");
        assert_eq!(&header[..12], b"\r\n\r\n\0\r\nQUIT\n");
        assert_eq!(header[12..14], [0x21, 0x11], "version 2, PROXY; IPv4, TCP");
        assert_eq!(header[14..16], [0, 12 + 3 + 21]);
        assert_eq!(
            header[16..28],
            [10, 0, 0, 1, 10, 0, 0, 2, 0x12, 0x67, 0, 80]
        );
        assert_eq!(header[28..31], [0xd0, 0, 21]);
        assert_eq!(&header[31..], b"spiffe://td/ns/a/sa/b");
    }

    #[test]
    fn without_an_identity_there_is_no_tlv() {
        let address = "[::1]:1".parse().expect("an address");
        let header = proxy_header(address, address, None).expect("a header");
        assert_eq!(header.len(), 16 + 36);
    }
}
