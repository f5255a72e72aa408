use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use hbone::{ExpectedIdentities, LinkFailure};
use rustls::ClientConfig;
use rustls::client::{ResolvesClientCert, Resumption};
use rustls::crypto::CryptoProvider;
use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::live_peer::LivePeer;
use super::material::Material;
use super::server_verifier::ServerVerifier;
use super::setup::Setup;
use super::{
    CertificateSource, Credentials, Revocations, TlsConfigError, TrustBundles, link_failure,
};

/// The client's side of mutual TLS: TLS 1.3, ALPN `h2`, no server name, no resumption and so no early data.
///
/// ```no_run
/// use std::sync::Arc;
/// use tokio_hbone::tls::{ClientTls, Credentials, TrustBundles};
///
/// let credentials = Credentials::from_pem(&std::fs::read("chain.pem")?, &std::fs::read("key.pem")?)?;
/// let bundles = TrustBundles::new().with_pem("cluster.local", &std::fs::read("root.pem")?)?;
/// let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
/// let tls = ClientTls::new(provider, credentials, bundles)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Specification: HBONE-T-002, HBONE-T-003, HBONE-T-004, HBONE-T-005, HBONE-T-006, HBONE-T-007, HBONE-T-008, HBONE-I-005.
#[derive(Clone)]
pub struct ClientTls {
    setup: Setup,
    callers: Option<Arc<ClientConfig>>,
}

impl ClientTls {
    /// A client that shows `credentials` and trusts `bundles`, for ever.
    ///
    /// # Errors
    /// [`TlsConfigError`] if a part cannot be used.
    pub fn new(
        provider: Arc<CryptoProvider>,
        credentials: Credentials,
        bundles: TrustBundles,
    ) -> Result<Self, TlsConfigError> {
        Self::checked(Setup::fixed(provider, Some(&credentials), bundles)?, None)
    }

    /// A client that shows and trusts what `source` has at the time of each handshake, and heeds its revocations.
    ///
    /// # Errors
    /// [`TlsConfigError`] if what it has now cannot be used.
    pub fn from_source(
        provider: Arc<CryptoProvider>,
        source: impl CertificateSource,
    ) -> Result<Self, TlsConfigError> {
        Self::checked(Setup::following(provider, source)?, None)
    }

    /// A client that takes from a caller's `config` the provider, the credentials, the clock, the key log, the fragment
    /// size and certificate compression. What HBONE fixes stays as it is here: the verification of the server, the
    /// protocol versions, ALPN, and neither server name, resumption nor early data.
    ///
    /// # Errors
    /// [`TlsConfigError`] if `config` has no credentials, or another part cannot be used.
    pub fn from_config(
        config: ClientConfig,
        bundles: TrustBundles,
    ) -> Result<Self, TlsConfigError> {
        if !config.client_auth_cert_resolver.has_certs() {
            return Err(TlsConfigError::Refused(
                "the client's configuration has no certificate to show".to_owned(),
            ));
        }
        let provider = Arc::clone(config.crypto_provider());
        Self::checked(
            Setup::fixed(provider, None, bundles)?,
            Some(Arc::new(config)),
        )
    }

    /// The same, but speaks TLS 1.2 with a server that has no newer.
    ///
    /// # Errors
    /// [`TlsConfigError`] if the provider has no suites for it.
    pub fn with_tls12(self) -> Result<Self, TlsConfigError> {
        Self::checked(self.setup.with_tls12(), self.callers)
    }

    /// The same, heeding `revocations`, which others may share.
    #[must_use]
    pub fn with_revocations(mut self, revocations: Revocations) -> Self {
        self.setup.revocations = revocations;
        self
    }

    /// The revocations that it heeds.
    #[must_use]
    pub const fn revocations(&self) -> &Revocations {
        &self.setup.revocations
    }

    /// Which credentials and bundles the next handshake uses; the number changes when they do. A connection made with
    /// others is not one to open new tunnels on, so that it belongs in the key of a pool.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.setup.generation()
    }

    /// Shakes hands over `io` with a server that must be one of `expect`.
    pub(crate) async fn connect<IO>(
        &self,
        io: IO,
        expect: &ExpectedIdentities,
    ) -> Result<(TlsStream<IO>, LivePeer), LinkFailure>
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        let material = self.setup.material();
        let verifier = ServerVerifier::new(self.setup.verifier(&material), expect.clone());
        let verifier = Arc::new(verifier);
        let config = self
            .config(material, Arc::clone(&verifier))
            .map_err(|error| LinkFailure::Tls(error.to_string()))?;
        // rustls wants a name to verify; ours is the SPIFFE id, so this one is neither sent nor looked at.
        let unused = ServerName::IpAddress(IpAddr::V4(Ipv4Addr::UNSPECIFIED).into());
        let stream = TlsConnector::from(Arc::new(config))
            .connect(unused, io)
            .await
            .map_err(|error| link_failure(&error))?;
        Ok((stream, verifier.enter()?))
    }

    /// Finds out now what would fail every handshake.
    fn checked(setup: Setup, callers: Option<Arc<ClientConfig>>) -> Result<Self, TlsConfigError> {
        let this = Self { setup, callers };
        let material = this.setup.material();
        let nobody = ExpectedIdentities::default();
        let verifier = ServerVerifier::new(this.setup.verifier(&material), nobody);
        this.config(material, Arc::new(verifier))?;
        Ok(this)
    }

    /// The configuration for one handshake.
    fn config(
        &self,
        material: Material,
        verifier: Arc<ServerVerifier>,
    ) -> Result<ClientConfig, rustls::Error> {
        let wants_credentials =
            ClientConfig::builder_with_provider(Arc::clone(&self.setup.provider))
                .with_protocol_versions(self.setup.versions())?
                .dangerous()
                .with_custom_certificate_verifier(verifier);
        let mut config = match (material.key, &self.callers) {
            (Some(key), _) => wants_credentials.with_client_cert_resolver(key),
            (None, Some(callers)) => {
                let resolver: Arc<dyn ResolvesClientCert> =
                    Arc::clone(&callers.client_auth_cert_resolver);
                wants_credentials.with_client_cert_resolver(resolver)
            }
            (None, None) => wants_credentials.with_no_client_auth(),
        };
        if let Some(key_log) = self.setup.key_log() {
            config.key_log = key_log;
        }
        if let Some(callers) = &self.callers {
            config.cert_compression_cache = Arc::clone(&callers.cert_compression_cache);
            config
                .cert_compressors
                .clone_from(&callers.cert_compressors);
            config
                .cert_decompressors
                .clone_from(&callers.cert_decompressors);
            config.key_log = Arc::clone(&callers.key_log);
            config.max_fragment_size = callers.max_fragment_size;
            config.require_ems = callers.require_ems;
            config.time_provider = Arc::clone(&callers.time_provider);
        }
        config.alpn_protocols = vec![b"h2".to_vec()];
        config.enable_early_data = false;
        config.enable_sni = false;
        config.resumption = Resumption::disabled();
        Ok(config)
    }
}

impl fmt::Debug for ClientTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClientTls({:?})", self.setup)
    }
}
