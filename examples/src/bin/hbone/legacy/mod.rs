//! Peer metadata as the sidecar era carried it.

mod framing;
mod said;

pub(crate) use framing::{Carrier, Framing};
pub(crate) use said::Said;
