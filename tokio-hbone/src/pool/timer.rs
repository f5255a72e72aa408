use std::sync::{Arc, Weak};

use tokio::sync::Notify;

use super::shared::Shared;
use crate::deadline::within;

/// Tells the pool when its time has come, until the pool is gone. `earlier` says that the time has changed.
pub(super) async fn run(pool: Weak<Shared>, earlier: Arc<Notify>) {
    loop {
        let Some(deadline) = pool.upgrade().map(|pool| pool.arm()) else {
            return;
        };
        let is_due = match deadline {
            Some(deadline) => within(Some(deadline), earlier.notified()).await.is_none(),
            None => {
                earlier.notified().await;
                false
            }
        };
        if is_due && let Some(pool) = pool.upgrade() {
            pool.with(|state, now| state.handle_timeout(now));
        }
    }
}
