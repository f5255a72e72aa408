//! The layer-7 programs as processes of their own: clients, another network and its gateway, and servers around them.

mod client;
#[expect(dead_code, reason = "the gateway's tests need more of it")]
#[path = "../gateway/process.rs"]
mod process;
mod served;
mod server;
mod setting;
#[expect(dead_code, reason = "the gateway's tests need more of it")]
#[path = "../gateway/world.rs"]
mod world;
