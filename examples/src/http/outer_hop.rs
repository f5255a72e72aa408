use std::sync::{Arc, Mutex, PoisonError};

use hbone::{DialCause, DialError, EstablishError, Stage};

/// What the way to a gateway failed by last. To a tunnel inside of it that is a transport which does not come about, and no more.
#[derive(Debug, Clone, Default)]
pub(super) struct OuterHop(Arc<Mutex<Option<DialError>>>);

impl OuterHop {
    pub(super) fn handle_failed(&self, error: DialError) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
    }

    /// Why there is no tunnel, as seen from the beginning of the whole way, if the one inside failed by `error`.
    pub(super) fn explain(&self, error: DialError) -> DialError {
        let is_outer = matches!(
            error.cause,
            DialCause::Establish(
                EstablishError::Io {
                    stage: Stage::Tcp,
                    ..
                } | EstablishError::TimedOut {
                    stage: Stage::Tcp,
                    ..
                }
            )
        );
        if !is_outer {
            return DialError::new(1, 2, error.cause);
        }
        let outer = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let cause = outer.as_ref().map(|outer| outer.cause.clone());
        DialError::new(0, 2, cause.unwrap_or(error.cause))
    }
}
