use hbone::{ExpectedIdentities, PeerIdentityFault};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::{DigitallySignedStruct, SignatureScheme};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use webpki::KeyUsage;

use super::chain::{ChainVerifier, refusal};

/// A client's view of a server: the chain must hold, and the one who is there must be expected.
#[derive(Debug)]
pub(super) struct ServerVerifier {
    chain: ChainVerifier,
    expect: ExpectedIdentities,
}

impl ServerVerifier {
    pub(super) const fn new(chain: ChainVerifier, expect: ExpectedIdentities) -> Self {
        Self { chain, expect }
    }
}

impl ServerCertVerifier for ServerVerifier {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let identity = self
            .chain
            .verify(leaf, intermediates, now, KeyUsage::server_auth())
            .map_err(refusal)?;
        self.expect
            .check(&identity)
            .map_err(|mismatch| refusal(PeerIdentityFault::Mismatch(mismatch).into()))?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.chain.verify_tls12(message, leaf, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.chain.verify_tls13(message, leaf, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.chain.schemes()
    }
}
