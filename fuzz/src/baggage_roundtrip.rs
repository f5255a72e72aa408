use arbitrary::{Arbitrary, Unstructured};
use baggage::istio::{Dialect, PeerAttributes};
use baggage::{Baggage, Limits, Sanitized};

/// Any baggage and any peer: what is written is ASCII in one line without white space, and is read again as
/// what it was.
pub fn baggage_roundtrip(data: &[u8]) {
    let mut data = Unstructured::new(data);
    let Ok((baggage, own, peer)) = <(Baggage, Baggage, PeerAttributes)>::arbitrary(&mut data)
    else {
        return;
    };
    written(&baggage);
    let mut merged = baggage.clone();
    merged.merge(&own);
    written(&merged);
    for member in &own {
        assert_eq!(
            merged.get_all(member.key()).count(),
            own.get_all(member.key()).count()
        );
    }
    peer_written(&peer);
    let mut application = baggage;
    peer.merge_into(Dialect::W3c, &mut application);
    written(&application);
}

fn written(baggage: &Baggage) {
    let header = baggage.to_string();
    assert!(header.len() <= Limits::new().bytes());
    assert!(
        header.bytes().all(|byte| byte.is_ascii_graphic()),
        "{header:?}"
    );
    if !baggage.is_empty() {
        assert_eq!(
            Baggage::parse_strict([&header], &Limits::new()).as_ref(),
            Ok(baggage)
        );
    }
}

fn peer_written(peer: &PeerAttributes) {
    let limits = Limits::new()
        .with_bytes(usize::MAX)
        .with_raw_bytes(usize::MAX);
    for dialect in [
        Dialect::Agentgateway,
        Dialect::Envoy,
        Dialect::Ztunnel,
        Dialect::W3c,
    ] {
        let mut header = String::new();
        peer.encode(dialect, &mut header);
        assert!(
            header.bytes().all(|byte| byte.is_ascii_graphic()),
            "{header:?}"
        );
        let read = PeerAttributes::parse([&header], &limits).unwrap_or_default();
        assert_eq!(
            (read.cluster(), read.namespace(), read.workload()),
            (peer.cluster(), peer.namespace(), peer.workload())
        );
        if dialect == Dialect::W3c {
            assert_eq!(read.app(), peer.app().or_else(|| peer.service()));
            assert_eq!(read.version(), peer.version().or_else(|| peer.revision()));
            assert_eq!(
                (read.instance(), read.region(), read.zone()),
                (peer.instance(), peer.region(), peer.zone())
            );
        }
    }
    for value in [peer.cluster(), peer.service()].into_iter().flatten() {
        assert!(
            !Sanitized::new(value)
                .to_string()
                .chars()
                .any(char::is_control)
        );
    }
}
