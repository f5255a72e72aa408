use hbone::LinkFailure;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, SignatureScheme};
use rustls_pki_types::{CertificateDer, UnixTime};
use webpki::KeyUsage;

use super::chain::{ChainVerifier, refusal};
use super::live_peer::LivePeer;

/// A server's view of one client: a certificate is mandatory, and its chain must hold. What that client may reach is for
/// the destination policy to say.
#[derive(Debug)]
pub(super) struct ClientVerifier {
    chain: ChainVerifier,
}

impl ClientVerifier {
    pub(super) const fn new(chain: ChainVerifier) -> Self {
        Self { chain }
    }

    /// Who the client is, once the handshake is done.
    pub(super) fn enter(&self) -> Result<LivePeer, LinkFailure> {
        self.chain.enter()
    }
}

impl ClientCertVerifier for ClientVerifier {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        // A workload has one certificate to show; a list of authorities would only tell strangers which ones we trust.
        &[]
    }

    fn verify_client_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        let peer = self
            .chain
            .verify(leaf, intermediates, now, KeyUsage::client_auth())
            .map_err(refusal)?;
        self.chain.keep(peer);
        Ok(ClientCertVerified::assertion())
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
