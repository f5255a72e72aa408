//! TLS for scripted peers: it takes whoever comes, and shows what it is told to.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    ClientConfig, DigitallySignedStruct, DistinguishedName, ServerConfig, SignatureScheme,
    SupportedProtocolVersion,
};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::{TlsAcceptor, TlsConnector, TlsStream};

use super::io::Io;
use super::pki::Shown;

/// What a scripted peer does in its handshake.
#[derive(Clone)]
pub(crate) struct ScriptTls {
    shown: Option<Shown>,
    alpn: Vec<Vec<u8>>,
    version: &'static SupportedProtocolVersion,
}

impl ScriptTls {
    /// A good handshake.
    pub(crate) fn new(shown: Shown) -> Self {
        Self {
            shown: Some(shown),
            alpn: vec![b"h2".to_vec()],
            version: &rustls::version::TLS13,
        }
    }

    /// A client without a certificate.
    pub(crate) fn nobody() -> Self {
        Self {
            shown: None,
            alpn: vec![b"h2".to_vec()],
            version: &rustls::version::TLS13,
        }
    }

    pub(crate) fn with_alpn(mut self, alpn: &[&str]) -> Self {
        self.alpn = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        self
    }

    pub(crate) fn with_tls12_only(mut self) -> Self {
        self.version = &rustls::version::TLS12;
        self
    }

    pub(crate) async fn accept<I: Io>(&self, io: I) -> std::io::Result<TlsStream<I>> {
        let shown = self.shown.clone().expect("a server shows something");
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(&[self.version])
            .expect("versions")
            .with_client_cert_verifier(Arc::new(Anybody))
            .with_single_cert(shown.chain.clone(), shown.key())
            .expect("a certificate");
        config.alpn_protocols.clone_from(&self.alpn);
        config.enable_secret_extraction = true;
        let accepted = TlsAcceptor::from(Arc::new(config)).accept(io).await?;
        Ok(accepted.into())
    }

    pub(crate) async fn connect<I: Io>(&self, io: I) -> std::io::Result<TlsStream<I>> {
        let builder = ClientConfig::builder_with_provider(provider())
            .with_protocol_versions(&[self.version])
            .expect("versions")
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Anybody));
        let mut config = match &self.shown {
            Some(shown) => builder
                .with_client_auth_cert(shown.chain.clone(), shown.key())
                .expect("a certificate"),
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols.clone_from(&self.alpn);
        config.enable_sni = false;
        let nobody = ServerName::IpAddress(IpAddr::V4(Ipv4Addr::UNSPECIFIED).into());
        let connected = TlsConnector::from(Arc::new(config))
            .connect(nobody, io)
            .await?;
        Ok(connected.into())
    }
}

pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

/// Believes everybody.
#[derive(Debug)]
pub(crate) struct Anybody;

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
        ServerCertVerifier::supported_verify_schemes(self)
    }
}
