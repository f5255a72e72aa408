/// The ports that the proxies of an Istio mesh listen on. A tunnel to one of them reaches a proxy instead of a workload: a loop, or
/// an administration interface.
///
/// Specification: HBONE-S-011.
pub const RESERVED_PORTS: [u16; 9] = [
    15000, // administration
    15001, // outbound traffic
    15006, // inbound plaintext traffic
    15008, // HBONE
    15020, // merged metrics
    15021, // readiness
    15053, // DNS
    15080, // SOCKS5
    15090, // Envoy's metrics
];
