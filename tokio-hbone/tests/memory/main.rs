//! What a connection holds under load is bounded by the formula of `Http2Config`, whoever stops reading. All memory of a test is
//! counted, that of both ends and of the test itself.

#[path = "../wire/support/mod.rs"]
mod support;

mod formula;
mod held;
mod peers;
mod readers;
