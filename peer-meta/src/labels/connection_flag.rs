/// How a TCP connection ended, as ztunnel's label `response_flags` names it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ConnectionFlag {
    /// A certificate was revoked.
    CertRevoked,
    /// The connection could not be made.
    Connect,
    /// A policy denied it.
    Deny,
    /// The peer did not speak HTTP/2.
    H2Handshake,
    /// The peer is not who it should be, or we have no certificate.
    Identity,
    /// Maybe a NetworkPolicy blocks port 15008.
    NetworkPolicy,
    /// Nothing went wrong, so far.
    #[default]
    None,
    /// TLS failed.
    Tls,
}

impl ConnectionFlag {
    /// The value of the label.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CertRevoked => "CERT_REVOKED",
            Self::Connect => "CONNECT",
            Self::Deny => "DENY",
            Self::H2Handshake => "H2_HANDSHAKE_FAILURE",
            Self::Identity => "IDENTITY_ERROR",
            Self::NetworkPolicy => "NETWORK_POLICY",
            Self::None => "-",
            Self::Tls => "TLS_FAILURE",
        }
    }
}
