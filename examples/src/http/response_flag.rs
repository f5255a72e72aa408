/// Why a request did not get the answer of a server, or not the whole of it, in Envoy's letters: the label `response_flags`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ResponseFlag {
    /// It got it.
    #[default]
    None,
    /// The client was gone first.
    ClientGone,
    /// The client's request was malformed, too large or too slow.
    ClientFault,
    /// No server could be connected to.
    ConnectFailed,
    /// There is no healthy server.
    NoHealthy,
    /// There is no such host, or no way to it.
    NoRoute,
    /// The server broke its connection off.
    ServerGone,
    /// What the server said is no HTTP.
    ServerFault,
    /// The server did not answer in time.
    TimedOut,
}

impl ResponseFlag {
    /// As metrics and logs name it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "-",
            Self::ClientGone => "DC",
            Self::ClientFault => "DPE",
            Self::ConnectFailed => "UF",
            Self::NoHealthy => "UH",
            Self::NoRoute => "NR",
            Self::ServerGone => "UC",
            Self::ServerFault => "UPE",
            Self::TimedOut => "UT",
        }
    }
}
