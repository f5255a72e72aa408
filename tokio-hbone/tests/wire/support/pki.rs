//! Certificates of every kind, good and bad.

use std::sync::LazyLock;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, SanType,
    date_time_ymd,
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio_hbone::tls::{Credentials, TrustBundles};

pub(crate) const CLIENT: &str = "spiffe://cluster.local/ns/default/sa/client";
pub(crate) const SERVER: &str = "spiffe://cluster.local/ns/default/sa/server";
pub(crate) const GATEWAY: &str = "spiffe://cluster.local/ns/istio-system/sa/eastwest";
pub(crate) const MALLORY: &str = "spiffe://cluster.local/ns/default/sa/mallory";
pub(crate) const FOREIGNER: &str = "spiffe://other.example/ns/default/sa/server";

/// A certificate authority.
pub(crate) struct Ca(pub(crate) CertifiedIssuer<'static, KeyPair>);

/// The authority of `cluster.local`.
pub(crate) static MESH: LazyLock<Ca> = LazyLock::new(|| Ca::new("mesh"));
/// The authority of `other.example`.
pub(crate) static OTHER: LazyLock<Ca> = LazyLock::new(|| Ca::new("other"));
/// An authority that nobody trusts.
pub(crate) static STRANGER: LazyLock<Ca> = LazyLock::new(|| Ca::new("stranger"));

impl Ca {
    pub(crate) fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        Self(CertifiedIssuer::self_signed(params, key()).expect("a root"))
    }

    pub(crate) fn root(&self) -> CertificateDer<'static> {
        self.0.der().clone()
    }
}

/// A chain and its key, to show to the peer.
#[derive(Clone)]
pub(crate) struct Shown {
    pub(crate) chain: Vec<CertificateDer<'static>>,
    pub(crate) key: Vec<u8>,
}

impl Shown {
    pub(crate) fn key(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::Pkcs8(self.key.clone().into())
    }

    pub(crate) fn credentials(&self) -> Credentials {
        Credentials::new(self.chain.clone(), self.key())
    }
}

/// A leaf certificate to be: good as it starts, spoilt by what is called on it.
pub(crate) struct Leaf(pub(crate) CertificateParams);

impl Leaf {
    /// A workload's certificate, for either side of a handshake.
    pub(crate) fn of(uri: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![
            ExtendedKeyUsagePurpose::ServerAuth,
            ExtendedKeyUsagePurpose::ClientAuth,
        ];
        Self(params).with_names([uri_san(uri)])
    }

    pub(crate) fn with_names(mut self, names: impl IntoIterator<Item = SanType>) -> Self {
        self.0.subject_alt_names = names.into_iter().collect();
        self
    }

    pub(crate) fn expired(mut self) -> Self {
        (self.0.not_before, self.0.not_after) =
            (date_time_ymd(2020, 1, 1), date_time_ymd(2021, 1, 1));
        self
    }

    pub(crate) fn not_yet_valid(mut self) -> Self {
        (self.0.not_before, self.0.not_after) =
            (date_time_ymd(2200, 1, 1), date_time_ymd(2201, 1, 1));
        self
    }

    pub(crate) fn authority(mut self) -> Self {
        self.0.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        self
    }

    pub(crate) fn that_may_sign(mut self) -> Self {
        self.0.key_usages.push(KeyUsagePurpose::KeyCertSign);
        self
    }

    pub(crate) fn only_for(mut self, purpose: ExtendedKeyUsagePurpose) -> Self {
        self.0.extended_key_usages = vec![purpose];
        self
    }

    pub(crate) fn signed_by(self, ca: &Ca) -> Shown {
        let key = key();
        let leaf = self.0.signed_by(&key, &ca.0).expect("a leaf");
        Shown {
            chain: vec![leaf.der().clone()],
            key: key.serialize_der(),
        }
    }
}

/// A good certificate of the mesh.
pub(crate) fn workload(uri: &str) -> Shown {
    Leaf::of(uri).signed_by(&MESH)
}

pub(crate) fn uri_san(uri: &str) -> SanType {
    SanType::URI(uri.try_into().expect("ASCII"))
}

pub(crate) fn dns_san(name: &str) -> SanType {
    SanType::DnsName(name.try_into().expect("ASCII"))
}

/// What a member of the mesh trusts.
pub(crate) fn mesh_bundle() -> TrustBundles {
    bundle("cluster.local", &MESH)
}

pub(crate) fn bundle(trust_domain: &str, ca: &Ca) -> TrustBundles {
    TrustBundles::new()
        .with_roots(trust_domain, [ca.root()])
        .expect("a bundle")
}

pub(crate) fn key() -> KeyPair {
    KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).expect("a key")
}
