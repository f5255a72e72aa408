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
    edited(&baggage);
    peer_written(&peer);
    let mut application = baggage;
    peer.merge_into(Dialect::W3c, &mut application);
    written(&application);
}

/// What is set is there once, what is removed is gone, and the rest stays.
fn edited(baggage: &Baggage) {
    for member in baggage {
        let key = member.key();
        let mut edited = baggage.clone();
        let times = edited.get_all(key).count();
        assert_eq!(edited.remove(key), times);
        assert_eq!(
            (edited.get(key), edited.len()),
            (None, baggage.len() - times)
        );
        if edited.set(key, "a b").is_ok() && edited.push(key, "c").is_ok() {
            assert_eq!(edited.get_all(key).count(), 2);
            assert_eq!(edited.set(key, "d"), Ok(()));
            assert_eq!(edited.get(key).as_deref(), Some("d"));
        }
        edited.retain(|member| member.key() != key);
        assert_eq!(edited.get(key), None);
        written(&edited);
        let bad = edited.push("a b", "c").expect_err("no token");
        assert!(!bad.is_limit() && bad.to_string().contains("a b"));
    }
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
