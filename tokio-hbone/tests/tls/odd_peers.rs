//! Peers that shake hands otherwise than ours do.

use std::sync::{Arc, Mutex};

use hbone::{CertificateFault, DialCause, EstablishError, PeerIdentityFault, Stage};
use rustls::client::Resumption;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, HandshakeKind, ServerConfig, SupportedProtocolVersion};
use rustls_pki_types::ServerName;
use tokio::io::AsyncReadExt;
use tokio_hbone::tls::{ClientTls, Credentials, ServerTls, TlsConfigError};
use tokio_hbone::{Acceptor, Connector};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::meet::meet;
use crate::support::ends::{client_tls, route, server_tls};
use crate::support::io::pipe;
use crate::support::pki::{CLIENT, Leaf, MALLORY, SERVER, STRANGER, Shown, mesh_bundle, workload};
use crate::support::raw::Raw;
use crate::support::script_tls::{Anybody, ScriptTls, provider};
use crate::support::soon;

#[tokio::test(start_paused = true)]
async fn a_peer_that_speaks_only_tls_1_2_is_refused_unless_that_is_switched_on() {
    // [26]
    let server = server_tls(&workload(SERVER), mesh_bundle());
    let old = ScriptTls::new(workload(CLIENT)).with_tls12_only();
    let (near, far) = pipe();
    let acceptor = Acceptor::new(server.clone());
    let (connected, accepted) = tokio::join!(old.connect(near), acceptor.accept(far));
    assert!(connected.is_err());
    assert!(
        matches!(accepted, Err(EstablishError::Tls(_))),
        "{accepted:?}"
    );

    let acceptor = Acceptor::new(server.with_tls12().expect("suites"));
    let (near, far) = pipe();
    let preface = async {
        let _open = Raw::client(near, &old, &[]).await;
        std::future::pending::<()>().await;
    };
    let accepted = tokio::select! {
        accepted = soon(acceptor.accept(far)) => accepted,
        () = preface => unreachable!("it waits"),
    };
    assert_eq!(accepted.expect("TLS 1.2").peer().to_string(), CLIENT);
}

#[tokio::test(start_paused = true)]
async fn a_client_speaks_tls_1_2_only_if_that_is_switched_on() {
    // [26]
    let old = ScriptTls::new(workload(SERVER)).with_tls12_only();
    let client = client_tls(&workload(CLIENT), mesh_bundle());
    for (client, stage) in [
        (client.clone(), None),
        // It gets as far as TLS goes: there is no HTTP/2 behind it.
        (client.with_tls12().expect("suites"), Some(Stage::Settings)),
    ] {
        let (near, far) = pipe();
        let server = old.clone();
        tokio::spawn(async move {
            let _open = server.accept(far).await;
            std::future::pending::<()>().await;
        });
        let opened = soon(Connector::new(client).connect_over(near, &route())).await;
        match (opened.expect_err("no HTTP/2").cause, stage) {
            (DialCause::Establish(EstablishError::TimedOut { stage, .. }), Some(expected)) => {
                assert_eq!(stage, expected);
            }
            (DialCause::Establish(EstablishError::Tls(_)), None) => {}
            other => panic!("{other:?}"),
        }
    }
}

/// Shows another certificate each time.
#[derive(Debug)]
struct InTurn(Mutex<Vec<Arc<CertifiedKey>>>);

impl ResolvesServerCert for InTurn {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.0.lock().expect("no panic").pop()
    }
}

fn certified(shown: &Shown) -> Arc<CertifiedKey> {
    let key = CertifiedKey::from_der(shown.chain.clone(), shown.key(), &provider());
    Arc::new(key.expect("a key"))
}

