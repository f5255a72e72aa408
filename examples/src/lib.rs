//! What the programs of this package share.

pub mod access_log;
pub mod admin;
pub mod mesh_file;
pub mod metrics;
pub mod pki;
pub mod proxy;
pub mod random;

/// Compiles the examples of the README.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
