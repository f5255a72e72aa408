//! Certificates that do not hold for reasons that are seldom met, shown by either side.

use hbone::{CertificateFault, DialCause, EstablishError};
use rcgen::KeyUsagePurpose;

use crate::meet::meet;
use crate::support::ends::{client_tls, server_tls};
use crate::support::pki::{
    CLIENT, Ca, Leaf, MESH, SERVER, STRANGER, Shown, dns_san, mesh_bundle, uri_san, workload,
};

/// Has either side show this to the other, which must say `fault` and tell it by an alert.
async fn is_refused(show: impl Fn(&str) -> Shown, fault: CertificateFault) {
    let fault = EstablishError::PeerCertificate(fault);
    let good = server_tls(&workload(SERVER), mesh_bundle());
    let met = meet(&client_tls(&show(CLIENT), mesh_bundle()), &good).await;
    assert_eq!(met.server.expect_err("a bad client"), fault);
    let told = met.client.expect_err("a bad client");
    let late = matches!(
        told,
        DialCause::Establish(EstablishError::CertificateRefused { late: true, .. })
    );
    assert!(late, "{told:?}");

    let good = client_tls(&workload(CLIENT), mesh_bundle());
    let met = meet(&good, &server_tls(&show(SERVER), mesh_bundle())).await;
    let cause = met.client.expect_err("a bad server");
    assert_eq!(cause, DialCause::Establish(fault));
    let told = met.server.expect_err("a bad server");
    let at_once = matches!(told, EstablishError::CertificateRefused { late: false, .. });
    assert!(at_once, "{told:?}");
}

#[tokio::test(start_paused = true)]
async fn an_authority_with_the_name_of_ours_is_still_another() {
    // [11]
    let impostor = Ca::new("mesh");
    let show = |who: &str| Leaf::of(who).signed_by(&impostor);
    is_refused(show, CertificateFault::UnknownIssuer).await;
}

#[tokio::test(start_paused = true)]
async fn a_leaf_that_may_not_sign_the_handshake_is_refused() {
    // [17]
    let show = |who: &str| {
        let mut leaf = Leaf::of(who);
        leaf.0.key_usages = vec![KeyUsagePurpose::KeyAgreement];
        leaf.signed_by(&MESH)
    };
    is_refused(show, CertificateFault::NotForThisUse).await;
}

#[tokio::test(start_paused = true)]
async fn a_certificate_without_key_usages_is_good_for_both_roles() {
    let plain = |who| {
        let mut leaf = Leaf::of(who);
        leaf.0.key_usages = Vec::new();
        leaf.0.extended_key_usages = Vec::new();
        leaf.signed_by(&MESH)
    };
    let server = server_tls(&plain(SERVER), mesh_bundle());
    let client = client_tls(&plain(CLIENT), mesh_bundle());
    meet(&client, &server).await.tunnels();
}

#[tokio::test(start_paused = true)]
async fn a_chain_without_end_is_not_searched() {
    let show = |who: &str, above: usize| {
        let mut shown = workload(who);
        shown.chain.extend(vec![STRANGER.root(); above]);
        shown
    };
    let server = server_tls(&show(SERVER, 8), mesh_bundle());
    let client = client_tls(&show(CLIENT, 8), mesh_bundle());
    meet(&client, &server).await.tunnels();
    is_refused(|who| show(who, 9), CertificateFault::Bad).await;
}

#[tokio::test(start_paused = true)]
async fn a_leaf_of_enormous_size_is_not_read() {
    let show = |who: &str| {
        let others = (0..1000).map(|number| dns_san(&format!("host-{number}.default.example")));
        let names = [uri_san(who)].into_iter().chain(others);
        Leaf::of(who).with_names(names).signed_by(&MESH)
    };
    is_refused(show, CertificateFault::Bad).await;
}
