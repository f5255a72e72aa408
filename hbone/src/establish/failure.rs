use std::io;

use thiserror::Error;

use super::Alert;
use crate::IdentityMismatch;

/// What the adapter saw go wrong underneath, before any judgement of what it means.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum LinkFailure {
    /// The peer sent a fatal TLS alert.
    #[error("the peer sent the TLS alert {0}")]
    Alert(Alert),
    /// The peer's certificate did not hold.
    #[error("the peer's certificate {0}")]
    Certificate(#[from] CertificateFault),
    /// The connection ended in an orderly way where more was due.
    #[error("the peer closed the connection")]
    Closed,
    /// The peer broke HTTP/2.
    #[error("HTTP/2 failed: {0}")]
    Http2(String),
    /// The peer's certificate held, but not for whom we look.
    #[error(transparent)]
    Identity(#[from] PeerIdentityFault),
    /// A socket call failed.
    #[error("input or output failed: {0}")]
    Io(io::ErrorKind),
    /// The peer broke TLS, or has nothing in common with us.
    #[error("TLS failed: {0}")]
    Tls(String),
}

/// Why a certificate chain was refused (RFC 5280 section 6).
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum CertificateFault {
    /// It could not be parsed, or its signature is wrong.
    #[error("is malformed or wrongly signed")]
    Bad,
    /// Its validity is over.
    #[error("has expired; check its rotation, and the clocks of both ends")]
    Expired,
    /// A leaf that may sign others, or is not for this use.
    #[error("is not one for a workload (its key usage or constraints are wrong)")]
    NotForThisUse,
    /// Its validity has not begun.
    #[error("is not valid yet; check the clocks of both ends")]
    NotYetValid,
    /// Its issuer's CRL has expired, and those that have are not to be relied on.
    #[error(
        "cannot be told from a revoked one: its issuer's revocation list has expired; check how lists are distributed"
    )]
    RevocationUnknown,
    /// A CRL lists it.
    #[error("has been revoked")]
    Revoked,
    /// No trust anchor of its trust domain leads to it.
    #[error("was not issued by a root of its trust domain's bundle")]
    UnknownIssuer,
    /// No bundle is configured for the trust domain that it names.
    #[error("names a trust domain that no configured bundle is for")]
    UnknownTrustDomain,
}

/// Why the identity in a good certificate was refused (SPIFFE X509-SVID section 5.2).
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum PeerIdentityFault {
    /// The URI SAN is not a SPIFFE id of Istio's form.
    #[error(
        "the peer's URI SAN {0:?} is not a SPIFFE id of the form spiffe://DOMAIN/ns/NAMESPACE/sa/ACCOUNT"
    )]
    Malformed(String),
    /// No URI SAN at all.
    #[error("the peer's certificate has no URI SAN, so it names no workload")]
    Missing,
    /// Somebody else.
    #[error(transparent)]
    Mismatch(#[from] IdentityMismatch),
    /// More than one URI SAN, where SPIFFE demands exactly one.
    #[error("the peer's certificate has {0} URI SANs, where SPIFFE allows exactly one")]
    Several(usize),
}
