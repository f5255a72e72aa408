/// The service that a connection or request is for, as Istio's `destination_service*` labels name it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DestinationService {
    host: Box<str>,
    name: Box<str>,
    namespace: Box<str>,
}

impl DestinationService {
    /// A service that the directory knows: its host name (`echo.shop.svc.cluster.local`), short name and namespace.
    pub fn new(
        host: impl Into<Box<str>>,
        name: impl Into<Box<str>>,
        namespace: impl Into<Box<str>>,
    ) -> Self {
        Self {
            host: host.into(),
            name: name.into(),
            namespace: namespace.into(),
        }
    }

    /// A service of which only the `Host` or `:authority` of a request is known: the name is the first DNS label, a port
    /// is left out, and the namespace stays unknown. What a client writes there is its own choice: use it only where the
    /// route did not name the service.
    pub fn from_host(host: &str) -> Self {
        let host = without_port(host);
        let is_address = host.parse::<std::net::IpAddr>().is_ok() || host.starts_with('[');
        let name = if is_address {
            host
        } else {
            host.split('.').next().unwrap_or(host)
        };
        Self::new(host, name, "")
    }

    /// The full host name.
    pub const fn host(&self) -> &str {
        &self.host
    }

    /// The short name.
    pub const fn name(&self) -> &str {
        &self.name
    }

    /// The namespace; empty if unknown.
    pub const fn namespace(&self) -> &str {
        &self.namespace
    }
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        // An unbracketed IPv6 address has further colons and no port.
        Some((name, port))
            if !port.contains(']') && (!name.contains(':') || name.ends_with(']')) =>
        {
            name
        }
        _ => host,
    }
}
