use std::net::{IpAddr, Ipv4Addr};
use std::pin::Pin;
use std::sync::Arc;

use anyhow::{Context, Result};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::Acceptor;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CipherSuite, ClientConfig, ClientConnection, DigitallySignedStruct, DistinguishedName,
    ProtocolVersion, ServerConfig, SignatureScheme, SupportedCipherSuite, SupportedProtocolVersion,
};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio_rustls::{LazyConfigAcceptor, TlsConnector, TlsStream};

use super::link::PREFACE;

/// Octets both ways that can be cut off without TLS saying so.
pub trait Stream: AsyncRead + AsyncWrite + Unpin + Send {
    /// Ends what is below TLS.
    fn vanish(&mut self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;
}

impl<I: AsyncRead + AsyncWrite + Unpin + Send> Stream for TlsStream<I> {
    fn vanish(&mut self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(async {
            let (below, _) = self.get_mut();
            let _ = below.shutdown().await;
        })
    }
}

/// A certificate chain and its key.
#[derive(Debug)]
pub struct Shown {
    /// The leaf first.
    pub chain: Vec<CertificateDer<'static>>,
    /// The leaf's.
    pub key: PrivateKeyDer<'static>,
}

impl Clone for Shown {
    fn clone(&self) -> Self {
        Self {
            chain: self.chain.clone(),
            key: self.key.clone_key(),
        }
    }
}

/// The only version that HBONE needs.
pub const TLS13: &[&SupportedProtocolVersion] = &[&rustls::version::TLS13];
/// The one that some older peers need.
pub const TLS12: &[&SupportedProtocolVersion] = &[&rustls::version::TLS12];

/// How a client begins its handshake.
#[derive(Clone, Debug)]
pub struct ClientHello {
    /// The client's certificate, if it shows one.
    pub shown: Option<Shown>,
    /// The protocols that are offered.
    pub alpn: &'static [&'static str],
    /// The versions of TLS that are offered.
    pub versions: &'static [&'static SupportedProtocolVersion],
    /// The only suite that is offered, if one is named.
    pub suite: Option<CipherSuite>,
    /// What is sent as SNI, if anything.
    pub server_name: Option<&'static str>,
}

impl ClientHello {
    /// As HBONE wants it.
    #[must_use]
    pub fn good(shown: Shown) -> Self {
        Self {
            shown: Some(shown),
            alpn: &["h2"],
            versions: TLS13,
            suite: None,
            server_name: None,
        }
    }
}

/// What came of a handshake.
#[derive(Debug)]
pub struct Handshaken<I> {
    /// The bytes within.
    pub io: TlsStream<I>,
    /// The version that both agreed on.
    pub version: Option<ProtocolVersion>,
    /// The protocol that was selected.
    pub alpn: Option<Vec<u8>>,
    /// The leaf of the other side.
    pub leaf: Option<CertificateDer<'static>>,
}

/// A client's handshake that believes every server.
///
/// # Errors
/// If the handshake fails.
pub async fn connect<I: AsyncRead + AsyncWrite + Unpin + Send>(
    io: I,
    hello: &ClientHello,
) -> Result<Handshaken<I>> {
    let connector = TlsConnector::from(Arc::new(config(hello)?));
    let stream = connector.connect(name(hello)?, io).await?;
    Ok(handshaken(stream.into()))
}

/// Whether the server lets a client that comes back send data before its handshake is done (RFC 8446 section 2.3).
///
/// # Errors
/// If the handshake fails, or nothing comes behind it.
pub async fn offers_early_data<I: AsyncRead + AsyncWrite + Unpin + Send>(
    io: I,
    hello: &ClientHello,
) -> Result<bool> {
    let mut config = config(hello)?;
    config.enable_early_data = true;
    let config = Arc::new(config);
    let connector = TlsConnector::from(Arc::clone(&config));
    let mut stream = connector.connect(name(hello)?, io).await?;
    stream.write_all(PREFACE).await?;
    stream.write_all(&[0, 0, 0, 4, 0, 0, 0, 0, 0]).await?;
    stream.flush().await?;
    // The tickets come before the first byte of HTTP/2.
    stream.read_u8().await?;
    let mut again = ClientConnection::new(config, name(hello)?)?;
    Ok(again.early_data().is_some())
}

fn config(hello: &ClientHello) -> Result<ClientConfig> {
    let mut provider = aws_lc_rs::default_provider();
    if let Some(suite) = hello.suite {
        provider
            .cipher_suites
            .retain(|known: &SupportedCipherSuite| known.suite() == suite);
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(hello.versions)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anybody));
    let mut config = match &hello.shown {
        Some(Shown { chain, key }) => {
            builder.with_client_auth_cert(chain.clone(), key.clone_key())?
        }
        None => builder.with_no_client_auth(),
    };
    let alpn = hello.alpn.iter();
    config.alpn_protocols = alpn.map(|name| name.as_bytes().to_vec()).collect();
    config.enable_sni = hello.server_name.is_some();
    Ok(config)
}

fn name(hello: &ClientHello) -> Result<ServerName<'static>> {
    Ok(match hello.server_name {
        Some(name) => ServerName::try_from(name)?,
        None => ServerName::IpAddress(IpAddr::V4(Ipv4Addr::UNSPECIFIED).into()),
    })
}

/// A server's handshake that believes every client, with or without a certificate.
///
/// # Errors
/// If the handshake fails.
pub async fn accept<I: AsyncRead + AsyncWrite + Unpin + Send>(
    io: I,
    shown: &Shown,
    alpn: &[&str],
    versions: &[&'static SupportedProtocolVersion],
) -> Result<(Handshaken<I>, Offered)> {
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(versions)?
        .with_client_cert_verifier(Arc::new(Anybody))
        .with_single_cert(shown.chain.clone(), shown.key.clone_key())
        .context("the certificate that this case shows")?;
    config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    let start = LazyConfigAcceptor::new(Acceptor::default(), io).await?;
    let hello = start.client_hello();
    let offered = Offered {
        alpn: hello
            .alpn()
            .into_iter()
            .flatten()
            .map(<[u8]>::to_vec)
            .collect(),
        server_name: hello.server_name().map(str::to_owned),
        suites: hello.cipher_suites().to_vec(),
    };
    let stream = start.into_stream(Arc::new(config)).await?;
    Ok((handshaken(stream.into()), offered))
}

/// What a client offered.
#[derive(Clone, Debug)]
pub struct Offered {
    /// The protocols.
    pub alpn: Vec<Vec<u8>>,
    /// SNI.
    pub server_name: Option<String>,
    /// The cipher suites.
    pub suites: Vec<CipherSuite>,
}

fn handshaken<I>(io: TlsStream<I>) -> Handshaken<I> {
    let (_, session) = io.get_ref();
    let leaf = session.peer_certificates().and_then(|chain| chain.first());
    Handshaken {
        version: session.protocol_version(),
        alpn: session.alpn_protocol().map(<[u8]>::to_vec),
        leaf: leaf.map(|leaf| leaf.clone().into_owned()),
        io,
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

/// Believes everybody: what is tried here is what the other side believes.
#[derive(Debug)]
struct Anybody;

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _leaf: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _leaf: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _leaf: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        provider()
            .signature_verification_algorithms
            .supported_schemes()
    }
}

impl ClientCertVerifier for Anybody {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn verify_client_cert(
        &self,
        _leaf: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        ServerCertVerifier::verify_tls12_signature(self, message, leaf, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        ServerCertVerifier::verify_tls13_signature(self, message, leaf, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        ServerCertVerifier::supported_verify_schemes(self)
    }
}
