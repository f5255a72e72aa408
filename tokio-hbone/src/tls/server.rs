use std::fmt;
use std::sync::Arc;

use hbone::{Alert, LinkFailure};
use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use rustls::server::{NoServerSessionStorage, ResolvesServerCert};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::client_verifier::ClientVerifier;
use super::live_peer::LivePeer;
use super::material::Material;
use super::setup::Setup;
use super::{
    CertificateSource, Credentials, Revocations, TlsConfigError, TrustBundles, link_failure,
};

/// The server's side of mutual TLS: TLS 1.3, ALPN `h2` and nothing else, a client certificate is mandatory, no resumption
/// and so no early data.
///
/// Specification: HBONE-T-002, HBONE-T-003, HBONE-T-004, HBONE-T-005, HBONE-T-006, HBONE-T-008, HBONE-I-004.
#[derive(Clone)]
pub struct ServerTls {
    setup: Setup,
    callers: Option<Arc<ServerConfig>>,
}

impl ServerTls {
    /// A server that shows `credentials` and lets in every workload that `bundles` vouch for, for ever.
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

    /// A server that shows and trusts what `source` has at the time of each handshake, and heeds its revocations.
    ///
    /// # Errors
    /// [`TlsConfigError`] if what it has now cannot be used.
    pub fn from_source(
        provider: Arc<CryptoProvider>,
        source: impl CertificateSource,
    ) -> Result<Self, TlsConfigError> {
        Self::checked(Setup::following(provider, source)?, None)
    }

    /// A server that takes from a caller's `config` the provider, the credentials, the clock, the key log, the order of
    /// cipher suites, the fragment size and certificate compression. What HBONE fixes stays as it is here: the
    /// verification of the client, the protocol versions, ALPN, and neither tickets, resumption nor early data.
    ///
    /// # Errors
    /// [`TlsConfigError`] if a part cannot be used.
    pub fn from_config(
        config: ServerConfig,
        bundles: TrustBundles,
    ) -> Result<Self, TlsConfigError> {
        let provider = Arc::clone(config.crypto_provider());
        Self::checked(
            Setup::fixed(provider, None, bundles)?,
            Some(Arc::new(config)),
        )
    }

    /// The same, but speaks TLS 1.2 with a client that has no newer.
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

    /// Shakes hands over `io` with a client that some bundle vouches for.
    pub(crate) async fn accept<IO>(&self, io: IO) -> Result<(TlsStream<IO>, LivePeer), LinkFailure>
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        let material = self.setup.material();
        let verifier = Arc::new(ClientVerifier::new(self.setup.verifier(&material)));
        let config = self
            .config(material, Arc::clone(&verifier))
            .map_err(|error| LinkFailure::Tls(error.to_string()))?;
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let stream = match acceptor.accept(io).into_fallible().await {
            Ok(stream) => stream,
            Err((error, mut io)) => {
                // The alert that says why is on its way. An IO that is dropped now may take it back: a tunnel is reset.
                let _ = io.shutdown().await;
                return Err(link_failure(&error));
            }
        };
        // rustls lets a client pass that offers no protocol at all; on this port there is but one.
        if stream.get_ref().1.alpn_protocol() != Some(b"h2") {
            return Err(LinkFailure::Alert(Alert::from_wire(120)));
        }
        Ok((stream, verifier.enter()?))
    }

    /// Finds out now what would fail every handshake.
    fn checked(setup: Setup, callers: Option<Arc<ServerConfig>>) -> Result<Self, TlsConfigError> {
        let this = Self { setup, callers };
        let material = this.setup.material();
        let verifier = ClientVerifier::new(this.setup.verifier(&material));
        this.config(material, Arc::new(verifier))?;
        Ok(this)
    }

    /// The configuration for one handshake.
    fn config(
        &self,
        material: Material,
        verifier: Arc<ClientVerifier>,
    ) -> Result<ServerConfig, rustls::Error> {
        let resolver: Arc<dyn ResolvesServerCert> = match (material.key, &self.callers) {
            (Some(key), _) => key,
            (None, Some(callers)) => Arc::clone(&callers.cert_resolver),
            (None, None) => return Err(rustls::Error::NoCertificatesPresented),
        };
        let mut config = ServerConfig::builder_with_provider(Arc::clone(&self.setup.provider))
            .with_protocol_versions(self.setup.versions())?
            .with_client_cert_verifier(verifier)
            .with_cert_resolver(resolver);
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
            config.ignore_client_order = callers.ignore_client_order;
            config.key_log = Arc::clone(&callers.key_log);
            config.max_fragment_size = callers.max_fragment_size;
            config.require_ems = callers.require_ems;
            config.time_provider = Arc::clone(&callers.time_provider);
        }
        config.alpn_protocols = vec![b"h2".to_vec()];
        config.max_early_data_size = 0;
        config.send_tls13_tickets = 0;
        config.session_storage = Arc::new(NoServerSessionStorage {});
        Ok(config)
    }
}

impl fmt::Debug for ServerTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ServerTls({:?})", self.setup)
    }
}
