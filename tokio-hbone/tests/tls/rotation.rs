//! Certificates and bundles that change under live connections, and those that expire.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use hbone::{CertificateFault, DialCause, EstablishError};
use rcgen::date_time_ymd;
use rustls::time_provider::TimeProvider;
use rustls::{ClientConfig, ServerConfig};
use rustls_pki_types::UnixTime;
use tokio_hbone::tls::{
    CertificateSource, ClientTls, Credentials, Rotating, ServerTls, TlsConfigError, TrustBundles,
};

use crate::meet::{meet, meet_one_of, works};
use crate::support::ends::{client_tls, server_tls};
use crate::support::pki::{
    CLIENT, GATEWAY, Leaf, MALLORY, MESH, SERVER, STRANGER, bundle, mesh_bundle, workload,
};
use crate::support::script_tls::{Anybody, provider};

fn rotating(who: &str) -> Rotating {
    let credentials = workload(who).credentials();
    Rotating::new(provider(), credentials, mesh_bundle()).expect("a source")
}

/// HBONE-I-009.
#[tokio::test(start_paused = true)]
async fn a_new_certificate_serves_new_handshakes_and_leaves_live_tunnels_alone() {
    // [19]
    let (here, there) = (rotating(CLIENT), rotating(SERVER));
    let client = ClientTls::from_source(provider(), here.clone()).expect("a client");
    let server = ServerTls::from_source(provider(), there.clone()).expect("a server");
    let either = [SERVER, GATEWAY];
    let (mut near, mut far) = meet_one_of(&client, &server, &either).await.tunnels();
    let before = client.generation();

    there
        .replace_credentials(workload(GATEWAY).credentials())
        .expect("new ones");
    here.replace_credentials(workload(MALLORY).credentials())
        .expect("new ones");
    assert_ne!(client.generation(), before);
    let (mut new_near, mut new_far) = meet_one_of(&client, &server, &either).await.tunnels();
    assert_eq!(new_near.peer().to_string(), GATEWAY);
    assert_eq!(new_far.peer().to_string(), MALLORY);
    works(&mut new_near, &mut new_far).await;

    works(&mut near, &mut far).await;
    assert_eq!(near.peer().to_string(), SERVER);
    assert_eq!(far.peer().to_string(), CLIENT);
}

#[tokio::test(start_paused = true)]
async fn a_new_bundle_is_who_is_trusted_from_then_on() {
    // [19]
    let there = rotating(SERVER);
    let server = ServerTls::from_source(provider(), there.clone()).expect("a server");
    let old = client_tls(&workload(CLIENT), mesh_bundle());
    let new = Leaf::of(CLIENT).signed_by(&STRANGER);
    let new = client_tls(&new, mesh_bundle());
    let (mut near, mut far) = meet(&old, &server).await.tunnels();
    assert!(meet(&new, &server).await.server.is_err());

    there
        .replace_bundles(bundle("cluster.local", &STRANGER))
        .expect("a bundle");
    meet(&new, &server).await.tunnels();
    let refused = meet(&old, &server).await.server.expect_err("a refusal");
    let unknown = EstablishError::PeerCertificate(CertificateFault::UnknownIssuer);
    assert_eq!(refused, unknown);
    works(&mut near, &mut far).await;
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_used_is_refused_and_the_former_stays() {
    let there = rotating(SERVER);
    let server = ServerTls::from_source(provider(), there.clone()).expect("a server");
    let generation = there.generation();
    let mixed = Credentials::new(workload(SERVER).chain, workload(SERVER).key());
    assert_eq!(
        there.replace_credentials(mixed),
        Err(TlsConfigError::KeyMismatch)
    );
    assert_eq!(
        there.replace_bundles(TrustBundles::new()),
        Err(TlsConfigError::NoBundle)
    );
    assert_eq!(there.generation(), generation);
    let client = client_tls(&workload(CLIENT), mesh_bundle());
    meet(&client, &server).await.tunnels();
}

/// A source that loses what it had, as one behind a Workload API may.
#[derive(Debug)]
struct Failing {
    failed: Arc<AtomicBool>,
    good: Rotating,
}

impl CertificateSource for Failing {
    fn generation(&self) -> u64 {
        u64::from(self.failed.load(Ordering::SeqCst))
    }

    fn credentials(&self) -> Result<Arc<Credentials>, TlsConfigError> {
        match self.failed.load(Ordering::SeqCst) {
            false => self.good.credentials(),
            true => Err(TlsConfigError::Refused("no SVID".to_owned())),
        }
    }

    fn bundles(&self) -> Result<Arc<TrustBundles>, TlsConfigError> {
        self.good.bundles()
    }
}

#[tokio::test(start_paused = true)]
async fn a_source_that_fails_later_leaves_the_last_good_in_force() {
    let failed = Arc::new(AtomicBool::new(true));
    let failing = || Failing {
        failed: Arc::clone(&failed),
        good: rotating(CLIENT),
    };
    // At the start there is nothing to fall back on.
    assert!(ClientTls::from_source(provider(), failing()).is_err());
    failed.store(false, Ordering::SeqCst);
    let client = ClientTls::from_source(provider(), failing()).expect("a client");
    failed.store(true, Ordering::SeqCst);
    let server = server_tls(&workload(SERVER), mesh_bundle());
    let (_, accepted) = meet(&client, &server).await.tunnels();
    assert_eq!(accepted.peer().to_string(), CLIENT);
    assert_eq!(client.generation(), 0);
}

/// A clock that a test sets.
#[derive(Clone, Debug)]
struct Clock(Arc<AtomicU64>);

impl TimeProvider for Clock {
    fn current_time(&self) -> Option<UnixTime> {
        let seconds = Duration::from_secs(self.0.load(Ordering::SeqCst));
        Some(UnixTime::since_unix_epoch(seconds))
    }
}

#[tokio::test(start_paused = true)]
async fn a_certificate_that_expires_ends_no_tunnel_and_begins_none() {
    // [20]
    let seconds =
        |year| u64::try_from(date_time_ymd(year, 1, 1).unix_timestamp()).expect("later than 1970");
    let clock = Clock(Arc::new(AtomicU64::new(seconds(2030))));
    let short_lived = |who| {
        let mut leaf = Leaf::of(who);
        leaf.0.not_after = date_time_ymd(2031, 1, 1);
        leaf.signed_by(&MESH)
    };
    let shown = short_lived(SERVER);
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(shown.chain.clone(), shown.key())
        .expect("a certificate");
    config.time_provider = Arc::new(clock.clone());
    let server = ServerTls::from_config(config, mesh_bundle()).expect("a server");
    let shown = workload(CLIENT);
    let mut config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .expect("versions")
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anybody))
        .with_client_auth_cert(shown.chain.clone(), shown.key())
        .expect("a certificate");
    config.time_provider = Arc::new(clock.clone());
    let client = ClientTls::from_config(config, mesh_bundle()).expect("a client");

    let (mut near, mut far) = meet(&client, &server).await.tunnels();
    clock.0.store(seconds(2031) + 1, Ordering::SeqCst);
    works(&mut near, &mut far).await;
    let cause = meet(&client, &server).await.client.expect_err("a refusal");
    let expired = EstablishError::PeerCertificate(CertificateFault::Expired);
    assert_eq!(cause, DialCause::Establish(expired));
    works(&mut near, &mut far).await;
}
