use super::{Scope, Workload};

/// How a service wants its endpoints chosen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LoadBalancing {
    /// What the preferences mean.
    pub mode: LoadBalancingMode,
    /// What an endpoint should share with the source, most important first. An endpoint's rank is the
    /// number of leading entries that hold.
    pub preferences: Vec<Scope>,
    /// Whether unhealthy endpoints count.
    pub health: HealthPolicy,
}

/// What a service's preferences mean for the choice among its endpoints.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum LoadBalancingMode {
    /// The endpoints of the highest rank; the next rank only when that one is empty.
    Failover,
    /// Nothing is chosen: traffic to the service's address goes there as it is, in plain text.
    Passthrough,
    /// The preferences mean nothing.
    #[default]
    Standard,
    /// Only the endpoints for which every preference holds.
    Strict,
}

/// Whether unhealthy endpoints may be chosen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum HealthPolicy {
    /// Health is ignored.
    AllowAll,
    /// Never an unhealthy one. There is no panic threshold: with no healthy endpoint left there is no
    /// route, for a refusal at once tells the caller more than a connection to what is known to be down.
    #[default]
    OnlyHealthy,
}

impl LoadBalancing {
    /// The given mode over the given preferences; only healthy endpoints.
    pub fn new(mode: LoadBalancingMode, preferences: impl IntoIterator<Item = Scope>) -> Self {
        Self {
            mode,
            preferences: preferences.into_iter().collect(),
            health: HealthPolicy::default(),
        }
    }

    /// How many leading preferences `endpoint` shares with `source`; 0 where the mode ignores them.
    pub fn rank(&self, source: &Workload, endpoint: &Workload) -> usize {
        match self.mode {
            LoadBalancingMode::Passthrough | LoadBalancingMode::Standard => 0,
            LoadBalancingMode::Failover | LoadBalancingMode::Strict => self
                .preferences
                .iter()
                .take_while(|scope| scope.shared(source, endpoint))
                .count(),
        }
    }
}
