//! What a program that a test starts is told of itself: three words of the line that it reads.

use base64::Engine;
use base64::prelude::BASE64_STANDARD as BASE64;
use rustls_pki_types::PrivatePkcs8KeyDer;
use tokio_hbone::tls::{Credentials, TrustBundles};

use crate::support::pki::{MESH, workload};

/// The root of the mesh, and the certificate and key of the workload with this identity.
pub(crate) fn words(identity: &str) -> String {
    let shown = workload(identity);
    let ders = [&*MESH.root(), &*shown.chain[0], &*shown.key];
    ders.map(|der| BASE64.encode(der)).join(" ")
}

/// What those words are.
pub(crate) fn read([root, leaf, key]: [&str; 3]) -> (Credentials, TrustBundles) {
    let der = |text: &str| BASE64.decode(text).expect("base64");
    let key = PrivatePkcs8KeyDer::from(der(key));
    let bundles = TrustBundles::new()
        .with_roots("cluster.local", [der(root).into()])
        .expect("a bundle");
    (
        Credentials::new(vec![der(leaf).into()], key.into()),
        bundles,
    )
}
