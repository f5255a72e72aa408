use std::sync::Arc;

use hbone::{CertificateFault, Identity, LinkFailure};
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::{CertificateError, DigitallySignedStruct, OtherError, SignatureScheme};
use rustls_pki_types::{CertificateDer, UnixTime};
use webpki::{EndEntityCert, KeyUsage};

use super::{TrustBundles, svid};

/// What both verifiers do: find out whom a chain proves, and check a handshake signature.
#[derive(Clone, Debug)]
pub(super) struct ChainVerifier {
    bundles: Arc<TrustBundles>,
    provider: Arc<CryptoProvider>,
}

impl ChainVerifier {
    pub(super) const fn new(bundles: Arc<TrustBundles>, provider: Arc<CryptoProvider>) -> Self {
        Self { bundles, provider }
    }

    /// Whom the chain proves to be there.
    pub(super) fn verify(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
        usage: KeyUsage,
    ) -> Result<Identity, LinkFailure> {
        let identity = svid::identity(leaf)?;
        let anchors = self
            .bundles
            .anchors(identity.trust_domain())
            .ok_or(CertificateFault::UnknownTrustDomain)?;
        let certificate = EndEntityCert::try_from(leaf).map_err(|error| fault(&error))?;
        let algorithms = self.provider.signature_verification_algorithms.all;
        certificate
            .verify_for_usage(algorithms, anchors, intermediates, now, usage, None, None)
            .map_err(|error| fault(&error))?;
        Ok(identity)
    }

    pub(super) fn verify_tls12(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(
            message,
            leaf,
            signature,
            &self.provider.signature_verification_algorithms,
        )
    }

    pub(super) fn verify_tls13(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(
            message,
            leaf,
            signature,
            &self.provider.signature_verification_algorithms,
        )
    }

    pub(super) fn schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

/// Hands a refusal to rustls so that the peer gets the alert that fits, and so that the reason comes back out of the
/// failed handshake whole.
pub(super) fn refusal(failure: LinkFailure) -> rustls::Error {
    rustls::Error::InvalidCertificate(match failure {
        LinkFailure::Certificate(CertificateFault::Expired) => CertificateError::Expired,
        LinkFailure::Certificate(CertificateFault::NotYetValid) => CertificateError::NotValidYet,
        LinkFailure::Certificate(CertificateFault::Revoked) => CertificateError::Revoked,
        LinkFailure::Certificate(CertificateFault::NotForThisUse) => {
            CertificateError::InvalidPurpose
        }
        LinkFailure::Certificate(CertificateFault::UnknownIssuer) => {
            CertificateError::UnknownIssuer
        }
        failure => CertificateError::Other(OtherError(Arc::new(failure))),
    })
}

fn fault(error: &webpki::Error) -> CertificateFault {
    use webpki::Error;
    match error {
        Error::CertExpired { .. } | Error::InvalidCertValidity => CertificateFault::Expired,
        Error::CertNotValidYet { .. } => CertificateFault::NotYetValid,
        Error::CertRevoked => CertificateFault::Revoked,
        Error::CaUsedAsEndEntity
        | Error::EmptyEkuExtension
        | Error::EndEntityUsedAsCa
        | Error::NameConstraintViolation
        | Error::PathLenConstraintViolated
        | Error::RequiredEkuNotFoundContext(_) => CertificateFault::NotForThisUse,
        Error::UnknownIssuer
        | Error::MaximumPathBuildCallsExceeded
        | Error::MaximumPathDepthExceeded
        | Error::MaximumSignatureChecksExceeded => CertificateFault::UnknownIssuer,
        _ => CertificateFault::Bad,
    }
}
