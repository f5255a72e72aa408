//! The layer-7 programs as processes of their own: clients, another network and its gateway, and servers around them.

mod abuse;
mod again;
#[path = "../interop/available.rs"]
mod available;
mod cancelled;
mod carried;
mod circles;
mod client;
mod curl;
mod draining;
mod forms;
mod h2load;
mod hostile;
mod lanes;
mod limits;
mod odd_answers;
mod outside;
mod peers;
#[path = "../gateway/process.rs"]
mod process;
mod raw;
mod refusals;
mod scripted;
mod served;
mod server;
mod setting;
mod spread;
mod uploads;
#[expect(dead_code, reason = "the gateway's tests need more of it")]
#[path = "../gateway/world.rs"]
mod world;
