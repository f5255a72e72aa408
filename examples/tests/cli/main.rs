//! What the `hbone` command does without a tunnel, run as a person runs it.

mod connect;
mod folder;
mod hbone;
mod head;
mod legacy;
mod manual;
mod objects;
mod output;
mod pki;
mod top;
