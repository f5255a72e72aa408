use std::fmt;
use std::sync::Arc;

use hbone::{Alert, Identity, LinkFailure};
use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use rustls::server::NoServerSessionStorage;
use rustls::version::TLS13;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::chain::ChainVerifier;
use super::client_verifier::ClientVerifier;
use super::{Credentials, TlsConfigError, TrustBundles, link_failure, svid};

/// The server's side of mutual TLS: TLS 1.3, ALPN `h2` and nothing else, a client certificate is mandatory, no resumption
/// and so no early data.
#[derive(Clone)]
pub struct ServerTls {
    config: Arc<ServerConfig>,
}

impl ServerTls {
    /// A server that shows `credentials` and lets in every workload that `bundles` vouch for.
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
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&TLS13])?
            .with_client_cert_verifier(Arc::new(ClientVerifier::new(chain)))
            .with_single_cert(credentials.chain, credentials.key)?;
        config.alpn_protocols = vec![b"h2".to_vec()];
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Ok(Self {
            config: Arc::new(config),
        })
    }

    /// Shakes hands over `io` with a client that some bundle vouches for.
    pub(crate) async fn accept<IO>(&self, io: IO) -> Result<(TlsStream<IO>, Identity), LinkFailure>
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        let acceptor = TlsAcceptor::from(Arc::clone(&self.config));
        let stream = match acceptor.accept(io).into_fallible().await {
            Ok(stream) => stream,
            Err((error, mut io)) => {
                // The alert that says why is on its way. An IO that is dropped now may take it back: a tunnel is reset.
                let _ = io.shutdown().await;
                return Err(link_failure(&error));
            }
        };
        let (_, session) = stream.get_ref();
        // rustls lets a client pass that offers no protocol at all; on this port there is but one.
        if session.alpn_protocol() != Some(b"h2") {
            return Err(LinkFailure::Alert(Alert::from_wire(120)));
        }
        let leaf = session.peer_certificates().and_then(<[_]>::first);
        let identity = svid::identity(leaf.ok_or(LinkFailure::Closed)?)?;
        Ok((stream, identity))
    }
}

impl fmt::Debug for ServerTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServerTls")
    }
}
