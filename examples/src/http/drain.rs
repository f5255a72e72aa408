use std::future::pending;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::sleep;

/// Whether requests are still wanted.
#[derive(Debug, Clone)]
pub struct Drain(watch::Sender<bool>);

/// How long a connection of HTTP/1 may be idle yet: its client may be about to send. Who does is answered, and told that this was the last
/// answer; without that, a request that meets a close is lost.
const IDLE: Duration = Duration::from_secs(1);

impl Drain {
    /// They are.
    #[must_use]
    pub fn new() -> Self {
        Self(watch::Sender::new(false))
    }

    /// No more of them: connections end as soon as the requests that they carry have been answered.
    pub fn begin(&self) {
        self.0.send_replace(true);
    }

    pub(super) fn has_begun(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until it begins.
    pub(super) async fn begun(&self) {
        let mut receiver = self.0.subscribe();
        if receiver.wait_for(|begun| *begun).await.is_err() {
            pending().await
        }
    }

    /// Waits until connections on which nothing is asked are to be closed.
    pub async fn is_time_for_the_idle(&self) {
        self.begun().await;
        sleep(IDLE).await;
    }
}

impl Default for Drain {
    fn default() -> Self {
        Self::new()
    }
}
