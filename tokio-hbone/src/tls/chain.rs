use std::sync::{Arc, OnceLock};

use hbone::{CertificateFault, LinkFailure, PeerIdentityFault};
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::{CertificateError, DigitallySignedStruct, OtherError, SignatureScheme};
use rustls_pki_types::{CertificateDer, UnixTime};
use webpki::{EndEntityCert, KeyUsage, VerifiedPath};

use super::live_peer::LivePeer;
use super::peer_chain::{Link, PeerChain};
use super::{Credentials, Revocations, TrustBundles, svid};

/// What both verifiers do in one handshake: find out whom a chain proves, and check the handshake's signature.
///
/// Specification: HBONE-I-003, HBONE-I-006, HBONE-I-008.
#[derive(Debug)]
pub(super) struct ChainVerifier {
    bundles: Arc<TrustBundles>,
    provider: Arc<CryptoProvider>,
    revocations: Revocations,
    verified: OnceLock<Arc<PeerChain>>,
}

/// How many certificates a peer may show between its leaf and a root. Paths are searched among them, so that each one
/// more can cost many signature checks.
const MAX_INTERMEDIATES: usize = 8;
/// How long a leaf may be, in bytes. Ordinary ones have about one thousand.
const MAX_LEAF: usize = 16 << 10;

impl ChainVerifier {
    pub(super) const fn new(
        bundles: Arc<TrustBundles>,
        provider: Arc<CryptoProvider>,
        revocations: Revocations,
    ) -> Self {
        Self {
            bundles,
            provider,
            revocations,
            verified: OnceLock::new(),
        }
    }

    /// Whom the chain proves to be there, and by which path.
    pub(super) fn verify(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
        usage: KeyUsage,
    ) -> Result<PeerChain, LinkFailure> {
        if intermediates.len() > MAX_INTERMEDIATES || leaf.len() > MAX_LEAF {
            return Err(CertificateFault::Bad.into());
        }
        let identity = svid::identity(leaf)?;
        let anchors = self
            .bundles
            .anchors(identity.trust_domain())
            .ok_or(CertificateFault::UnknownTrustDomain)?;
        let certificate = EndEntityCert::try_from(leaf).map_err(|error| fault(&error))?;
        let algorithms = self.provider.signature_verification_algorithms.all;
        // Asked of every path that is found, since a path around a revoked intermediate is as good as any.
        let not_revoked = |path: &VerifiedPath<'_>| self.revocations.check(&Link::of(path), now);
        let path = certificate
            .verify_for_usage(
                algorithms,
                anchors,
                intermediates,
                now,
                usage,
                None,
                Some(&not_revoked),
            )
            .map_err(|error| fault(&error))
            .inspect_err(|fault| {
                if matches!(
                    fault,
                    CertificateFault::Revoked | CertificateFault::RevocationUnknown
                ) {
                    self.revocations.count_refusal();
                }
            })?;
        let links = Link::of(&path);
        Ok(PeerChain { identity, links })
    }

    /// Keeps what was verified until the handshake is done.
    pub(super) fn keep(&self, chain: PeerChain) {
        // rustls verifies once a handshake; were it to do so twice, the first is what the other checks were made on.
        let _ = self.verified.set(Arc::new(chain));
    }

    /// Whom the handshake proved, entered among the live connections.
    ///
    /// It comes from what was verified in this very handshake: a resumed session, which verifies nobody, proves nobody.
    pub(super) fn enter(&self) -> Result<LivePeer, LinkFailure> {
        let chain = self.verified.get().ok_or(PeerIdentityFault::Missing)?;
        self.revocations.enter(Arc::clone(chain))
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

/// Whether these bundles let these credentials in, on either side of a handshake, now.
pub(super) fn verify_own(
    own: &Credentials,
    bundles: Arc<TrustBundles>,
    provider: &Arc<CryptoProvider>,
) -> Result<(), LinkFailure> {
    // Whether it is revoked is not asked: nobody has come with it whose refusal could be counted.
    let revocations = Revocations::new(provider);
    let verifier = ChainVerifier::new(bundles, Arc::clone(provider), revocations);
    let (leaf, intermediates) = own
        .chain()
        .split_first()
        .ok_or(PeerIdentityFault::Missing)?;
    for usage in [KeyUsage::client_auth(), KeyUsage::server_auth()] {
        verifier.verify(leaf, intermediates, UnixTime::now(), usage)?;
    }
    Ok(())
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
        Error::CrlExpired { .. } => CertificateFault::RevocationUnknown,
        Error::CaUsedAsEndEntity
        | Error::EmptyEkuExtension
        | Error::EndEntityUsedAsCa
        | Error::NameConstraintViolation
        | Error::PathLenConstraintViolated
        | Error::RequiredEkuNotFoundContext(_) => CertificateFault::NotForThisUse,
        // A wrong signature mostly means that two authorities go by one name.
        Error::InvalidSignatureForPublicKey
        | Error::UnknownIssuer
        | Error::MaximumPathBuildCallsExceeded
        | Error::MaximumPathDepthExceeded
        | Error::MaximumSignatureChecksExceeded => CertificateFault::UnknownIssuer,
        _ => CertificateFault::Bad,
    }
}
