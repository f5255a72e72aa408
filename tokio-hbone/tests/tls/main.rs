//! Mutual TLS between our two ends, and what becomes of them when certificates change. Numbers in brackets are the rows of
//! `docs/faults.md`.

#[path = "../wire/support/mod.rs"]
mod support;

mod crl;
mod files;
mod meet;
mod names;
mod odd_peers;
mod refusals;
mod revocation;
mod revoked_midway;
mod rotation;
