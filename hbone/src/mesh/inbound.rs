//! What a CONNECT's authority means to the proxy that received it, one file a role.

mod forward;
mod fronted;
mod local;
mod not_here;

pub use forward::{Candidate, Candidates, Forward, candidates, forward};
pub use fronted::{Fronted, fronted};
pub use local::{Local, LocalTarget};
pub use not_here::NotHere;
