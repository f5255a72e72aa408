use hbone::{CertificateFault, Identity, LinkFailure, PeerIdentityFault};
use rustls_pki_types::CertificateDer;
use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::prelude::{FromDer, X509Certificate};

/// Reads the one SPIFFE id in a leaf certificate, by the rules of the SPIFFE X509-SVID standard: exactly one URI SAN
/// (section 2), and a leaf that cannot sign others (section 5.2).
///
/// The whole list of names is parsed: a name that cannot be read makes the certificate malformed rather than shorter.
///
/// Specification: HBONE-I-001.
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
            // Of what it may do, it must be able to sign the handshake (RFC 8446 section 4.4.2.2).
            ParsedExtension::KeyUsage(usage)
                if usage.key_cert_sign() || usage.crl_sign() || !usage.digital_signature() =>
            {
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

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair, SanType};

    use super::*;

    /// A certificate with every extension that is looked at.
    fn leaf() -> Vec<u8> {
        let mut params = CertificateParams::default();
        let uri = "spiffe://cluster.local/ns/default/sa/client";
        params.subject_alt_names = vec![
            SanType::URI(uri.try_into().expect("ASCII")),
            SanType::DnsName("client.default".try_into().expect("ASCII")),
        ];
        params.is_ca = rcgen::IsCa::ExplicitNoCa;
        params.key_usages = vec![rcgen::KeyUsagePurpose::DigitalSignature];
        let key = KeyPair::generate().expect("a key");
        params.self_signed(&key).expect("a leaf").der().to_vec()
    }

    #[test]
    fn no_bytes_make_it_panic_or_name_anybody_else() {
        let good = leaf();
        let who = identity(&CertificateDer::from(good.as_slice())).expect("an identity");
        let name = who.to_string();
        let at = good
            .windows(name.len())
            .position(|window| window == name.as_bytes())
            .expect("the name");
        for length in 0..good.len() {
            assert!(identity(&CertificateDer::from(&good[..length])).is_err());
        }
        for index in 0..good.len() {
            for bit in 0..8 {
                let mut bad = good.clone();
                bad[index] ^= 1 << bit;
                let outcome = identity(&CertificateDer::from(bad));
                let in_the_name = (at..at + name.len()).contains(&index);
                assert!(in_the_name || outcome.map_or(true, |other| other == who));
            }
        }
        let mut longer = good;
        longer.push(0);
        assert!(identity(&CertificateDer::from(longer)).is_err());
    }
}
