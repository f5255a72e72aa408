//! Our connector, acceptor and tunnel against peers that do what peers should not: scripts of raw HTTP/2 frames over
//! in-memory pipes, with the clock stopped, so that a hang is a failure at once and a deadline costs nothing. Numbers in
//! brackets are the rows of `docs/faults.md`.

mod support;

mod answers;
mod any_order;
mod bulk;
mod copying;
mod copying_polls;
mod copying_several;
mod dial_errors;
mod double;
mod drain;
mod extremes;
mod floods;
mod frames_sent;
mod halves;
mod handshakes;
mod http2_extremes;
mod identities;
mod late;
mod losses;
mod pushes;
mod requests;
mod reset_states;
mod resets;
mod settings;
mod small_writes;
mod split;
mod stalled;
mod torture;
mod torture_cancelling;
mod torture_session;
