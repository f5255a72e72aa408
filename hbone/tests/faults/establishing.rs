//! Sections 1 and 4 of docs/faults.md: no connection, or not the right one.

use hbone::{
    Alert, CertificateFault, DialCause, EstablishError, IdentityMismatch, LinkFailure,
    PeerIdentityFault, RequestError, Stage,
};

use super::world::{Client, Ending, Frame, Peer, ms};

const SERVER: &str = "10.0.0.2:15008";
const APP: &str = "10.0.0.2:80";

/// What comes of one walk to this peer, and how long it took in milliseconds; with and without a pool.
fn outcome(peer: &Peer) -> (EstablishError, u128) {
    let outcomes = [Client::new(1), Client::without_pool(1)].map(|client| {
        let mut client = client.peer(SERVER, peer.clone());
        let walk = client.connect(SERVER, &[APP]);
        client.run(ms(10_000));
        assert_eq!(client.streams(), 0);
        assert_eq!(client.links(), 0, "a failed connection is not kept");
        match client.ending(walk) {
            Ending::Dial(error) => match &error.cause {
                DialCause::Establish(error) => (error.clone(), client.time_of(walk).as_millis()),
                other => panic!("expected no connection, not {other}"),
            },
            other => panic!("expected no connection, not {other:?}"),
        }
    });
    let [pooled, own] = outcomes;
    assert_eq!(pooled, own, "a pool changes nothing about a single failure");
    pooled
}

#[test]
fn each_stage_has_its_own_deadline_and_its_own_error() {
    // [3], [4]
    let silent_tcp = Peer {
        tcp: None,
        ..Peer::good()
    };
    let silent_tls = Peer {
        tls: None,
        ..Peer::good()
    };
    let silent_http2 = Peer {
        settings: None,
        ..Peer::good()
    };
    let cases = [
        (silent_tcp, Stage::Tcp, 1_000),
        (silent_tls, Stage::Tls, 1_001),
        (silent_http2, Stage::Settings, 1_002),
    ];
    for (peer, stage, expected) in cases {
        let (error, took) = outcome(&peer);
        assert!(
            matches!(error, EstablishError::TimedOut { stage: at, .. } if at == stage),
            "{error}"
        );
        assert_eq!(took, expected);
    }
}

#[test]
fn a_blocked_port_is_named_with_what_may_block_it() {
    let (error, _) = outcome(&Peer {
        tcp: None,
        ..Peer::good()
    });
    assert!(error.to_string().contains("NetworkPolicy"), "{error}");
}

/// HBONE-I-007.
#[test]
fn a_certificate_that_is_refused_late_is_an_error_of_its_own() {
    // [8] to [11], [21] seen from the client: TLS 1.3 refuses after our side is done
    for number in [42, 43, 44, 45, 46, 48, 116] {
        let alert = Alert::from_wire(number);
        let late = Peer {
            settings: Some(Err(LinkFailure::Alert(alert))),
            ..Peer::good()
        };
        let (error, _) = outcome(&late);
        assert_eq!(
            error,
            EstablishError::CertificateRefused { alert, late: true }
        );
    }
}

#[test]
fn somebody_else_at_the_address_is_refused_before_anything_is_sent() {
    let other = Peer {
        identity: "spiffe://cluster.local/ns/default/sa/other",
        ..Peer::good()
    };
    let (error, _) = outcome(&other);
    let mismatch = |error: &EstablishError| {
        matches!(
            error,
            EstablishError::PeerIdentity(PeerIdentityFault::Mismatch(
                IdentityMismatch::Unexpected { .. }
            ))
        )
    };
    assert!(mismatch(&error), "{error}");
}

#[test]
fn a_bad_certificate_at_the_server_says_what_is_wrong_with_it() {
    // [10]
    for fault in [
        CertificateFault::Expired,
        CertificateFault::NotYetValid,
        CertificateFault::Revoked,
    ] {
        let peer = Peer {
            tls: Some(Err(LinkFailure::Certificate(fault))),
            ..Peer::good()
        };
        assert_eq!(outcome(&peer).0, EstablishError::PeerCertificate(fault));
    }
}

#[test]
fn a_certificate_refused_only_after_settings_is_told_as_such() {
    let alert = Alert::from_wire(116);
    let peer = Peer::good().answer([Frame::Lost(LinkFailure::Alert(alert))]);
    let mut client = Client::without_pool(1).peer(SERVER, peer);
    let walk = client.connect(SERVER, &[APP]);
    client.run(ms(5_000));
    match client.ending(walk) {
        Ending::Dial(error) => assert_eq!(
            error.cause,
            DialCause::Request(RequestError::CertificateRefused(alert))
        ),
        other => panic!("expected an error, not {other:?}"),
    }
}
