use std::num::NonZeroU16;

use crate::http::{Client, Host, Meant, Refusal, ResponseFlag, Routing};
use crate::mesh_file::Site;
use hbone::mesh::{Directory, Fronted, Service, fronted};
use hbone::{Authority, Hostname};
use http::StatusCode;

/// What requests mean to a waypoint: a service that it stands before, if their host is the name of one, and else what their tunnel was
/// opened to.
#[derive(Debug)]
pub(crate) struct Directions;

impl Routing for Directions {
    fn route(&self, site: &Site, client: &Client, host: Option<&Host>) -> Result<Meant, Refusal> {
        let tunnel = client.meant.as_ref();
        let named = host.and_then(|host| by_name(site, host, tunnel));
        named.or_else(|| tunnel.cloned()).ok_or_else(|| {
            let reason = "neither the host of the request nor its tunnel is for anything here";
            Refusal::new(StatusCode::NOT_FOUND, ResponseFlag::NoRoute, reason)
        })
    }
}

/// The service of this name, at the port that the request names, or that its tunnel does.
fn by_name(site: &Site, host: &Host, tunnel: Option<&Meant>) -> Option<Meant> {
    let hostname = Hostname::parse(host.name()).ok()?;
    let (same, port) = match tunnel {
        Some(Meant::Service { service, port }) => (Some(service), *port),
        Some(Meant::Workload(address)) => (None, address.port()),
        _ => (None, 80),
    };
    // Most requests are for what their tunnel is for.
    let is_tunnels = |service: &Service| *service.hostname() == hostname;
    if same.is_some_and(|service| is_tunnels(service)) {
        return None;
    }
    if site.mesh().services_with_hostname(&hostname).is_empty() {
        return None;
    }
    let port = host.port().unwrap_or(port);
    let authority = Authority::from((hostname, NonZeroU16::new(port)?));
    match fronted(site.mesh(), site.workload(), &authority).ok()? {
        Fronted::Service { service, port } => Some(Meant::Service { service, port }),
        _ => None,
    }
}
