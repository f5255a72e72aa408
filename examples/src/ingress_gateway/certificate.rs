use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use crate::proxy::StartError;
use crate::stamp::Stamp;
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio::task::spawn_blocking;
use tokio::time::sleep;
use tokio_rustls::TlsAcceptor;

/// The certificate that clients from outside are shown, as its files have it.
#[derive(Debug)]
struct Certificate {
    chain: PathBuf,
    key: PathBuf,
    current: Mutex<Arc<CertifiedKey>>,
}

/// Of the two files.
type Stamps = [Option<Stamp>; 2];

/// How often the files are looked at.
const INTERVAL: Duration = Duration::from_secs(1);
/// Far more than any chain has.
const MOST: u64 = 16 << 20;

/// Accepts TLS with the certificate of these files, as it changes: HTTP/2 or HTTP/1.1, which the client chooses by ALPN.
pub(crate) fn follow(chain: PathBuf, key: PathBuf) -> Result<TlsAcceptor, StartError> {
    // Before they are read: what changes in between is then noticed.
    let stamps = [&chain, &key].map(|path| Stamp::of(path));
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
    tokio::spawn(watch(Arc::downgrade(&certificate), stamps));
    Ok(TlsAcceptor::from(Arc::new(config)))
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        Some(Arc::clone(&current))
    }
}

/// Follows the files for as long as somebody accepts with them.
async fn watch(certificate: Weak<Certificate>, mut seen: Stamps) {
    loop {
        sleep(INTERVAL).await;
        let Some(certificate) = certificate.upgrade() else {
            return;
        };
        // A file system may be slow, or far away.
        let looked = spawn_blocking(move || {
            let now = certificate.stamps();
            if now != seen {
                certificate.renew();
            }
            now
        });
        seen = looked.await.unwrap_or(seen);
    }
}

impl Certificate {
    fn stamps(&self) -> Stamps {
        [&self.chain, &self.key].map(|path| Stamp::of(path))
    }

    /// Reads the files again.
    fn renew(&self) {
        match read(&self.chain, &self.key) {
            Ok(read) => {
                let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
                *current = Arc::new(read);
                tracing::info!(path = %self.chain.display(), "the certificate has changed and is in force");
            }
            Err(error) => {
                tracing::error!(%error, "the certificate has changed and cannot be used; the former stays in force");
            }
        }
    }
}

fn read(chain: &Path, key: &Path) -> Result<CertifiedKey, StartError> {
    let text = bytes(chain).map_err(|error| unusable(chain, &error))?;
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(&text)
        .collect::<Result<_, _>>()
        .map_err(|error| unusable(chain, &error))?;
    if certificates.is_empty() {
        return Err(unusable(chain, &"it holds no certificate"));
    }
    let text = bytes(key).map_err(|error| unusable(key, &error))?;
    let private = PrivateKeyDer::from_pem_slice(&text).map_err(|error| unusable(key, &error))?;
    let provider = aws_lc_rs::default_provider();
    CertifiedKey::from_der(certificates, private, &provider).map_err(|error| match error {
        rustls::Error::InconsistentKeys(_) => unusable(
            key,
            &format_args!(
                "it is not the key of the first certificate in {}, which has to be the leaf",
                chain.display()
            ),
        ),
        error => unusable(key, &error),
    })
}

/// What a file holds that is one, and of a size that such a file may have.
fn bytes(path: &Path) -> io::Result<Vec<u8>> {
    // Asked before it is opened, since opening a pipe waits for whoever writes to it.
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    let mut bytes = Vec::new();
    let read = File::open(path)?.take(MOST + 1).read_to_end(&mut bytes)?;
    if u64::try_from(read).is_ok_and(|read| read > MOST) {
        let problem = format!("it is larger than {} MiB", MOST >> 20);
        return Err(io::Error::other(problem));
    }
    Ok(bytes)
}

fn unusable(path: &Path, reason: &dyn fmt::Display) -> StartError {
    StartError::Https {
        path: path.to_owned(),
        reason: reason.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;
    use crate::pki::Authority;

    #[test]
    fn what_is_no_file_is_told_and_neither_waited_for_nor_read_without_end() {
        let folder = std::env::temp_dir().join(format!("hbone-https-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        let path = |name: &str| folder.join(name);
        let root = Authority::root("test").expect("a root");
        let leaf = root.workload("spiffe://a/ns/b/sa/c").expect("a leaf");
        fs::write(path("leaf.pem"), &leaf.chain).expect("a file");
        fs::write(path("leaf.key"), &leaf.key).expect("a file");
        fs::write(path("reversed.pem"), root.pem() + &leaf.chain).expect("a file");
        fs::write(path("empty.pem"), "").expect("a file");
        let large = File::create(path("large.pem")).expect("a file");
        large.set_len(MOST + 1).expect("holes");
        let pipe = Command::new("mkfifo").arg(path("pipe.pem")).status();
        assert!(pipe.expect("mkfifo").success());
        let key = path("leaf.key");
        for (chain, told) in [
            (path("pipe.pem"), "pipe.pem: it is not a regular file"),
            (folder.clone(), "it is not a regular file"),
            ("/dev/zero".into(), "/dev/zero: it is not a regular file"),
            (path("large.pem"), "large.pem: it is larger than 16 MiB"),
            (path("empty.pem"), "empty.pem: it holds no certificate"),
            (path("reversed.pem"), "which has to be the leaf"),
        ] {
            let error = read(&chain, &key).expect_err(told).to_string();
            assert!(error.contains(told), "{told:?} in {error}");
            assert!(error.contains("give --https-cert"), "{error}");
        }
        let leaf = path("leaf.pem");
        let error = read(&leaf, &path("pipe.pem")).expect_err("a pipe");
        assert!(error.to_string().contains("not a regular file"), "{error}");
        assert!(read(&leaf, &key).is_ok());
        let _ = fs::remove_dir_all(&folder);
    }
}
