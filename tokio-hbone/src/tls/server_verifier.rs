use hbone::{ExpectedIdentities, LinkFailure, PeerIdentityFault};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::{DigitallySignedStruct, SignatureScheme};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use webpki::KeyUsage;

use super::chain::{ChainVerifier, refusal};
use super::live_peer::LivePeer;

/// A client's view of one server: the chain must hold, and the one who is there must be expected.
#[derive(Debug)]
pub(super) struct ServerVerifier {
    chain: ChainVerifier,
    expect: ExpectedIdentities,
}

impl ServerVerifier {
    pub(super) const fn new(chain: ChainVerifier, expect: ExpectedIdentities) -> Self {
        Self { chain, expect }
    }

    /// Who the server is, once the handshake is done.
    pub(super) fn enter(&self) -> Result<LivePeer, LinkFailure> {
        self.chain.enter()
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
        let peer = self
            .chain
            .verify(leaf, intermediates, now, KeyUsage::server_auth())
            .map_err(refusal)?;
        self.expect
            .check(&peer.identity)
            .map_err(|mismatch| refusal(PeerIdentityFault::Mismatch(mismatch).into()))?;
        self.chain.keep(peer);
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
