use std::future::Future;

use tokio::runtime::Builder;
use tokio_hbone::Http2Config;

use crate::formula::{Load, state, unread, unsent};

/// Runs `work` on one thread, with a clock that moves only when nothing else does, and no more than so many bytes of memory in use at any
/// time. What is made beforehand does not count, and has to last until `work` is done: what that frees would make room for others.
pub(crate) fn bounded(bytes: usize, work: impl Future<Output = ()>) {
    let used = allocation_counter::measure(|| {
        let mut builder = Builder::new_current_thread();
        let runtime = builder.enable_time().start_paused(true).build();
        runtime.expect("a runtime").block_on(work);
    });
    assert!(
        used.bytes_max <= bytes as u64,
        "{} bytes were in use, {bytes} are enough",
        used.bytes_max
    );
}

/// What a connection may hold by the formula of [`Http2Config`], whatever its peer sends, and what the target takes that tries it. Of that, a
/// peer can only make it hold what it has paid for with the octets that it has `sent`: what waits for a reader, or for the rest of its
/// frame, may keep twice its size each, and what is echoed is held once.
pub(crate) fn most(http2: &Http2Config, tunnels: usize, sent: usize) -> usize {
    let load = Load {
        connections: 1,
        tunnels,
        copy_buffer: 0,
    };
    TARGET + unread(http2, load).min(4 * sent) + unsent(http2, load).min(sent) + state(http2, load)
}

/// The peer's end of TLS and of the pipe, the runtime and its tasks.
const TARGET: usize = 2 << 20;
