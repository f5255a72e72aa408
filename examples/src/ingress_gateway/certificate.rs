use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, SystemTime};

use crate::proxy::StartError;
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio::time::sleep;
use tokio_rustls::TlsAcceptor;

/// The certificate that clients from outside are shown, as its files have it.
#[derive(Debug)]
struct Certificate {
    chain: PathBuf,
    key: PathBuf,
    current: Mutex<Arc<CertifiedKey>>,
}

/// How often the files are looked at.
const INTERVAL: Duration = Duration::from_secs(5);

/// Accepts TLS with the certificate of these files, as it changes: HTTP/2 or HTTP/1.1, which the client chooses by ALPN.
pub(crate) fn follow(chain: PathBuf, key: PathBuf) -> Result<TlsAcceptor, StartError> {
    let current = Mutex::new(Arc::new(read(&chain, &key)?));
    let certificate = Arc::new(Certificate {
        chain,
        key,
        current,
    });
    let provider = Arc::new(aws_lc_rs::default_provider());
    let versions =
        ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let versions = versions.map_err(|error| unusable(&certificate.chain, &error))?;
    let mut config = versions
        .with_no_client_auth()
        .with_cert_resolver(Arc::clone(&certificate) as Arc<dyn ResolvesServerCert>);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    tokio::spawn(watch(Arc::downgrade(&certificate)));
    Ok(TlsAcceptor::from(Arc::new(config)))
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        Some(Arc::clone(&current))
    }
}

/// Follows the files for as long as somebody accepts with them.
async fn watch(certificate: Weak<Certificate>) {
    let mut seen = certificate
        .upgrade()
        .map(|certificate| certificate.stamps());
    loop {
        sleep(INTERVAL).await;
        let Some(certificate) = certificate.upgrade() else {
            return;
        };
        let now = Some(certificate.stamps());
        if now == seen {
            continue;
        }
        seen = now;
        match read(&certificate.chain, &certificate.key) {
            Ok(read) => {
                let mut current = certificate.current.lock();
                let current = current.as_mut().map(|current| **current = Arc::new(read));
                if current.is_ok() {
                    tracing::info!(path = %certificate.chain.display(), "the certificate has changed and is in force");
                }
            }
            Err(error) => {
                tracing::error!(%error, "the certificate has changed and cannot be used; the former stays in force");
            }
        }
    }
}

impl Certificate {
    fn stamps(&self) -> [Option<SystemTime>; 2] {
        [&self.chain, &self.key].map(|path| {
            std::fs::metadata(path)
                .and_then(|file| file.modified())
                .ok()
        })
    }
}

fn read(chain: &Path, key: &Path) -> Result<CertifiedKey, StartError> {
    let certificates = CertificateDer::pem_file_iter(chain)
        .and_then(Iterator::collect)
        .map_err(|error| unusable(chain, &error))?;
    let private = PrivateKeyDer::from_pem_file(key).map_err(|error| unusable(key, &error))?;
    let provider = aws_lc_rs::default_provider();
    CertifiedKey::from_der(certificates, private, &provider).map_err(|error| unusable(key, &error))
}

fn unusable(path: &Path, error: &dyn std::error::Error) -> StartError {
    StartError::Https {
        path: path.to_owned(),
        reason: error.to_string(),
    }
}
