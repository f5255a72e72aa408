//! How much memory is held.

use std::future::Future;

use allocation_counter::{AllocationInfo, measure};
use tokio::runtime::Builder;

/// The bytes that are held once `setting` has come to its end, by what it returns and by all tasks that it has started.
///
/// Everything runs in this thread, which is the one that is counted. The clock is stopped: to sleep is to wait until nothing
/// moves any more.
pub(crate) fn held_after<T>(setting: impl Future<Output = T>) -> usize {
    let counted = counted(setting);
    usize::try_from(counted.bytes_current).expect("more was made than freed")
}

/// The most bytes that were held at any time until then.
pub(crate) fn most_during<T>(setting: impl Future<Output = T>) -> usize {
    let counted = counted(setting);
    usize::try_from(counted.bytes_max).expect("no more than there can be")
}

fn counted<T>(setting: impl Future<Output = T>) -> AllocationInfo {
    let mut kept = None;
    measure(|| {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .expect("a runtime");
        let held = runtime.block_on(setting);
        kept = Some((held, runtime));
    })
}
