//! Certificates, good and bad, in files.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, SanType,
    date_time_ymd,
};

/// An authority, and a folder for what it signs.
pub(crate) struct Pki {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: PathBuf,
}

/// A chain and its key, as PEM.
#[derive(Clone)]
pub(crate) struct Issued {
    pub(crate) chain: String,
    pub(crate) key: String,
}

static FOLDERS: AtomicUsize = AtomicUsize::new(0);

impl Pki {
    /// With certificates for the service accounts `client`, `server` and `gateway`.
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, "root");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let issuer = CertifiedIssuer::self_signed(params, key()).expect("a root");
        let number = FOLDERS.fetch_add(1, Ordering::Relaxed);
        let folder =
            std::env::temp_dir().join(format!("hbone-cli-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let pki = Self { issuer, folder };
        pki.write("root.pem", &pki.issuer.pem());
        for name in ["client", "server", "gateway"] {
            pki.install(name, &pki.sign(leaf(&id(name))));
        }
        pki
    }

    /// Signs whatever it is given.
    pub(crate) fn sign(&self, params: CertificateParams) -> Issued {
        let key = key();
        let leaf = params.signed_by(&key, &self.issuer).expect("a leaf");
        Issued {
            chain: leaf.pem(),
            key: key.serialize_pem(),
        }
    }

    /// Puts a certificate where the flags of `name` find it.
    pub(crate) fn install(&self, name: &str, issued: &Issued) {
        self.write(&format!("{name}.pem"), &issued.chain);
        self.write(&format!("{name}.key"), &issued.key);
    }

    pub(crate) fn write(&self, file: &str, text: &str) {
        std::fs::write(self.folder.join(file), text).expect("a file");
    }

    pub(crate) fn path(&self, file: &str) -> String {
        self.folder.join(file).display().to_string()
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The flags that make a process this workload.
    pub(crate) fn flags(&self, name: &str) -> Vec<String> {
        let (cert, key) = (format!("{name}.pem"), format!("{name}.key"));
        [("--cert", &*cert), ("--key", &*key), ("--ca", "root.pem")]
            .into_iter()
            .flat_map(|(flag, file)| [flag.to_owned(), self.path(file)])
            .collect()
    }

    /// The file of the root's key, for programs that make certificates of their own.
    pub(crate) fn root_key(&self) -> String {
        self.write("root.key", &self.issuer.key().serialize_pem());
        self.path("root.key")
    }
}

impl Drop for Pki {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// The identity of a service account.
pub(crate) fn id(name: &str) -> String {
    format!("spiffe://cluster.local/ns/default/sa/{name}")
}

/// A good workload certificate, to be spoilt perhaps.
pub(crate) fn leaf(uri: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![
        ExtendedKeyUsagePurpose::ServerAuth,
        ExtendedKeyUsagePurpose::ClientAuth,
    ];
    params.subject_alt_names = vec![uri_san(uri)];
    params
}

pub(crate) fn uri_san(uri: &str) -> SanType {
    SanType::URI(uri.try_into().expect("ASCII"))
}

/// The same, of years long past.
pub(crate) fn expired(mut params: CertificateParams) -> CertificateParams {
    (params.not_before, params.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2021, 1, 1));
    params
}

/// The same, of years to come.
pub(crate) fn not_yet_valid(mut params: CertificateParams) -> CertificateParams {
    (params.not_before, params.not_after) = (date_time_ymd(2200, 1, 1), date_time_ymd(2201, 1, 1));
    params
}

fn key() -> KeyPair {
    KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).expect("a key")
}
