//! What a caller sees of a peer's attributes, apart from the rules of reading them.

use baggage::Limits;
use baggage::istio::{Dialect, PeerAttributes, WorkloadKind};

#[test]
fn what_is_written_is_read_back() {
    let peer = PeerAttributes::builder()
        .cluster("east")
        .namespace("bookinfo")
        .workload(WorkloadKind::Deployment, "productpage-v1")
        .service("productpage")
        .revision("v1")
        .app("productpage")
        .version("v1")
        .region("us-east-1")
        .zone("us-east-1a")
        .build();
    for dialect in [Dialect::Envoy, Dialect::Ztunnel, Dialect::W3c] {
        let mut header = String::new();
        peer.encode(dialect, &mut header);
        assert_eq!(
            PeerAttributes::parse([header.as_str()], &Limits::default()),
            Some(peer.clone()),
            "{header}"
        );
    }
}

#[cfg(feature = "http")]
#[test]
fn nothing_to_say_is_no_header_except_to_agentgateway() {
    let nobody = PeerAttributes::default();
    assert_eq!(nobody.to_header_value(Dialect::Ztunnel), None);
    assert_eq!(
        nobody.to_header_value(Dialect::Agentgateway).unwrap(),
        "k8s.cluster.name=,k8s.namespace.name=,k8s.deployment.name=,service.name=,service.version="
    );
}
