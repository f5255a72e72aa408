//! W3C Baggage, and Istio's peer attributes in it (the crate is being laid out; see `docs/`).
#![no_std]
