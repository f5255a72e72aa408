use std::future::Future;

use tokio::runtime::Builder;

/// Runs `work` on one thread, with a clock that moves only when nothing else does, and no more than so many bytes of memory in use at any
/// time.
pub(crate) fn bounded(bytes: u64, work: impl Future<Output = ()>) {
    let used = allocation_counter::measure(|| {
        let mut builder = Builder::new_current_thread();
        let runtime = builder.enable_time().start_paused(true).build();
        runtime.expect("a runtime").block_on(work);
    });
    assert!(
        used.bytes_max <= bytes,
        "{} bytes were in use, {bytes} are enough",
        used.bytes_max
    );
}
