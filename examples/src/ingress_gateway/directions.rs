use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;

use crate::http::{Client, Host, HostError, Meant, Refusal, ResponseFlag, Routing};
use crate::mesh_file::Site;
use crate::proxy::StartError;
use hbone::mesh::{Directory, Service};
use hbone::{Hostname, HostnameError};
use http::StatusCode;
use thiserror::Error;

/// What hosts mean to an ingress gateway: a service by its own name, or by one of those that it was given.
#[derive(Debug)]
pub(crate) struct Directions {
    named: BTreeMap<String, Target>,
}

/// One `--route HOST=SERVICE[:PORT]`.
#[derive(Debug, Clone)]
pub(crate) struct Named {
    host: String,
    target: Target,
}

#[derive(Debug, Clone)]
struct Target {
    service: Hostname,
    port: Option<u16>,
}

/// As `--route` has it.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.service)?;
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

/// Whoever has no name of his own.
const ANYBODY: &str = "*";
/// The port of HTTP.
const HTTP: u16 = 80;

impl Directions {
    pub(crate) fn new(routes: Vec<Named>) -> Result<Self, StartError> {
        let mut named = BTreeMap::new();
        for Named { host, target } in routes {
            let second = target.to_string();
            if let Some(first) = named.insert(host.clone(), target) {
                return Err(StartError::Routes {
                    host,
                    first: first.to_string(),
                    second,
                });
            }
        }
        Ok(Self { named })
    }

    /// Warns of those that lead nowhere in this mesh, and so to 404 until it has what they name.
    pub(crate) fn warn_of_strangers(&self, site: &Site) {
        for (host, target) in &self.named {
            if find(site, target, None).is_none() {
                let service = &target.service;
                tracing::warn!(%host, %service, port = target.port, "--route leads to a service that the mesh file does not have, or not with such a port; until it does, who asks for it is answered 404");
            }
        }
    }

    fn target(&self, host: Option<&Host>) -> Option<Target> {
        let by_name = host.and_then(|host| self.named.get(host.name()));
        let own_name = || {
            Some(Target {
                service: Hostname::parse(host?.name()).ok()?,
                port: None,
            })
        };
        by_name.cloned().or_else(own_name)
    }
}

impl Routing for Directions {
    fn route(&self, site: &Site, _: &Client, host: Option<&Host>) -> Result<Meant, Refusal> {
        let found = self
            .target(host)
            .and_then(|target| find(site, &target, host));
        let anybody = || find(site, self.named.get(ANYBODY)?, None);
        found.or_else(anybody).ok_or_else(|| {
            let reason = match host {
                Some(host) => format!(
                    "{} is no service of the mesh with such a port; see --route",
                    host.as_written()
                ),
                None => "the request names no host".to_owned(),
            };
            Refusal::new(StatusCode::NOT_FOUND, ResponseFlag::NoRoute, reason)
        })
    }
}

/// The service, at the port that is given, or that the host names, or that there is.
fn find(site: &Site, target: &Target, host: Option<&Host>) -> Option<Meant> {
    let own = site.workload().namespace();
    let services = site.mesh().services_with_hostname(&target.service);
    let mut services: Vec<Arc<Service>> = services
        .into_iter()
        .filter(|service| service.visible_to(own))
        .collect();
    services.sort_by_key(|service| service.name.namespace() != own);
    let service = services.into_iter().next()?;
    let exposed = |port: &u16| service.ports.exposes(*port);
    let port = match target.port {
        Some(port) => Some(port).filter(exposed),
        None => {
            let named = host.and_then(Host::port).filter(exposed);
            let mut ports = service.ports.iter().map(|(port, _)| port);
            let only = ports.next().filter(|_| ports.next().is_none());
            named.or_else(|| Some(HTTP).filter(exposed)).or(only)
        }
    }?;
    Some(Meant::Service { service, port })
}

impl FromStr for Named {
    type Err = NamedError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (host, target) = text.split_once('=').ok_or(NamedError::Form)?;
        let host = match host {
            ANYBODY => ANYBODY.to_owned(),
            host => match host.parse::<Host>()? {
                with_port if with_port.port().is_some() => return Err(NamedError::HostPort),
                host => host.name().to_owned(),
            },
        };
        let (service, port) = match target.rsplit_once(':') {
            Some((service, port)) => {
                let port = port.parse().ok().filter(|port| *port > 0);
                (service, Some(port.ok_or(NamedError::Form)?))
            }
            None => (target, None),
        };
        if service.parse::<IpAddr>().is_ok() {
            return Err(NamedError::Address);
        }
        let service = Hostname::parse(service)?;
        Ok(Self {
            host,
            target: Target { service, port },
        })
    }
}

/// Why a `--route` is none.
#[derive(Debug, Error)]
pub(crate) enum NamedError {
    #[error("write HOST=SERVICE or HOST=SERVICE:PORT")]
    Form,
    #[error(
        "the host is no name or address; write `*` for all, and an international name as A-labels (xn--...)"
    )]
    Host(#[from] HostError),
    #[error("the host is to have no port: requests for it mean the same service at any")]
    HostPort,
    #[error("the service is an address; write its hostname, as the mesh file has it")]
    Address,
    #[error("the service is no host name: {0}")]
    Service(#[from] HostnameError),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routes(texts: &[&str]) -> Result<Directions, StartError> {
        let named = texts.iter().map(|text| text.parse::<Named>().expect(text));
        Directions::new(named.collect())
    }

    #[test]
    fn a_host_with_two_routes_is_told_with_both() {
        for (texts, told) in [
            (
                ["Shop.example=a.b:80", "shop.example.=c.d"],
                "--route shop.example leads to a.b:80 and to c.d",
            ),
            (["*=a.b", "*=a.b"], "--route * leads to a.b and to a.b"),
        ] {
            let error = routes(&texts).expect_err("two routes");
            assert!(error.to_string().starts_with(told), "{error}");
            assert_eq!(error.exit_code(), 2);
        }
        assert!(routes(&["*=a.b", "a.b=a.b", "a=a.b"]).is_ok());
    }

    #[test]
    fn a_host_with_a_port_is_refused_as_nothing_would_ask_for_that() {
        let error = "shop.example:8080=a.b"
            .parse::<Named>()
            .expect_err("a port");
        assert!(error.to_string().contains("no port"), "{error}");
    }

    #[test]
    fn what_is_no_route_is_told_with_what_to_write() {
        for (text, told) in [
            ("*.shop.example=a.b", "write `*` for all"),
            ("bücher.example=a.b", "as A-labels"),
            ("a=10.0.0.1:80", "write its hostname"),
            ("a=10.0.0.1", "write its hostname"),
            ("a=b:0", "HOST=SERVICE:PORT"),
        ] {
            let error = text.parse::<Named>().expect_err(text);
            assert!(error.to_string().contains(told), "{text}: {error}");
        }
    }
}
