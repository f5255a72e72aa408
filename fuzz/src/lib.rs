//! What each fuzz target does, as a plain function that panics when something does not hold.

#![allow(
    clippy::duplicate_mod,
    reason = "both worlds of hbone's tests have the one epoch of theirs"
)]

mod attributes_differential;
mod authority;
mod authorization;
mod baggage_parse;
mod baggage_roundtrip;
mod bounded;
mod client_frames;
mod connect_head;
mod dial;
mod double;
mod exchange;
mod forwarded;
mod frames;
mod legacy_framing;
mod mesh_plan;
mod policy;
mod pool;
mod script;
mod serve;
mod server_frames;
mod struct_codec;
mod traceparent;
mod upstream;

// The naive models and virtual worlds of the crates' own tests.
#[path = "../../tokio-hbone/tests/memory/formula.rs"]
mod formula;
#[path = "../../hbone/tests/world/mod.rs"]
#[allow(
    dead_code,
    unused_imports,
    reason = "a target uses the part that it needs"
)]
mod hbone_world;
#[path = "../../baggage/tests/oracle/mod.rs"]
mod oracle;
#[path = "../../peer-meta/tests/world/mod.rs"]
mod peer_world;
#[path = "../../hbone/tests/pool_schedule/mod.rs"]
mod pool_schedule;
#[path = "../../hbone/tests/pool_world/mod.rs"]
mod pool_world;
#[path = "../../tokio-hbone/tests/wire/support/mod.rs"]
mod support;

pub use attributes_differential::attributes_differential;
pub use authority::authority;
pub use authorization::authorization;
pub use baggage_parse::baggage_parse;
pub use baggage_roundtrip::baggage_roundtrip;
pub use client_frames::client_frames;
pub use connect_head::connect_head;
pub use dial::dial;
pub use double::double;
pub use exchange::exchange;
pub use forwarded::forwarded;
pub use legacy_framing::legacy_framing;
pub use mesh_plan::mesh_plan;
pub use policy::policy;
pub use pool::pool;
pub use serve::serve;
pub use server_frames::server_frames;
pub use struct_codec::struct_codec;
pub use traceparent::traceparent;

/// A target's name, and what it does with an input.
pub type Target = (&'static str, fn(&[u8]));

/// Every target.
pub const TARGETS: [Target; 19] = [
    ("attributes_differential", attributes_differential),
    ("authority", authority),
    ("authorization", authorization),
    ("baggage_parse", baggage_parse),
    ("baggage_roundtrip", baggage_roundtrip),
    ("client_frames", client_frames),
    ("connect_head", connect_head),
    ("dial", dial),
    ("double", double),
    ("exchange", exchange),
    ("forwarded", forwarded),
    ("legacy_framing", legacy_framing),
    ("mesh_plan", mesh_plan),
    ("policy", policy),
    ("pool", pool),
    ("serve", serve),
    ("server_frames", server_frames),
    ("struct_codec", struct_codec),
    ("traceparent", traceparent),
];

/// A line feed ends a header line.
fn lines(data: &[u8]) -> Vec<&[u8]> {
    data.split(|&byte| byte == b'\n').collect()
}
