use std::path::{Path, PathBuf};
use std::sync::Arc;

use hbone_examples::pki::Authority;
use rustls::crypto::aws_lc_rs;
use tokio_hbone::tls::{ClientTls, ServerTls, TrustBundles};

const DOMAIN: &str = "cluster.local";

/// The certificates of one test, in a folder of its own for the peers that read files.
pub(crate) struct Pki {
    authority: Authority,
    folder: PathBuf,
}

impl Pki {
    pub(crate) fn new(test: &str) -> Self {
        let authority = Authority::root("interop root").expect("a root");
        let folder =
            std::env::temp_dir().join(format!("hbone-interop-{test}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        std::fs::write(folder.join("root.pem"), authority.pem()).expect("root.pem");
        let pki = Self { authority, folder };
        for name in ["client", "gateway", "server"] {
            let issued = pki.authority.workload(&id(name)).expect("a certificate");
            pki.write(&format!("{name}.pem"), &issued.chain);
            pki.write(&format!("{name}.key"), &issued.key);
        }
        pki
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Our client, as the service account `name`.
    pub(crate) fn client(&self, name: &str) -> ClientTls {
        self.client_as(&id(name))
    }

    /// Our client, as whoever.
    pub(crate) fn client_as(&self, id: &str) -> ClientTls {
        let credentials = self
            .authority
            .workload(id)
            .and_then(|issued| issued.credentials());
        let credentials = credentials.expect("credentials");
        let provider = Arc::new(aws_lc_rs::default_provider());
        ClientTls::new(provider, credentials, self.bundles()).expect("a configuration")
    }

    /// Our server, as the service account `name`.
    pub(crate) fn server(&self, name: &str) -> ServerTls {
        let credentials = self
            .authority
            .workload(&id(name))
            .and_then(|issued| issued.credentials());
        let credentials = credentials.expect("credentials");
        let provider = Arc::new(aws_lc_rs::default_provider());
        ServerTls::new(provider, credentials, self.bundles()).expect("a configuration")
    }

    fn bundles(&self) -> TrustBundles {
        let roots = [self.authority.certificate().clone()];
        TrustBundles::new()
            .with_roots(DOMAIN, roots)
            .expect("a bundle")
    }

    fn write(&self, file: &str, text: &str) {
        std::fs::write(self.folder.join(file), text).expect("a certificate file");
    }
}

impl Drop for Pki {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// The identity of a service account.
pub(crate) fn id(name: &str) -> String {
    format!("spiffe://{DOMAIN}/ns/default/sa/{name}")
}
