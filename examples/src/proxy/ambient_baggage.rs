use clap::builder::BoolValueParser;
use clap::{ArgAction, Args};
use peer_meta::ExchangeConfig;

use super::named;

/// The switch that waypoints and gateways have. Istio's is istiod's.
#[derive(Debug, Clone, Args)]
#[non_exhaustive]
pub struct AmbientBaggage {
    /// Whether requests and answers of this proxy tell who it is, and what others tell of themselves is read
    #[arg(long, env = "AMBIENT_ENABLE_BAGGAGE", value_name = "BOOL",
          default_value = "true", action = ArgAction::Set, value_parser = named(BoolValueParser::new()))]
    ambient_enable_baggage: bool,
}

impl AmbientBaggage {
    /// The exchange as the switch has it.
    #[must_use]
    pub const fn exchange(&self) -> ExchangeConfig {
        ExchangeConfig::new().with_ambient_baggage(self.ambient_enable_baggage)
    }
}
