use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, SanType,
};

/// The identity of the workload of that name.
pub(crate) fn id(name: &str) -> String {
    format!("spiffe://cluster.local/ns/default/sa/{name}")
}

/// A root, and leaves for a server and a client, as files: the root's key too, so that wrong certificates can be made.
pub(crate) struct Pki {
    folder: PathBuf,
}

impl Pki {
    pub(crate) fn new(test: &str) -> Self {
        let name = format!("hbone-conformance-{test}-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).expect("a folder");
        let mut root = CertificateParams::default();
        root.distinguished_name.push(DnType::CommonName, "a root");
        root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        root.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().expect("a key");
        let pki = Self { folder };
        pki.write("root.key", &key.serialize_pem());
        let root = CertifiedIssuer::self_signed(root, key).expect("a root");
        pki.write("root.pem", &root.pem());
        for name in ["server", "client"] {
            let mut leaf = CertificateParams::default();
            let uri = id(name).as_str().try_into().expect("ASCII");
            leaf.subject_alt_names = vec![SanType::URI(uri)];
            leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
            leaf.extended_key_usages = vec![
                ExtendedKeyUsagePurpose::ServerAuth,
                ExtendedKeyUsagePurpose::ClientAuth,
            ];
            let key = KeyPair::generate().expect("a key");
            pki.write(&format!("{name}.key"), &key.serialize_pem());
            let leaf = leaf.signed_by(&key, &root).expect("a leaf");
            pki.write(&format!("{name}.pem"), &leaf.pem());
        }
        pki
    }

    /// The flags for a program that is this workload.
    pub(crate) fn arguments(&self, name: &str) -> Vec<String> {
        let cert = ["--cert".into(), self.path(&format!("{name}.pem"))];
        let key = ["--key".into(), self.path(&format!("{name}.key"))];
        let ca = ["--ca".into(), self.path("root.pem")];
        [cert, key, ca].concat()
    }

    /// The same for the suite, which can make wrong certificates then.
    pub(crate) fn with_root_key(&self, name: &str) -> Vec<String> {
        let mut arguments = self.arguments(name);
        arguments.extend(["--ca-key".into(), self.path("root.key")]);
        arguments
    }

    /// Where the files are.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    fn path(&self, file: &str) -> String {
        self.folder.join(file).display().to_string()
    }

    fn write(&self, file: &str, text: &str) {
        std::fs::write(self.folder.join(file), text).expect("a file");
    }
}

impl Drop for Pki {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
