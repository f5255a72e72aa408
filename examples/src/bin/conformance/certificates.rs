use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Args;
use hbone_examples::wire::Shown;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, SanType,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use time::{Duration, OffsetDateTime};
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

use crate::case::Complaint;

/// The certificate that is shown, and the authority that made it.
#[derive(Debug, Clone, Args)]
pub(crate) struct Files {
    /// Our certificate chain, PEM: one that the other side accepts
    #[arg(long, value_name = "FILE")]
    cert: PathBuf,
    /// Its private key, PEM
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// The root that the other side trusts, PEM
    #[arg(long, value_name = "FILE")]
    ca: PathBuf,
    /// The root's private key, PEM: with it, wrong certificates are made and tried as well
    #[arg(long, value_name = "FILE")]
    ca_key: Option<PathBuf>,
}

/// What can be shown in a handshake.
#[derive(Debug)]
pub(crate) struct Certificates {
    pub(crate) good: Shown,
    root: Option<(String, String)>,
    id: String,
}

/// A certificate that nobody may accept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Odd {
    Expired,
    NotYetValid,
    /// Our id, by a root that nobody trusts.
    OtherRoot,
    /// A good one, of somebody else.
    AnotherWorkload,
    /// By the right root, with an id of another trust domain.
    OtherTrustDomain,
    NoUri,
    TwoUris,
    TwoUrisReversed,
    UpperCaseTrustDomain,
    TrailingSlash,
    DotSegments,
    Query,
    NotIstios,
    NotSpiffe,
    IsAuthority,
    /// Its extended key usage is for the other role.
    OtherRole,
}

impl Files {
    pub(crate) fn load(&self) -> Result<Certificates> {
        let good = Shown {
            chain: chain(&self.cert)?,
            key: PrivateKeyDer::from_pem_file(&self.key)
                .with_context(|| format!("{} holds no private key in PEM", self.key.display()))?,
        };
        let root = text(&self.ca)?;
        let root = match &self.ca_key {
            Some(path) => Some((root, text(path)?)),
            None => None,
        };
        let leaf = good.chain.first().context("--cert holds no certificate")?;
        let id = uri(leaf).with_context(|| format!("{} names no URI", self.cert.display()))?;
        Ok(Certificates { good, root, id })
    }
}

impl Certificates {
    /// The trust domain of our own id.
    pub(crate) fn trust_domain(&self) -> &str {
        let rest = self.id.strip_prefix("spiffe://").unwrap_or(&self.id);
        rest.split('/').next().unwrap_or(rest)
    }

    /// Makes a certificate with one thing wrong, for the `server` side of a handshake or the client's.
    pub(crate) fn odd(&self, odd: Odd, server: bool) -> Result<Shown, Complaint> {
        if odd == Odd::OtherRoot {
            let made = self.by_stranger(server);
            return made.map_err(|error| Complaint::skipped(format!("{error:#}")));
        }
        let Some((root, key)) = &self.root else {
            return Err(Complaint::skipped("needs --ca-key to make the certificate"));
        };
        let made = || -> Result<Shown> {
            let key = KeyPair::from_pem(key).context("--ca-key")?;
            let issuer = Issuer::from_ca_cert_pem(root, key).context("--ca")?;
            leaf(&self.parameters(odd, server)?, &issuer)
        };
        made().map_err(|error| Complaint::skipped(format!("{error:#}")))
    }

    fn by_stranger(&self, server: bool) -> Result<Shown> {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let issuer = Issuer::new(params, key);
        leaf(&self.parameters(Odd::OtherRoot, server)?, &issuer)
    }

    fn parameters(&self, odd: Odd, server: bool) -> Result<CertificateParams> {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        let now = OffsetDateTime::now_utc();
        (params.not_before, params.not_after) = match odd {
            Odd::Expired => (now - Duration::days(2), now - Duration::days(1)),
            Odd::NotYetValid => (now + Duration::days(1), now + Duration::days(2)),
            _ => (now - Duration::minutes(5), now + Duration::days(1)),
        };
        if odd == Odd::IsAuthority {
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            params.key_usages.push(KeyUsagePurpose::KeyCertSign);
        }
        params.extended_key_usages = vec![if server == (odd == Odd::OtherRole) {
            ExtendedKeyUsagePurpose::ClientAuth
        } else {
            ExtendedKeyUsagePurpose::ServerAuth
        }];
        params.subject_alt_names = self
            .names(odd)
            .iter()
            .map(|name| match name.split_once("://") {
                Some(_) => Ok(SanType::URI(name.as_str().try_into()?)),
                None => Ok(SanType::DnsName(name.as_str().try_into()?)),
            })
            .collect::<Result<_>>()?;
        Ok(params)
    }

    fn names(&self, odd: Odd) -> Vec<String> {
        let (domain, id) = (self.trust_domain(), self.id.clone());
        let other = "spiffe://another.example/ns/default/sa/default".to_owned();
        match odd {
            Odd::AnotherWorkload => vec![format!("spiffe://{domain}/ns/other/sa/other")],
            Odd::OtherTrustDomain => vec![other],
            Odd::NoUri => vec!["workload.example".to_owned()],
            Odd::TwoUris => vec![id, other],
            Odd::TwoUrisReversed => vec![other, id],
            Odd::UpperCaseTrustDomain => {
                vec![id.replacen(domain, &domain.to_ascii_uppercase(), 1)]
            }
            Odd::TrailingSlash => vec![id + "/"],
            Odd::DotSegments => vec![format!(
                "spiffe://{domain}/ns/default/../default/sa/default"
            )],
            Odd::Query => vec![id + "?a=b"],
            Odd::NotIstios => vec![format!("spiffe://{domain}/workload")],
            Odd::NotSpiffe => vec![id.replacen("spiffe://", "https://", 1)],
            _ => vec![id],
        }
    }
}

fn leaf(params: &CertificateParams, issuer: &Issuer<'_, KeyPair>) -> Result<Shown> {
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    let leaf = params.signed_by(&key, issuer)?;
    let key = PrivateKeyDer::try_from(key.serialize_der());
    Ok(Shown {
        chain: vec![leaf.der().clone()],
        key: key.map_err(anyhow::Error::msg)?,
    })
}

/// The first URI that a certificate names.
pub(crate) fn uri(leaf: &CertificateDer<'_>) -> Option<String> {
    let (_, leaf) = X509Certificate::from_der(leaf).ok()?;
    let names = leaf.subject_alternative_name().ok()??;
    names
        .value
        .general_names
        .iter()
        .find_map(|name| match name {
            GeneralName::URI(uri) => Some((*uri).to_owned()),
            _ => None,
        })
}

fn chain(path: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let unread = || format!("{} cannot be read as PEM", path.display());
    let chain: Result<Vec<_>, _> = CertificateDer::pem_file_iter(path)
        .with_context(unread)?
        .collect();
    let chain = chain.with_context(unread)?;
    if chain.is_empty() {
        bail!("{} holds no certificate", path.display());
    }
    Ok(chain)
}

fn text(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))
}
