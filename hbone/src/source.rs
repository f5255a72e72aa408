use std::fmt;

use http::HeaderValue;
use thiserror::Error;

/// What kind of proxy sent an outer CONNECT: the value of `x-istio-source`.
///
/// An east-west gateway asks it to decide whether the traffic still has to pass the service's waypoint: a waypoint has done
/// that already, an ingress gateway leaves it to the service's `ingress-use-waypoint`, anybody else (also when the header is
/// absent) goes through it. The value is what the peer says, so it decides routing and never permission.
///
/// Specification: HBONE-H-009.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum IstioSource {
    /// An ingress or other gateway.
    Gateway,
    /// A sidecar.
    Sidecar,
    /// A waypoint.
    Waypoint,
}

impl IstioSource {
    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gateway => "gateway",
            Self::Sidecar => "sidecar",
            Self::Waypoint => "waypoint",
        }
    }

    /// Reads a header value. Gateways compare octets, so case counts.
    ///
    /// # Errors
    ///
    /// Any other word.
    pub fn from_header(value: &HeaderValue) -> Result<Self, UnknownSource> {
        [Self::Gateway, Self::Sidecar, Self::Waypoint]
            .into_iter()
            .find(|source| source.as_str().as_bytes() == value.as_bytes())
            .ok_or(UnknownSource)
    }

    /// The header value; nothing is allocated.
    pub fn to_header(self) -> HeaderValue {
        HeaderValue::from_static(self.as_str())
    }
}

impl fmt::Display for IstioSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An `x-istio-source` that is none of the words known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("x-istio-source is neither gateway, sidecar nor waypoint")]
#[non_exhaustive]
pub struct UnknownSource;
