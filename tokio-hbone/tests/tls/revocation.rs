//! Revocation lists, in handshakes and under live connections.

use std::time::Duration;

use hbone::{CertificateFault, Cut, DialCause, EstablishError, Reason, TunnelError};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyUsagePurpose};
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;
use tokio_hbone::Acceptor;
use tokio_hbone::tls::{Crls, ExpiredCrl, Revocations, TlsConfigError, TrustBundles};

use crate::crl::{crl, params, parse, pem};
use crate::meet::{meet, works};
use crate::support::ends::{
    CONNECT, accept_next, client_tls, incoming, read_all, server_tls, tunnel_error,
};
use crate::support::frame::Frame;
use crate::support::io::pipe;
use crate::support::pki::{
    CLIENT, Ca, Leaf, MALLORY, MESH, SERVER, Shown, key, mesh_bundle, workload,
};
use crate::support::raw::Raw;
use crate::support::script_tls::{ScriptTls, provider};
use crate::support::soon;

const REVOKED: EstablishError = EstablishError::PeerCertificate(CertificateFault::Revoked);
const CUT: TunnelError = TunnelError::Cut(Cut::Revoked);

/// HBONE-I-008.
#[tokio::test(start_paused = true)]
async fn a_revoked_peer_is_refused_by_either_side_and_told_so() {
    // [21]
    let (client_shown, server_shown) = (workload(CLIENT), workload(SERVER));
    let server = server_tls(&server_shown, mesh_bundle());
    let client = client_tls(&client_shown, mesh_bundle());
    server.revocations().replace(crl(&MESH, &[&client_shown]));
    let met = meet(&client, &server).await;
    assert_eq!(met.server.expect_err("a refusal"), REVOKED);
    match met.client.expect_err("a refusal") {
        DialCause::Establish(EstablishError::CertificateRefused { alert, .. }) => {
            assert_eq!(alert.to_string(), "certificate_revoked (44)");
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(server.revocations().stats().refused, 1);

    server.revocations().replace(Crls::new());
    client.revocations().replace(crl(&MESH, &[&server_shown]));
    let met = meet(&client, &server).await;
    assert_eq!(
        met.client.expect_err("a refusal"),
        DialCause::Establish(REVOKED)
    );
    assert!(met.server.is_err());
}

/// HBONE-I-008.
#[tokio::test(start_paused = true)]
async fn a_server_ends_the_live_tunnels_of_a_revoked_client_and_no_others() {
    // [22]
    let revoked = workload(CLIENT);
    let server = server_tls(&workload(SERVER), mesh_bundle());
    let bundles = mesh_bundle();
    let victim = client_tls(&revoked, bundles.clone());
    let other = client_tls(&workload(MALLORY), bundles);
    let (mut near, mut far) = meet(&victim, &server).await.tunnels();
    let (mut other_near, mut other_far) = meet(&other, &server).await.tunnels();
    works(&mut near, &mut far).await;

    let ended = server.revocations().replace(crl(&MESH, &[&revoked]));
    assert_eq!(ended, 1);
    let second = Duration::from_secs(1);
    let here = timeout(second, read_all(&mut far)).await.expect("in time");
    assert_eq!(tunnel_error(&here.expect_err("a cut")), CUT);
    let there = timeout(second, read_all(&mut near)).await.expect("in time");
    assert!(there.is_err(), "a cut tunnel is no end of file: {there:?}");
    works(&mut other_near, &mut other_far).await;
    assert_eq!(
        meet(&victim, &server).await.server.expect_err("a refusal"),
        REVOKED
    );
    assert_eq!(server.revocations().stats().ended, 1);
}

#[tokio::test(start_paused = true)]
async fn a_client_ends_its_live_tunnels_to_a_revoked_server() {
    // [22]
    let revoked = workload(SERVER);
    let client = client_tls(&workload(CLIENT), mesh_bundle());
    let server = server_tls(&revoked, mesh_bundle());
    let other = server_tls(&workload(SERVER), mesh_bundle());
    let (mut near, mut far) = meet(&client, &server).await.tunnels();
    let (mut other_near, mut other_far) = meet(&client, &other).await.tunnels();

    assert_eq!(client.revocations().replace(crl(&MESH, &[&revoked])), 1);
    let second = Duration::from_secs(1);
    let here = timeout(second, read_all(&mut near)).await.expect("in time");
    assert_eq!(tunnel_error(&here.expect_err("a cut")), CUT);
    let there = timeout(second, read_all(&mut far)).await.expect("in time");
    assert!(there.is_err(), "a cut tunnel is no end of file: {there:?}");
    works(&mut other_near, &mut other_far).await;
}

#[tokio::test(start_paused = true)]
async fn a_revoked_client_is_told_by_goaway_and_the_connection_is_closed() {
    // [22]
    let revoked = workload(CLIENT);
    let server = server_tls(&workload(SERVER), mesh_bundle());
    let (near, far) = pipe();
    let mut incoming = incoming(far, Acceptor::new(server.clone()));
    let mut raw = Raw::client(near, &ScriptTls::new(revoked.clone()), &[]).await;
    raw.send([Frame::headers(1, &CONNECT)]).await;
    let mut tunnel = accept_next(&mut incoming).await;
    assert_eq!(server.revocations().stats().live, 1);

    server.revocations().replace(crl(&MESH, &[&revoked]));
    let reason = timeout(Duration::from_secs(1), raw.go_away()).await;
    let reason = Reason::from_wire(reason.expect("in time"));
    assert_eq!(reason, Reason::INADEQUATE_SECURITY);
    let cut = read_all(&mut tunnel).await.expect_err("a cut");
    assert_eq!(tunnel_error(&cut), CUT);
    let written = soon(tunnel.write_all(b"late")).await.expect_err("a cut");
    assert_eq!(tunnel_error(&written), CUT);
}

#[tokio::test(start_paused = true)]
async fn a_revoked_client_that_does_not_read_is_cut_off_in_time_too() {
    // [22]
    let revoked = workload(CLIENT);
    let server = server_tls(&workload(SERVER), mesh_bundle());
    let (near, far) = pipe();
    let mut incoming = incoming(far, Acceptor::new(server.clone()));
    let mut raw = Raw::client(near, &ScriptTls::new(revoked.clone()), &[]).await;
    raw.send([Frame::headers(1, &CONNECT)]).await;
    let mut tunnel = accept_next(&mut incoming).await;
    // As much as the pipe and the window take, so that a GOAWAY has to wait behind it.
    let full = timeout(Duration::from_secs(1), tunnel.write_all(&[0; 1 << 20])).await;
    assert!(full.is_err(), "nobody reads");

    server.revocations().replace(crl(&MESH, &[&revoked]));
    let second = Duration::from_secs(1);
    let cut = timeout(second, read_all(&mut tunnel))
        .await
        .expect("in time");
    assert_eq!(tunnel_error(&cut.expect_err("a cut")), CUT);
    let over = timeout(second, incoming.recv()).await.expect("in time");
    assert!(over.is_none(), "the connection is over");
    assert_eq!(server.revocations().stats().live, 0);
}

#[tokio::test(start_paused = true)]
async fn one_list_can_be_shared_by_clients_and_servers() {
    let (alpha, beta) = (workload(CLIENT), workload(SERVER));
    let shared = Revocations::new(&provider());
    let client = client_tls(&alpha, mesh_bundle()).with_revocations(shared.clone());
    let server = server_tls(&beta, mesh_bundle()).with_revocations(shared.clone());
    let tunnels = meet(&client, &server).await.tunnels();
    assert_eq!(shared.stats().live, 2);
    assert_eq!(shared.replace(crl(&MESH, &[&alpha, &beta])), 2);
    drop(tunnels);
    assert_eq!((shared.stats().live, shared.stats().ended), (0, 2));
}

#[tokio::test(start_paused = true)]
async fn connections_that_end_are_forgotten() {
    let client = client_tls(&workload(CLIENT), mesh_bundle());
    let server = server_tls(&workload(SERVER), mesh_bundle());
    for _ in 0..10 {
        drop(meet(&client, &server).await.tunnels());
    }
    let gone = async {
        while client.revocations().stats().live + server.revocations().stats().live > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    soon(gone).await;
}

/// A chain through an intermediate authority of the mesh, and the certificate of that authority.
fn chain_of(who: &str) -> Shown {
    let mut params = CertificateParams::default();
    params
        .distinguished_name
        .push(DnType::CommonName, "between");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let between = CertifiedIssuer::signed_by(params, key(), &MESH.0).expect("an authority");
    let between = Ca(between);
    let mut shown = Leaf::of(who).signed_by(&between);
    shown.chain.push(between.root());
    shown
}

#[tokio::test(start_paused = true)]
async fn a_revoked_intermediate_ends_and_refuses_all_whom_it_has_issued() {
    let shown = chain_of(CLIENT);
    let server = server_tls(&workload(SERVER), mesh_bundle());
    let client = client_tls(&shown, mesh_bundle());
    let (_near, mut far) = meet(&client, &server).await.tunnels();
    let list = params(&shown.chain[1..], 2200).signed_by(&MESH.0);
    let list = parse(&list.and_then(|list| list.pem()).expect("a list"));
    assert_eq!(server.revocations().replace(list), 1);
    let cut = read_all(&mut far).await.expect_err("a cut");
    assert_eq!(tunnel_error(&cut), CUT);
    assert_eq!(
        meet(&client, &server).await.server.expect_err("a refusal"),
        REVOKED
    );
}

#[tokio::test(start_paused = true)]
async fn the_list_of_another_authority_of_the_same_name_says_nothing() {
    // A new root often bears the name of the old one, and both have lists at that time.
    let (old, new) = (Ca::new("mesh"), Ca::new("mesh"));
    let bundles = || {
        let roots = [old.root(), new.root()];
        TrustBundles::new()
            .with_roots("cluster.local", roots)
            .expect("a bundle")
    };
    let shown = Leaf::of(CLIENT).signed_by(&new);
    let server = server_tls(&Leaf::of(SERVER).signed_by(&old), bundles());
    let client = client_tls(&shown, bundles());
    let both = |revoking: &Ca, other: &Ca| {
        let lists = [pem(revoking, &[&shown]), pem(other, &[])];
        parse(&lists.concat())
    };
    server.revocations().replace(both(&old, &new));
    let _tunnels = meet(&client, &server).await.tunnels();
    assert_eq!(server.revocations().replace(both(&old, &new)), 0);
    assert_eq!(server.revocations().replace(both(&new, &old)), 1);
    assert_eq!(
        meet(&client, &server).await.server.expect_err("a refusal"),
        REVOKED
    );
}

#[tokio::test(start_paused = true)]
async fn an_expired_list_still_revokes_and_fails_others_only_if_told_to() {
    // [23]
    let (good, revoked) = (workload(CLIENT), workload(MALLORY));
    let server = server_tls(&workload(SERVER), mesh_bundle());
    let client = client_tls(&good, mesh_bundle());
    let expired = || {
        let list = params(&revoked.chain, 2021).signed_by(&MESH.0);
        parse(&list.and_then(|list| list.pem()).expect("a list"))
    };
    let refusal = async || {
        let client = client_tls(&revoked, mesh_bundle());
        meet(&client, &server).await.server.expect_err("a refusal")
    };
    server.revocations().replace(expired());
    let (mut near, mut far) = meet(&client, &server).await.tunnels();
    assert_eq!(refusal().await, REVOKED);

    server.revocations().set_expired(ExpiredCrl::Refuse);
    assert_eq!(server.revocations().replace(expired()), 0);
    let unknown = EstablishError::PeerCertificate(CertificateFault::RevocationUnknown);
    let refused = meet(&client, &server).await.server.expect_err("a refusal");
    assert_eq!(refused, unknown);
    assert_eq!(refusal().await, REVOKED);
    works(&mut near, &mut far).await;
    // A current list beside it is as good as any.
    let current = pem(&MESH, &[]);
    let lists = params(&revoked.chain, 2021).signed_by(&MESH.0);
    let lists = lists.and_then(|list| list.pem()).expect("a list") + &current;
    server.revocations().replace(parse(&lists));
    meet(&client, &server).await.tunnels();
}

#[test]
fn lists_are_read_in_pem_among_other_blocks_and_in_der() {
    let revoked = workload(CLIENT);
    let one = pem(&MESH, &[&revoked]);
    let certificate = MESH.0.pem();
    let text = format!("the lists of 2026\n{one}{certificate}{one}");
    assert_eq!(parse(&text).len(), 2);
    assert!(parse(&certificate).is_empty());
    for empty in ["", " \n\t"] {
        assert!(parse(empty).is_empty());
    }
    let list = params(&revoked.chain, 2200)
        .signed_by(&MESH.0)
        .expect("a list");
    assert_eq!(Crls::parse(list.der()).map(|lists| lists.len()), Ok(1));
}

#[test]
fn a_list_that_would_be_skipped_for_its_margin_is_an_error() {
    let (one, other) = (pem(&MESH, &[]), pem(&MESH, &[&workload(CLIENT)]));
    let line = one.lines().count() + 1;
    for margin in [" ", "\t", "\u{feff}"] {
        let error = Crls::parse(format!("{one}{margin}{other}").as_bytes()).expect_err("a margin");
        let said = error.to_string();
        assert!(said.contains(&format!("on line {line};")), "{said}");
    }
}

#[test]
fn what_is_no_list_is_an_error_and_never_a_panic() {
    let list = params(&workload(CLIENT).chain, 2200)
        .signed_by(&MESH.0)
        .expect("a list");
    for length in 1..list.der().len() {
        assert!(
            Crls::parse(&list.der()[..length]).is_err(),
            "{length} bytes"
        );
    }
    for index in 0..list.der().len() {
        let mut bad = list.der().to_vec();
        bad[index] ^= 0x41;
        let _ = Crls::parse(&bad);
    }
    assert!(matches!(
        Crls::parse(b"revoked: all"),
        Err(TlsConfigError::Pem { .. })
    ));
    let cut_short = pem(&MESH, &[]);
    assert!(Crls::parse(&cut_short.as_bytes()[..cut_short.len() / 2]).is_err());
}