/// HBONE-T-007.
#[tokio::test(start_paused = true)]
async fn a_server_that_hands_out_tickets_is_verified_anew_each_time() {
    // [27]
    for version in [&rustls::version::TLS13, &rustls::version::TLS12] {
        let shown = [MALLORY, SERVER].map(|who| certified(&workload(who)));
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(&[version])
            .expect("versions")
            .with_client_cert_verifier(Arc::new(Anybody))
            .with_cert_resolver(Arc::new(InTurn(Mutex::new(shown.into()))));
        config.alpn_protocols = vec![b"h2".to_vec()];
        let server = TlsAcceptor::from(Arc::new(config));
        let client = client_tls(&workload(CLIENT), mesh_bundle());
        let connector = Connector::new(client.with_tls12().expect("suites"));
        let mut causes = Vec::new();
        for _ in 0..2 {
            let (near, far) = pipe();
            let server = server.clone();
            tokio::spawn(async move {
                let _open = server.accept(far).await;
                std::future::pending::<()>().await;
            });
            let opened = soon(connector.connect_over(near, &route())).await;
            causes.push(opened.expect_err("no HTTP/2").cause);
        }
        let [first, second] = &causes[..] else {
            panic!("two connects");
        };
        let settings = matches!(
            first,
            DialCause::Establish(EstablishError::TimedOut {
                stage: Stage::Settings,
                ..
            })
        );
        assert!(settings, "{first:?}");
        let stranger = matches!(
            second,
            DialCause::Establish(EstablishError::PeerIdentity(PeerIdentityFault::Mismatch(_)))
        );
        assert!(stranger, "{second:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_would_resume_gets_no_ticket_and_is_verified_anew() {
    // [27]
    let server = server_tls(&workload(SERVER), mesh_bundle());
    let server = server.with_tls12().expect("suites");
    for version in [&rustls::version::TLS13, &rustls::version::TLS12] {
        let config = resuming_client(&workload(CLIENT), version);
        for _ in 0..2 {
            let (near, far) = pipe();
            let acceptor = Acceptor::new(server.clone());
            tokio::spawn(async move { drop(acceptor.accept(far).await) });
            let name = ServerName::try_from("server.default").expect("a name");
            let connector = TlsConnector::from(Arc::clone(&config));
            let mut stream = connector.connect(name, near).await.expect("a handshake");
            // The server waits for a preface until its deadline, so whatever it would send has come by then.
            let _ = soon(stream.read_to_end(&mut Vec::new())).await;
            let session = stream.get_ref().1;
            assert_eq!(session.handshake_kind(), Some(HandshakeKind::Full));
        }
    }
}

fn resuming_client(shown: &Shown, version: &'static SupportedProtocolVersion) -> Arc<ClientConfig> {
    let mut config = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[version])
        .expect("versions")
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anybody))
        .with_client_auth_cert(shown.chain.clone(), shown.key())
        .expect("a certificate");
    config.alpn_protocols = vec![b"h2".to_vec()];
    config.resumption = Resumption::in_memory_sessions(8);
    Arc::new(config)
}

#[tokio::test(start_paused = true)]
async fn what_a_callers_configuration_says_about_hbones_own_matters_is_overruled() {
    let shown = workload(CLIENT);
    let mut config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .expect("versions")
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anybody))
        .with_client_auth_cert(shown.chain.clone(), shown.key())
        .expect("a certificate");
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config.enable_early_data = true;
    let client = ClientTls::from_config(config, mesh_bundle()).expect("a configuration");

    let shown = workload(SERVER);
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(shown.chain.clone(), shown.key())
        .expect("a certificate");
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config.max_early_data_size = 1 << 14;
    let server = ServerTls::from_config(config, mesh_bundle()).expect("a configuration");

    let (opened, accepted) = meet(&client, &server).await.tunnels();
    assert_eq!(opened.peer().to_string(), SERVER);
    assert_eq!(accepted.peer().to_string(), CLIENT);
    // The verifiers are ours, not the caller's.
    let stranger = Leaf::of(CLIENT).signed_by(&STRANGER);
    let met = meet(&client_tls(&stranger, mesh_bundle()), &server).await;
    let unknown = EstablishError::PeerCertificate(CertificateFault::UnknownIssuer);
    assert_eq!(met.server.expect_err("a refusal"), unknown);
    let stranger = Leaf::of(SERVER).signed_by(&STRANGER);
    let met = meet(&client, &server_tls(&stranger, mesh_bundle())).await;
    let unknown = EstablishError::PeerCertificate(CertificateFault::UnknownIssuer);
    assert_eq!(
        met.client.expect_err("a refusal"),
        DialCause::Establish(unknown)
    );
}

#[test]
fn a_configuration_that_would_fail_every_handshake_is_refused_at_once() {
    let (own, other) = (workload(SERVER), workload(SERVER));
    let mixed = || Credentials::new(own.chain.clone(), other.key());
    let none = || Credentials::new(Vec::new(), own.key());
    let refused =
        |credentials| ServerTls::new(provider(), credentials, mesh_bundle()).expect_err("refused");
    assert_eq!(refused(mixed()), TlsConfigError::KeyMismatch);
    assert!(matches!(refused(none()), TlsConfigError::Chain(_)));
    let reversed = [&*other.chain, &*own.chain].concat();
    let told = refused(Credentials::new(reversed, own.key())).to_string();
    let place = other.chain.len() + 1;
    assert!(told.contains(&format!("number {place} is")), "{told}");
    assert!(told.contains("put the leaf there"), "{told}");
    let trusting_nobody = ClientTls::new(provider(), own.credentials(), Default::default());
    assert_eq!(
        trusting_nobody.expect_err("refused"),
        TlsConfigError::NoBundle
    );
    let nameless = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .expect("versions")
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anybody))
        .with_no_client_auth();
    assert!(ClientTls::from_config(nameless, mesh_bundle()).is_err());
}
