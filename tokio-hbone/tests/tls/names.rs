//! SPIFFE ids as they stand in certificates.

use std::sync::Arc;

use hbone::{CertificateFault, EstablishError, PeerIdentityFault};
use rcgen::CustomExtension;
use rustls::ClientConfig;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use tokio_hbone::tls::ClientTls;

use crate::meet::meet;
use crate::support::ends::{client_tls, server_tls};
use crate::support::pki::{CLIENT, Leaf, MESH, SERVER, Shown, mesh_bundle, workload};
use crate::support::script_tls::{Anybody, provider};

async fn refusal_of(shown: &Shown) -> EstablishError {
    let server = server_tls(&workload(SERVER), mesh_bundle());
    let met = meet(&client_tls(shown, mesh_bundle()), &server).await;
    met.server.expect_err("a refusal")
}

#[tokio::test(start_paused = true)]
async fn an_odd_spiffe_id_is_refused_and_never_normalised() {
    // [16]
    let long = format!("spiffe://cluster.local/ns/{}/sa/b", "n".repeat(2048));
    let odd = [
        "",
        "spiffe:",
        "spiffe://",
        "spiffe:///ns/a/sa/b",
        "spiffe://cluster.local",
        "spiffe://cluster.local/",
        "SPIFFE://cluster.local/ns/a/sa/b",
        "Spiffe://cluster.local/ns/a/sa/b",
        "spiffe://Cluster.Local/ns/a/sa/b",
        "spiffe://cluster.local/ns/a/sa/b/",
        "spiffe://cluster.local//ns/a/sa/b",
        "spiffe://cluster.local/ns//sa/b",
        "spiffe://cluster.local/ns/a/sa/",
        "spiffe://cluster.local/ns/../sa/b",
        "spiffe://cluster.local/ns/./sa/b",
        "spiffe://cluster.local/ns/%2e/sa/b",
        "spiffe://cluster.local/ns/a%2fb/sa/c",
        "spiffe://cluster.local/ns/a/sa/b?x",
        "spiffe://cluster.local/ns/a/sa/b#x",
        "spiffe://cluster.local:443/ns/a/sa/b",
        "spiffe://user@cluster.local/ns/a/sa/b",
        "spiffe://cluster.local/ns/a/sa/b/c",
        "spiffe://cluster.local/NS/a/sa/b",
        "spiffe://cluster.local/sa/b/ns/a",
        " spiffe://cluster.local/ns/a/sa/b",
        "spiffe://cluster.local/ns/a/sa/b ",
        "spiffe://cluster.local/ns/a/sa/b\0",
        "https://cluster.local/ns/a/sa/b",
        &long,
    ];
    for uri in odd {
        let told: String = uri.chars().take(256).collect();
        let expected = EstablishError::PeerIdentity(PeerIdentityFault::Malformed(told));
        assert_eq!(refusal_of(&workload(uri)).await, expected, "{uri:?}");
    }
}

/// The subject alternative names of a certificate, by hand: URIs, whatever is in them.
fn with_raw_uris(uris: &[&[u8]]) -> Shown {
    let mut names = Vec::new();
    for uri in uris {
        names.extend([0x86, u8::try_from(uri.len()).expect("a short URI")]);
        names.extend(*uri);
    }
    let mut content = vec![0x30, u8::try_from(names.len()).expect("a short list")];
    content.extend(names);
    let mut leaf = Leaf::of(CLIENT).with_names([]);
    let extension = CustomExtension::from_oid_content(&[2, 5, 29, 17], content);
    leaf.0.custom_extensions.push(extension);
    leaf.signed_by(&MESH)
}

#[tokio::test(start_paused = true)]
async fn a_name_that_cannot_be_read_is_not_passed_over() {
    // [15] To skip it would leave one name.
    for uris in [
        [CLIENT.as_bytes(), b"\xff\xfe"],
        [b"\xff\xfe", CLIENT.as_bytes()],
    ] {
        let bad = EstablishError::PeerCertificate(CertificateFault::Bad);
        assert_eq!(refusal_of(&with_raw_uris(&uris)).await, bad);
    }
}

#[tokio::test(start_paused = true)]
async fn a_second_list_of_names_is_refused() {
    let mut leaf = Leaf::of(CLIENT);
    let other =
        CustomExtension::from_oid_content(&[2, 5, 29, 17], vec![0x30, 0x03, 0x82, 0x01, b'a']);
    leaf.0.custom_extensions.push(other);
    let server = server_tls(&workload(SERVER), mesh_bundle());
    let met = meet(&that_shows(&leaf.signed_by(&MESH)), &server).await;
    let bad = EstablishError::PeerCertificate(CertificateFault::Bad);
    assert_eq!(met.server.expect_err("a refusal"), bad);
}

/// A client that shows what it would not accept as its own.
fn that_shows(shown: &Shown) -> ClientTls {
    let key = provider().key_provider.load_private_key(shown.key());
    let key = CertifiedKey::new(shown.chain.clone(), key.expect("a key"));
    let config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .expect("versions")
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anybody))
        .with_client_cert_resolver(Arc::new(SingleCertAndKey::from(key)));
    ClientTls::from_config(config, mesh_bundle()).expect("a client")
}
