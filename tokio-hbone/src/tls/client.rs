use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use hbone::{ExpectedIdentities, Identity, LinkFailure};
use rustls::ClientConfig;
use rustls::client::Resumption;
use rustls::crypto::CryptoProvider;
use rustls::version::TLS13;
use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::chain::ChainVerifier;
use super::server_verifier::ServerVerifier;
use super::{Credentials, TlsConfigError, TrustBundles, link_failure, svid};

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
#[derive(Clone)]
pub struct ClientTls {
    config: Arc<ClientConfig>,
    chain: ChainVerifier,
}

impl ClientTls {
    /// A client that shows `credentials` and trusts `bundles`.
    ///
    /// # Errors
    /// [`TlsConfigError`] if a part cannot be used.
    pub fn new(
        provider: Arc<CryptoProvider>,
        credentials: Credentials,
        bundles: TrustBundles,
    ) -> Result<Self, TlsConfigError> {
        if bundles.is_empty() {
            return Err(TlsConfigError::NoBundle);
        }
        let chain = ChainVerifier::new(Arc::new(bundles), Arc::clone(&provider));
        let nobody = ServerVerifier::new(chain.clone(), ExpectedIdentities::default());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&TLS13])?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(nobody))
            .with_client_auth_cert(credentials.chain, credentials.key)?;
        config.alpn_protocols = vec![b"h2".to_vec()];
        config.enable_sni = false;
        config.resumption = Resumption::disabled();
        Ok(Self {
            config: Arc::new(config),
            chain,
        })
    }

    /// Shakes hands over `io` with a server that must be one of `expect`.
    pub(crate) async fn connect<IO>(
        &self,
        io: IO,
        expect: &ExpectedIdentities,
    ) -> Result<(TlsStream<IO>, Identity), LinkFailure>
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        let mut config = ClientConfig::clone(&self.config);
        let verifier = ServerVerifier::new(self.chain.clone(), expect.clone());
        config
            .dangerous()
            .set_certificate_verifier(Arc::new(verifier));
        // rustls wants a name to verify; ours is the SPIFFE id, so this one is neither sent nor looked at.
        let unused = ServerName::IpAddress(IpAddr::V4(Ipv4Addr::UNSPECIFIED).into());
        let stream = TlsConnector::from(Arc::new(config))
            .connect(unused, io)
            .await
            .map_err(|error| link_failure(&error))?;
        let leaf = stream
            .get_ref()
            .1
            .peer_certificates()
            .and_then(<[_]>::first);
        let identity = svid::identity(leaf.ok_or(LinkFailure::Closed)?)?;
        Ok((stream, identity))
    }
}

impl fmt::Debug for ClientTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClientTls({:?})", self.chain)
    }
}
