/// Whose fill rules a label set follows, where the two implementations of Istio's labels differ.
///
/// | | `Envoy` (`istio_stats`) | `Ztunnel` |
/// |---|---|---|
/// | order of the labels | `destination_service` after `destination_version` | before `destination_workload` |
/// | `*_app` from baggage | the app it names, else the canonical service | the workload's name |
/// | `*_app` otherwise | the app, else the canonical service | the canonical service |
/// | `*_version` | the version, else the canonical revision | the canonical revision |
/// | revision of an unknown peer | `latest`, but `unknown` for a waypoint's destination | `unknown` |
/// | namespace of a peer | that of its SPIFFE id, else what it says; a waypoint's destination: what it says | what it says |
/// | `destination_service` unknown | a destination reports its own canonical service | `unknown` |
/// | `connection_security_policy` | `mutual_tls` if both ids are known, else `none`; a source: always `unknown` | `mutual_tls`, else `unknown` |
/// | region and zone labels | left out | there, if either workload is known |
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LabelDialect {
    /// Istio's Envoy with its `istio_stats` filter: waypoints, gateways, sidecars.
    Envoy,
    /// ztunnel: node proxies.
    Ztunnel,
}
