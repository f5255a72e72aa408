use std::time::Duration;

use crate::{Place, Role};

/// What a proxy takes part in, the same for all of its exchanges.
///
/// ```
/// # use peer_meta::ExchangeConfig;
/// let config = ExchangeConfig::new().with_response_baggage(false);
/// assert!(!config.response_baggage());
/// ```
///
/// Specification: HBONE-X-006.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExchangeConfig {
    ambient_baggage: bool,
    directory: bool,
    enabled: bool,
    patience: Duration,
    response_baggage: bool,
}

impl ExchangeConfig {
    /// Everything on, five seconds of patience.
    pub const fn new() -> Self {
        Self {
            ambient_baggage: true,
            directory: true,
            enabled: true,
            patience: Duration::from_secs(5),
            response_baggage: true,
        }
    }

    /// The master switch. Off: no baggage is sent and none is read, at any role, whatever the others say.
    /// (`x-forwarded-network` is still obeyed: it can only keep a wrong guess away.)
    #[must_use]
    pub const fn with_exchange(mut self, enabled: bool) -> Self {
        self.enabled = enabled;
        self
    }

    /// `ENABLE_RESPONSE_BAGGAGE` of a node proxy. Off: no baggage is sent on responses and none is read from requests;
    /// requests still carry it, and the answers to them are still read.
    #[must_use]
    pub const fn with_response_baggage(mut self, enabled: bool) -> Self {
        self.response_baggage = enabled;
        self
    }

    /// `AMBIENT_ENABLE_BAGGAGE` of a waypoint or gateway. Off: nothing is sent or read there. (In Istio it is istiod's and
    /// off by default; here it is the proxy's own.)
    #[must_use]
    pub const fn with_ambient_baggage(mut self, enabled: bool) -> Self {
        self.ambient_baggage = enabled;
        self
    }

    /// Whether there is a directory to ask. Off: no lookup is ever wanted.
    #[must_use]
    pub const fn with_directory(mut self, enabled: bool) -> Self {
        self.directory = enabled;
        self
    }

    /// How long an exchange may wait for answers, of the directory and of the peer: from its beginning, and for upstream
    /// from the last dial. After that it is settled with what is known, so that reporting never waits for ever. (Longer than the clock can count is for ever.)
    #[must_use]
    pub const fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// See [`Self::with_response_baggage`].
    pub const fn response_baggage(&self) -> bool {
        self.response_baggage
    }

    /// See [`Self::with_ambient_baggage`].
    pub const fn ambient_baggage(&self) -> bool {
        self.ambient_baggage
    }

    /// See [`Self::with_directory`].
    pub const fn directory(&self) -> bool {
        self.directory
    }

    /// See [`Self::with_exchange`].
    pub const fn exchange(&self) -> bool {
        self.enabled
    }

    /// See [`Self::with_patience`].
    pub const fn patience(&self) -> Duration {
        self.patience
    }

    /// Whether what a peer's baggage says is read at this place: a node proxy always reads the answers to its own requests.
    pub(crate) const fn reads_baggage(&self, place: Place) -> bool {
        self.enabled
            && match place {
                Place::NodeInbound => self.response_baggage,
                Place::NodeOutbound => true,
                Place::GatewayDownstream
                | Place::GatewayUpstream
                | Place::IngressUpstream
                | Place::WaypointDownstream
                | Place::WaypointUpstream => self.ambient_baggage,
                Place::SidecarInboundHttp | Place::SidecarOutboundHttp | Place::SidecarTcp => false,
            }
    }

    /// Whether our own baggage goes on requests at this role.
    pub(crate) const fn tells_requests(&self, role: Role) -> bool {
        self.enabled && (role.is_node_proxy() || self.ambient_baggage)
    }

    /// Whether what answers to our requests say is read at this role.
    pub(crate) const fn reads_responses(&self, role: Role) -> bool {
        self.tells_requests(role)
    }

    /// Whether our own baggage goes on responses at this role.
    pub(crate) const fn tells_responses(&self, role: Role) -> bool {
        self.enabled
            && if role.is_node_proxy() {
                self.response_baggage
            } else {
                self.ambient_baggage
            }
    }
}

impl Default for ExchangeConfig {
    fn default() -> Self {
        Self::new()
    }
}
