use std::net::SocketAddr;
use std::str::FromStr;

use thiserror::Error;

/// Where to listen: an address with a port, or `off`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listen(Option<SocketAddr>);

impl Listen {
    /// The address; `None` if it is off.
    #[must_use]
    pub const fn address(self) -> Option<SocketAddr> {
        self.0
    }
}

impl FromStr for Listen {
    type Err = ListenError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "off" => Ok(Self(None)),
            text => text
                .parse()
                .map(|address| Self(Some(address)))
                .map_err(|_| ListenError),
        }
    }
}

/// Reads where to listen for what no proxy does without.
///
/// # Errors
/// Anything but an address with a port, `off` among that.
pub fn parse_address(text: &str) -> Result<SocketAddr, AddressError> {
    match text {
        "off" => Err(AddressError::Off),
        text => text.parse().map_err(|_| AddressError::Malformed),
    }
}

/// A text that is no address to listen on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum AddressError {
    /// It is something else.
    #[error("not an address such as 0.0.0.0:15008 or [::]:15008")]
    Malformed,
    /// It is what other flags can be.
    #[error("this one cannot be off; give an address such as 127.0.0.1:0 if nobody is to come")]
    Off,
}

/// A text that says nowhere to listen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not an address such as 127.0.0.1:15080 or [::1]:15080, nor off")]
#[non_exhaustive]
pub struct ListenError;
