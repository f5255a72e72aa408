use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use hbone::{ExpectedIdentities, Identity};
use hbone_examples::pki::Authority;
use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs::{cipher_suite, default_provider};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio_hbone::tls::{ClientTls, Credentials, ServerTls, TrustBundles};

/// The keys and certificates of one measurement: a folder that goes when this does.
pub(crate) struct Secrets(PathBuf);

/// The name in the certificate of the naive relays, which verify names.
pub(crate) const NAME: &str = "relay.test";
const ID: &str = "spiffe://cluster.local/ns/bench/sa/relay";

impl Secrets {
    pub(crate) fn create() -> Result<Self> {
        let folder = std::env::temp_dir().join(format!("bench-tunnel-{}", std::process::id()));
        fs::create_dir_all(&folder).with_context(|| format!("creating {}", folder.display()))?;
        let secrets = Self(folder);
        let root = Authority::root("bench root")?;
        let issued = root.workload_named(ID, NAME)?;
        fs::write(secrets.0.join("root.pem"), root.pem())?;
        fs::write(secrets.0.join("chain.pem"), issued.chain)?;
        fs::write(secrets.0.join("key.pem"), issued.key)?;
        Ok(secrets)
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.0
    }
}

impl Drop for Secrets {
    fn drop(&mut self) {
        // Left-over files in the temporary folder are no failure of the measurement.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Whom every relay of ours expects at the other end.
pub(crate) fn peer() -> Result<ExpectedIdentities> {
    Ok(Identity::parse(ID)?.into())
}

pub(crate) fn our_client(folder: &Path) -> Result<ClientTls> {
    let (credentials, bundles) = ours(folder)?;
    Ok(ClientTls::new(provider(), credentials, bundles)?)
}

pub(crate) fn our_server(folder: &Path) -> Result<ServerTls> {
    let (credentials, bundles) = ours(folder)?;
    Ok(ServerTls::new(provider(), credentials, bundles)?)
}

/// As rustls has it by default, session resumption included.
pub(crate) fn naive_client(folder: &Path) -> Result<Arc<ClientConfig>> {
    let (roots, chain, key) = naive(folder)?;
    let config = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_root_certificates(roots)
        .with_client_auth_cert(chain, key)?;
    Ok(Arc::new(config))
}

/// As rustls has it by default, but a client certificate is mandatory.
pub(crate) fn naive_server(folder: &Path) -> Result<Arc<ServerConfig>> {
    let (roots, chain, key) = naive(folder)?;
    let verifier =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider()).build()?;
    let config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_client_cert_verifier(verifier)
        .with_single_cert(chain, key)?;
    Ok(Arc::new(config))
}

/// The same cipher for all.
fn provider() -> Arc<CryptoProvider> {
    let mut provider = default_provider();
    provider.cipher_suites = vec![cipher_suite::TLS13_AES_256_GCM_SHA384];
    Arc::new(provider)
}

fn ours(folder: &Path) -> Result<(Credentials, TrustBundles)> {
    let read = |file| fs::read(folder.join(file)).with_context(|| format!("reading {file}"));
    let credentials = Credentials::from_pem(&read("chain.pem")?, &read("key.pem")?)?;
    let bundles = TrustBundles::new().with_pem("cluster.local", &read("root.pem")?)?;
    Ok((credentials, bundles))
}

type Naive = (
    RootCertStore,
    Vec<CertificateDer<'static>>,
    PrivateKeyDer<'static>,
);

fn naive(folder: &Path) -> Result<Naive> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(folder.join("root.pem"))?)?;
    let chain = CertificateDer::pem_file_iter(folder.join("chain.pem"))?;
    let key = PrivateKeyDer::from_pem_file(folder.join("key.pem"))?;
    Ok((roots, chain.collect::<Result<_, _>>()?, key))
}
