use http::HeaderName;

use crate::{Message, Role};

/// The headers that end at this proxy: they were for us, and travel no further than the message they came with.
///
/// A node proxy and an east-west gateway never look into a tunnel, so nothing of the application's is touched there. An
/// application's own `baggage` is kept everywhere.
///
/// Specification: HBONE-H-010, HBONE-X-007.
pub const fn stripped(role: Role, message: Message) -> &'static [HeaderName] {
    match (message, role) {
        (Message::Connect, _) => &CONNECT,
        // An application has no business with any of them: neither one that could say what its mesh should, nor one that could
        // be told what is the mesh's.
        (Message::Application, Role::IngressGateway | Role::Waypoint) => &MESH,
        (
            Message::Application,
            Role::DestinationNodeProxy | Role::EastWestGateway | Role::SourceNodeProxy,
        ) => &[],
    }
}

static CONNECT: [HeaderName; 4] = [
    HeaderName::from_static("baggage"),
    HeaderName::from_static("forwarded"),
    HeaderName::from_static("x-forwarded-network"),
    HeaderName::from_static("x-istio-source"),
];
static MESH: [HeaderName; 4] = [
    HeaderName::from_static("x-envoy-peer-metadata"),
    HeaderName::from_static("x-envoy-peer-metadata-id"),
    HeaderName::from_static("x-forwarded-network"),
    HeaderName::from_static("x-istio-source"),
];
