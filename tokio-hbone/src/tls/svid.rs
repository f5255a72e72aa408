use hbone::{CertificateFault, Identity, LinkFailure, PeerIdentityFault};
use rustls_pki_types::CertificateDer;
use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::prelude::{FromDer, X509Certificate};

/// Reads the one SPIFFE id in a leaf certificate, by the rules of the SPIFFE X509-SVID standard: exactly one URI SAN
/// (section 2), and a leaf that cannot sign others (section 5.2).
///
/// The whole list of names is parsed: a name that cannot be read makes the certificate malformed rather than shorter.
pub(super) fn identity(leaf: &CertificateDer<'_>) -> Result<Identity, LinkFailure> {
    let (rest, certificate) = X509Certificate::from_der(leaf).map_err(|_| CertificateFault::Bad)?;
    if !rest.is_empty() {
        return Err(CertificateFault::Bad.into());
    }
    let mut uris = Vec::new();
    for extension in certificate.extensions() {
        match extension.parsed_extension() {
            ParsedExtension::BasicConstraints(constraints) if constraints.ca => {
                return Err(CertificateFault::NotForThisUse.into());
            }
            ParsedExtension::KeyUsage(usage) if usage.key_cert_sign() || usage.crl_sign() => {
                return Err(CertificateFault::NotForThisUse.into());
            }
            ParsedExtension::SubjectAlternativeName(names) => {
                for name in &names.general_names {
                    match name {
                        GeneralName::URI(uri) => uris.push(*uri),
                        GeneralName::Invalid(..) => return Err(CertificateFault::Bad.into()),
                        _ => {}
                    }
                }
            }
            ParsedExtension::ParseError { .. } => return Err(CertificateFault::Bad.into()),
            _ => {}
        }
    }
    match uris[..] {
        [] => Err(PeerIdentityFault::Missing.into()),
        [uri] => Identity::parse(uri)
            .map_err(|_| PeerIdentityFault::Malformed(uri.chars().take(256).collect()).into()),
        _ => Err(PeerIdentityFault::Several(uris.len()).into()),
    }
}
