//! Revocation lists.

use rcgen::{
    CertificateRevocationListParams, KeyIdMethod, RevokedCertParams, SerialNumber, date_time_ymd,
};
use rustls_pki_types::CertificateDer;
use tokio_hbone::tls::Crls;
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::support::pki::{Ca, Shown};

/// A list of `ca` that names the leaves of `revoked`.
pub(crate) fn crl(ca: &Ca, revoked: &[&Shown]) -> Crls {
    parse(&pem(ca, revoked))
}

/// The same as text.
pub(crate) fn pem(ca: &Ca, revoked: &[&Shown]) -> String {
    let certificates = revoked.iter().map(|shown| &shown.chain[0]);
    params(certificates, 2200)
        .signed_by(&ca.0)
        .and_then(|crl| crl.pem())
        .expect("a list")
}

/// A list that names `certificates`, and is due for a new one at the start of `year`.
pub(crate) fn params<'a>(
    certificates: impl IntoIterator<Item = &'a CertificateDer<'static>>,
    year: i32,
) -> CertificateRevocationListParams {
    let revoked = |certificate| RevokedCertParams {
        serial_number: serial(certificate),
        revocation_time: date_time_ymd(2020, 1, 1),
        reason_code: None,
        invalidity_date: None,
    };
    CertificateRevocationListParams {
        this_update: date_time_ymd(2020, 1, 1),
        next_update: date_time_ymd(year, 1, 1),
        crl_number: SerialNumber::from(1),
        issuing_distribution_point: None,
        revoked_certs: certificates.into_iter().map(revoked).collect(),
        key_identifier_method: KeyIdMethod::Sha256,
    }
}

pub(crate) fn parse(text: &str) -> Crls {
    Crls::parse(text.as_bytes()).expect("a list")
}

fn serial(certificate: &CertificateDer<'_>) -> SerialNumber {
    let (_, certificate) = X509Certificate::from_der(certificate).expect("a certificate");
    SerialNumber::from_slice(certificate.raw_serial())
}
