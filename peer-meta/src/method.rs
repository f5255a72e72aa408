/// One way to learn who a peer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Method {
    /// The peer says so.
    Claim(Carrier),
    /// Our directory has the peer's address, in our own network.
    Directory,
    /// The endpoint that was chosen came with its workload.
    Endpoint,
}

/// What carries a peer's claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Carrier {
    /// The exchange at the start of a TCP stream, agreed on by ALPN.
    AlpnExchange,
    /// The `baggage` header of a CONNECT request or of the answer to it.
    Baggage,
    /// `x-envoy-peer-metadata` and its `-id`.
    IstioHeaders,
}
