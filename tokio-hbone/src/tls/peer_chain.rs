use hbone::Identity;
use webpki::{VerifiedPath, spki_for_anchor};

/// Whom a verified chain proves, and what a revocation list is asked about it. Only a verifier makes one.
#[derive(Debug)]
pub(crate) struct PeerChain {
    pub(super) identity: Identity,
    /// The leaf first, then each intermediate that the path goes through. The root is trusted by itself.
    pub(super) links: Vec<Link>,
}

/// One certificate of a verified path, as its issuer's revocation list names it. All in DER.
#[derive(Debug)]
pub(super) struct Link {
    /// The issuer's name, without its outer SEQUENCE.
    pub(super) issuer: Box<[u8]>,
    /// The issuer's SubjectPublicKeyInfo: two authorities may go by the same name.
    pub(super) issuer_key: Box<[u8]>,
    /// The contents of the serial number.
    pub(super) serial: Box<[u8]>,
}

impl Link {
    /// The links of a path, from the leaf towards the root.
    pub(super) fn of(path: &VerifiedPath<'_>) -> Vec<Self> {
        let leaf = path.end_entity();
        let certificates = std::iter::once((leaf.issuer(), leaf.serial())).chain(
            path.intermediate_certificates()
                .map(|certificate| (certificate.issuer(), certificate.serial())),
        );
        let keys = path
            .intermediate_certificates()
            .map(|certificate| certificate.subject_public_key_info())
            .chain(std::iter::once(spki_for_anchor(path.anchor())));
        certificates
            .zip(keys)
            .map(|((issuer, serial), key)| Self {
                issuer: issuer.into(),
                issuer_key: key.as_ref().into(),
                serial: serial.into(),
            })
            .collect()
    }
}
