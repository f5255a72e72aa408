//! Certificates that must not pass, shown to both our ends.

use hbone::{
    CertificateFault, DialCause, EstablishError, Expected, ExpectedIdentities, Hop,
    PeerIdentityFault, Route, TrustDomains,
};
use rcgen::ExtendedKeyUsagePurpose::{ClientAuth, ServerAuth};
use tokio::io::AsyncWriteExt;
use tokio_hbone::{Acceptor, Connector};

use crate::support::ends::{
    accept_next, acceptor, client_tls, connector, hop, identity, incoming, read_all, route,
    server_tls,
};
use crate::support::io::{BoxIo, pipe};
use crate::support::pki::{
    CLIENT, Ca, FOREIGNER, Leaf, MESH, OTHER, SERVER, STRANGER, Shown, dns_san, mesh_bundle,
    uri_san, workload,
};
use crate::support::raw::Raw;
use crate::support::script_tls::ScriptTls;
use crate::support::soon;

#[tokio::test(start_paused = true)]
async fn an_expired_certificate_is_refused_as_expired() {
    // [9] [10]
    certificate_is_refused(
        |who| Leaf::of(who).expired().signed_by(&MESH),
        CertificateFault::Expired,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_certificate_of_the_future_is_refused_as_not_yet_valid() {
    // [9] [10]
    certificate_is_refused(
        |who| Leaf::of(who).not_yet_valid().signed_by(&MESH),
        CertificateFault::NotYetValid,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_right_name_from_the_wrong_authority_is_refused() {
    // [11]
    certificate_is_refused(
        |who| Leaf::of(who).signed_by(&STRANGER),
        CertificateFault::UnknownIssuer,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_authority_of_one_trust_domain_cannot_speak_for_another() {
    // [13]: both domains are trusted, each by its own bundle.
    for (name, authority) in [(CLIENT, &OTHER), (FOREIGNER, &MESH)] {
        let shown = Leaf::of(name).signed_by(authority);
        let trusted = mesh_bundle()
            .with_roots("other.example", [OTHER.root()])
            .expect("a bundle");
        let acceptor = Acceptor::new(server_tls(&workload(SERVER), trusted.clone()));
        let error = server_refuses(acceptor, &shown).await;
        let fault = CertificateFault::UnknownIssuer;
        assert_eq!(error, EstablishError::PeerCertificate(fault), "{name}");

        let connector = Connector::new(client_tls(&workload(CLIENT), trusted));
        let error = client_refuses(connector, name, &shown).await;
        assert_eq!(error, EstablishError::PeerCertificate(fault), "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_trust_domain_without_a_bundle_is_refused() {
    let shown = Leaf::of(FOREIGNER).signed_by(&OTHER);
    let refused = EstablishError::PeerCertificate(CertificateFault::UnknownTrustDomain);
    assert_eq!(server_refuses(acceptor(), &shown).await, refused);
    assert_eq!(
        client_refuses(connector(), FOREIGNER, &shown).await,
        refused
    );
}

#[tokio::test(start_paused = true)]
async fn a_foreign_trust_domain_with_a_bundle_of_its_own_is_let_in() {
    let trusted = mesh_bundle()
        .with_roots("other.example", [OTHER.root()])
        .expect("a bundle");
    let acceptor = Acceptor::new(server_tls(
        &Leaf::of(FOREIGNER).signed_by(&OTHER),
        trusted.clone(),
    ));
    let connector = Connector::new(client_tls(&workload(CLIENT), trusted));
    let (near, far) = pipe();
    let mut incoming = incoming(far, acceptor);
    let route = Route::new(route().address(), hop("10.0.0.1:80", FOREIGNER));
    let (tunnel, accepted) = tokio::join!(
        connector.connect_over(near, &route),
        accept_next(&mut incoming)
    );
    assert_eq!(tunnel.expect("a tunnel").peer().to_string(), FOREIGNER);
    assert_eq!(accepted.peer().to_string(), CLIENT);
}

#[tokio::test(start_paused = true)]
async fn a_certificate_without_a_uri_name_is_refused() {
    // [14]
    identity_is_refused(
        |_| [dns_san("server.default.svc.cluster.local")].to_vec(),
        PeerIdentityFault::Missing,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_certificate_with_two_uri_names_is_refused_in_either_order() {
    // [15]
    for other in [FOREIGNER, "https://example.com/", "urn:x"] {
        identity_is_refused(
            |who| vec![uri_san(who), uri_san(other)],
            PeerIdentityFault::Several(2),
        )
        .await;
        identity_is_refused(
            |who| vec![uri_san(other), uri_san(who)],
            PeerIdentityFault::Several(2),
        )
        .await;
    }
    identity_is_refused(
        |who| vec![uri_san(who), uri_san(who)],
        PeerIdentityFault::Several(2),
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_uri_name_that_is_no_identity_of_a_workload_is_refused() {
    // [16]
    for odd in [
        "spiffe:///ns/default/sa/server",
        "SPIFFE://cluster.local/ns/default/sa/server",
        "spiffe://Cluster.Local/ns/default/sa/server",
        "spiffe://cluster.local/ns/default/sa/server/",
        "spiffe://cluster.local//ns/default/sa/server",
        "spiffe://cluster.local/ns/../sa/server",
        "spiffe://cluster.local/ns/%64efault/sa/server",
        "spiffe://cluster.local/ns/default/sa/server?x",
        "spiffe://cluster.local/ns/default/sa/server#x",
        "spiffe://cluster.local:80/ns/default/sa/server",
        "spiffe://user@cluster.local/ns/default/sa/server",
        "https://cluster.local/ns/default/sa/server",
        "spiffe://cluster.local",
    ] {
        let shown = Leaf::of(odd).signed_by(&MESH);
        let refused = PeerIdentityFault::Malformed(odd.to_owned());
        let error = server_refuses(acceptor(), &shown).await;
        assert_eq!(error, EstablishError::PeerIdentity(refused.clone()));
        let error = client_refuses(connector(), SERVER, &shown).await;
        assert_eq!(error, EstablishError::PeerIdentity(refused));
    }
}

#[tokio::test(start_paused = true)]
async fn names_of_other_kinds_beside_the_one_uri_mean_nothing() {
    let shown = Leaf::of(SERVER)
        .with_names([
            dns_san("first.example"),
            uri_san(SERVER),
            dns_san("last.example"),
        ])
        .signed_by(&MESH);
    let acceptor = Acceptor::new(server_tls(&shown, mesh_bundle()));
    let (near, far) = pipe();
    let _incoming = incoming(far, acceptor);
    let (connector, route) = (connector(), route());
    let connecting = connector.connect_over(near, &route);
    // Nobody answers the CONNECT; the handshake is what matters.
    let error = connecting.await.expect_err("no answer");
    assert!(matches!(error.cause, DialCause::Request(_)), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn a_leaf_that_is_an_authority_or_may_sign_is_refused() {
    // [17]
    certificate_is_refused(
        |who| Leaf::of(who).authority().signed_by(&MESH),
        CertificateFault::NotForThisUse,
    )
    .await;
    certificate_is_refused(
        |who| Leaf::of(who).that_may_sign().signed_by(&MESH),
        CertificateFault::NotForThisUse,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_certificate_for_the_other_role_is_refused() {
    // [17]
    let refused = EstablishError::PeerCertificate(CertificateFault::NotForThisUse);
    let server_only = Leaf::of(CLIENT).only_for(ServerAuth).signed_by(&MESH);
    assert_eq!(server_refuses(acceptor(), &server_only).await, refused);
    let client_only = Leaf::of(SERVER).only_for(ClientAuth).signed_by(&MESH);
    let error = client_refuses(connector(), SERVER, &client_only).await;
    assert_eq!(error, refused);
}

#[tokio::test(start_paused = true)]
async fn nobody_is_let_in_where_nobody_is_expected() {
    let connect = hop("10.0.0.1:80", SERVER).connect;
    let route = Route::new(
        route().address(),
        Hop::new(connect, ExpectedIdentities::default()),
    );
    let (near, far) = pipe();
    let _incoming = incoming(far, acceptor());
    let error = connector().connect_over(near, &route).await;
    let cause = error.expect_err("nobody is expected").cause;
    assert!(
        matches!(
            cause,
            DialCause::Establish(EstablishError::PeerIdentity(PeerIdentityFault::Mismatch(_)))
        ),
        "{cause:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_server_of_the_wrong_name_never_gets_a_byte_of_http() {
    // [10]
    let (near, far) = pipe();
    let script = tokio::spawn(async move {
        let tls = ScriptTls::new(Leaf::of(SERVER).expired().signed_by(&MESH));
        match tls.accept(Box::new(far) as BoxIo).await {
            Ok(stream) => Raw::over(stream).until_quiet().await,
            Err(_) => Vec::new(),
        }
    });
    let outcome = connector().connect_over(near, &route()).await;
    outcome.expect_err("expired");
    assert_eq!(soon(script).await.expect("no panic"), []);
}

#[tokio::test(start_paused = true)]
async fn rules_wider_than_one_identity_admit_whom_they_say() {
    let domain = identity(SERVER).trust_domain().clone();
    let anybody = Expected::TrustDomain(TrustDomains::new(domain, []));
    let connect = hop("10.0.0.1:80", SERVER).connect;
    let route = Route::new(route().address(), Hop::new(connect, anybody.into()));
    let (near, far) = pipe();
    let mut incoming = incoming(far, acceptor());
    let connector = connector();
    let (tunnel, mut accepted) = tokio::join!(
        connector.connect_over(near, &route),
        accept_next(&mut incoming)
    );
    let mut tunnel = tunnel.expect("a tunnel");
    assert_eq!(tunnel.peer().to_string(), SERVER);
    tunnel.write_all(b"x").await.expect("a peer");
    tunnel.shutdown().await.expect("a peer");
    assert_eq!(read_all(&mut accepted).await.expect("an end"), b"x");
}

async fn certificate_is_refused(show: impl Fn(&str) -> Shown, fault: CertificateFault) {
    let refused = EstablishError::PeerCertificate(fault);
    let error = server_refuses(acceptor(), &show(CLIENT)).await;
    assert_eq!(error, refused, "at the server");
    let error = client_refuses(connector(), SERVER, &show(SERVER)).await;
    assert_eq!(error, refused, "at the client");
}

async fn identity_is_refused(
    names: impl Fn(&str) -> Vec<rcgen::SanType>,
    fault: PeerIdentityFault,
) {
    let show = |who: &str, ca: &Ca| Leaf::of(who).with_names(names(who)).signed_by(ca);
    let refused = EstablishError::PeerIdentity(fault);
    let error = server_refuses(acceptor(), &show(CLIENT, &MESH)).await;
    assert_eq!(error, refused, "at the server");
    let error = client_refuses(connector(), SERVER, &show(SERVER, &MESH)).await;
    assert_eq!(error, refused, "at the client");
}

/// How `acceptor` ends with a client that shows this; the client must be told by an alert, and has no stream.
async fn server_refuses(acceptor: Acceptor, shown: &Shown) -> EstablishError {
    let (near, far) = pipe();
    let tls = ScriptTls::new(shown.clone());
    let client = async {
        let stream = tls.connect(Box::new(near) as BoxIo).await.expect("TLS 1.3");
        let mut raw = Raw::over(stream);
        assert_eq!(raw.any_frame().await, None);
        let alert = raw.end().await.expect_err("an alert");
        assert!(alert.to_string().contains("fatal alert"), "{alert}");
    };
    let (accepted, ()) = tokio::join!(soon(acceptor.accept(far)), client);
    accepted.expect_err("a bad certificate")
}

/// How `connector` ends with a server that shows this, where `expected` should be.
async fn client_refuses(connector: Connector, expected: &str, shown: &Shown) -> EstablishError {
    let (near, far) = pipe();
    let tls = ScriptTls::new(shown.clone());
    let route = Route::new(route().address(), hop("10.0.0.1:80", expected));
    let server = async {
        let error = tls.accept(far).await.err();
        let alert = error.expect("an alert").to_string();
        assert!(alert.contains("fatal alert"), "{alert}");
    };
    let (outcome, ()) = tokio::join!(soon(connector.connect_over(near, &route)), server);
    match outcome.expect_err("a bad certificate").cause {
        DialCause::Establish(error) => error,
        other => panic!("{other:?}"),
    }
}
