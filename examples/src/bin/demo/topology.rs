//! Who there is, and where: two clusters, each in a network of its own.

mod drawn;
mod mesh;
mod party;
mod service;

pub(crate) use drawn::picture;
pub(crate) use mesh::mesh;
pub(crate) use party::{Party, Place};
pub(crate) use service::{Protocol, Service};

use crate::ui::ProxyKind;
use party::{A, B};

pub(crate) const PLACES: [Place; 2] = [A, B];

pub(crate) const CLIENT: Party = Party::application(A, "checkout-v1", "checkout", [127, 10, 0, 1]);
pub(crate) const INGRESS: Party = Party::gateway(
    A,
    "istio-ingressgateway",
    ProxyKind::IngressGateway,
    [127, 10, 0, 4],
);
const EASTWEST: Party = Party::gateway(
    B,
    "istio-eastwestgateway",
    ProxyKind::EastwestGateway,
    [127, 20, 0, 1],
);

pub(crate) const PARTIES: [Party; 13] = [
    CLIENT,
    Party::application(A, "cart-v1", "cart", [127, 10, 1, 1]),
    Party::application(A, "catalog-v1", "catalog", [127, 10, 2, 1]),
    Party::application(A, "catalog-v2", "catalog", [127, 10, 2, 2]),
    Party::waypoint("catalog-waypoint", [127, 10, 0, 2]),
    Party::waypoint("reviews-waypoint", [127, 10, 0, 3]),
    INGRESS,
    EASTWEST,
    Party::application(B, "stock-v1", "stock", [127, 20, 1, 1]),
    Party::application(B, "stock-v2", "stock", [127, 20, 1, 2]),
    Party::application(B, "stock-v3", "stock", [127, 20, 1, 3]),
    Party::application(B, "reviews-v1", "reviews", [127, 20, 2, 1]),
    Party::application(B, "reviews-v2", "reviews", [127, 20, 2, 2]),
];

pub(crate) const STOCK: Service = Service::new(B, "stock", Protocol::Tcp, None);
pub(crate) const REVIEWS: Service =
    Service::new(B, "reviews", Protocol::Http, Some("reviews-waypoint"));
pub(crate) const CART: Service = Service::new(A, "cart", Protocol::Tcp, None);
pub(crate) const CATALOG: Service =
    Service::new(A, "catalog", Protocol::Http, Some("catalog-waypoint"));

pub(crate) const SERVICES: [Service; 4] = [STOCK, REVIEWS, CART, CATALOG];
