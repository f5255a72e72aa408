//! The crate is being laid out.
