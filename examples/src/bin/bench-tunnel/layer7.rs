//! What HBONE adds to the layer-7 programs: requests through the waypoint and the ingress gateway, against the same program with plain HTTP
//! at both sides.

mod application;
mod place;
mod proxy;
mod server;
mod table;
mod way;

pub(crate) use application::requests;
pub(crate) use server::Endpoint;
pub(crate) use table::Table;
