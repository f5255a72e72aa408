//! Certificates that do not hold, shown by either side.

use hbone::{CertificateFault, DialCause, EstablishError, PeerIdentityFault};
use rcgen::{ExtendedKeyUsagePurpose, KeyUsagePurpose};
use tokio_hbone::tls::TrustBundles;

use crate::meet::meet;
use crate::support::ends::{client_tls, server_tls};
use crate::support::pki::{
    CLIENT, Ca, FOREIGNER, Leaf, MESH, OTHER, SERVER, STRANGER, Shown, dns_san, mesh_bundle,
    uri_san, workload,
};

fn certificate(fault: CertificateFault) -> EstablishError {
    EstablishError::PeerCertificate(fault)
}

/// A name, the certificate for `who`, and what the other side says of it. `use_of_other` is for the other role.
fn bad_certificates(
    who: &str,
    use_of_other: ExtendedKeyUsagePurpose,
) -> Vec<(&'static str, Shown, EstablishError)> {
    let mut key_agreement = Leaf::of(who);
    key_agreement.0.key_usages = vec![KeyUsagePurpose::KeyAgreement];
    let mut named_by_dns = Leaf::of(who);
    named_by_dns = named_by_dns.with_names([dns_san("server.default")]);
    let two = |first, second| {
        let names = [uri_san(first), uri_san(second)];
        Leaf::of(who).with_names(names).signed_by(&MESH)
    };
    let several = EstablishError::PeerIdentity(PeerIdentityFault::Several(2));
    vec![
        // [9] [10]
        (
            "expired",
            Leaf::of(who).expired().signed_by(&MESH),
            certificate(CertificateFault::Expired),
        ),
        (
            "not yet valid",
            Leaf::of(who).not_yet_valid().signed_by(&MESH),
            certificate(CertificateFault::NotYetValid),
        ),
        // [11]
        (
            "another authority",
            Leaf::of(who).signed_by(&STRANGER),
            certificate(CertificateFault::UnknownIssuer),
        ),
        (
            "another authority of the same name",
            Leaf::of(who).signed_by(&Ca::new("mesh")),
            certificate(CertificateFault::UnknownIssuer),
        ),
        // [13]
        (
            "the authority of another domain",
            Leaf::of(who).signed_by(&OTHER),
            certificate(CertificateFault::UnknownIssuer),
        ),
        (
            "another domain's workload by our authority",
            Leaf::of(FOREIGNER).signed_by(&MESH),
            certificate(CertificateFault::UnknownIssuer),
        ),
        (
            "a domain that nobody vouches for",
            workload("spiffe://third.example/ns/default/sa/server"),
            certificate(CertificateFault::UnknownTrustDomain),
        ),
        // [14]
        (
            "only a DNS name",
            named_by_dns.signed_by(&MESH),
            EstablishError::PeerIdentity(PeerIdentityFault::Missing),
        ),
        (
            "no name at all",
            Leaf::of(who).with_names([]).signed_by(&MESH),
            EstablishError::PeerIdentity(PeerIdentityFault::Missing),
        ),
        // [15]
        (
            "two names, ours first",
            two(who, FOREIGNER),
            several.clone(),
        ),
        ("two names, ours last", two(FOREIGNER, who), several.clone()),
        ("the same name twice", two(who, who), several),
        // [17]
        (
            "an authority",
            Leaf::of(who).authority().signed_by(&MESH),
            certificate(CertificateFault::NotForThisUse),
        ),
        (
            "may sign certificates",
            Leaf::of(who).that_may_sign().signed_by(&MESH),
            certificate(CertificateFault::NotForThisUse),
        ),
        (
            "may not sign a handshake",
            key_agreement.signed_by(&MESH),
            certificate(CertificateFault::NotForThisUse),
        ),
        (
            "for the other role",
            Leaf::of(who).only_for(use_of_other).signed_by(&MESH),
            certificate(CertificateFault::NotForThisUse),
        ),
    ]
}

/// What both sides trust: each domain its own authority.
fn bundles() -> TrustBundles {
    mesh_bundle()
        .with_roots("other.example", [OTHER.root()])
        .expect("a bundle")
}

#[tokio::test(start_paused = true)]
async fn a_client_whose_certificate_does_not_hold_is_refused_with_the_reason() {
    let server = server_tls(&workload(SERVER), bundles());
    for (name, shown, fault) in bad_certificates(CLIENT, ExtendedKeyUsagePurpose::ServerAuth) {
        let met = meet(&client_tls(&shown, bundles()), &server).await;
        assert_eq!(met.server.expect_err(name), fault, "{name}");
        let client = met.client.expect_err(name);
        let refused = matches!(
            client,
            DialCause::Establish(EstablishError::CertificateRefused { late: true, .. })
        );
        assert!(refused, "{name}: {client:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_whose_certificate_does_not_hold_gets_nothing_but_an_alert() {
    let client = client_tls(&workload(CLIENT), bundles());
    for (name, shown, fault) in bad_certificates(SERVER, ExtendedKeyUsagePurpose::ClientAuth) {
        let met = meet(&client, &server_tls(&shown, bundles())).await;
        let cause = met.client.expect_err(name);
        assert_eq!(cause, DialCause::Establish(fault), "{name}");
        // [10] Its handshake is not even done.
        let server = met.server.expect_err(name);
        let refused = matches!(
            server,
            EstablishError::CertificateRefused { late: false, .. }
        );
        assert!(refused, "{name}: {server:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn names_beside_the_one_spiffe_id_mean_nothing() {
    let names = [dns_san("client.default"), uri_san(CLIENT), dns_san("*")];
    let shown = Leaf::of(CLIENT).with_names(names).signed_by(&MESH);
    let server = server_tls(&workload(SERVER), bundles());
    let (_, accepted) = meet(&client_tls(&shown, bundles()), &server)
        .await
        .tunnels();
    assert_eq!(accepted.peer().to_string(), CLIENT);
}

#[tokio::test(start_paused = true)]
async fn a_certificate_without_key_usages_is_good_for_both_roles() {
    let plain = |who| {
        let mut leaf = Leaf::of(who);
        leaf.0.key_usages = Vec::new();
        leaf.0.extended_key_usages = Vec::new();
        leaf.signed_by(&MESH)
    };
    let server = server_tls(&plain(SERVER), bundles());
    meet(&client_tls(&plain(CLIENT), bundles()), &server)
        .await
        .tunnels();
}
