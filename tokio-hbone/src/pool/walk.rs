use std::sync::Arc;

use hbone::pool::Spread;
use hbone::{Dial, DialAction, DialCause, DialError, Route};

use super::key::Key;
use super::shared::Shared;
use crate::deadline::{now, within};
use crate::tunnel::TunnelIo;
use crate::walk::HopAnswer;

/// Opens the innermost tunnel of `route` on a connection of the pool, which makes what is missing on the way.
///
/// Dropping the future at any point gives back whatever it holds; a dial that others wait for as well goes on.
pub(super) async fn walk(
    shared: &Arc<Shared>,
    route: &Route,
    spread: Option<Spread>,
) -> Result<(TunnelIo, Vec<HopAnswer>), DialError> {
    let hops = route.len();
    let failed = |level, cause| DialError::new(level, hops, cause);
    let mut dial = Dial::new(route, shared.connector.dial, now());
    let (mut held, mut opened) = (None, None);
    while let Some(action) = dial.poll() {
        let reported = match action {
            DialAction::Checkout { level, .. } => {
                let generation = shared.connector.link.tls.generation();
                let key = Key::new(route, level, generation);
                match within(dial.poll_timeout(), shared.check_out(key, spread)).await {
                    Some(Ok(granted)) => {
                        held = Some(granted);
                        dial.handle_checkout(level, true)
                    }
                    Some(Err(failure)) => {
                        let error = DialError::from_pool(failure, level, hops);
                        dial.handle_checkout_failed(level, error)
                    }
                    None => {
                        dial.handle_timeout(now());
                        Ok(())
                    }
                }
            }
            DialAction::Request { level } => {
                let Some(granted) = held.take() else {
                    return Err(failed(level, DialCause::Cancelled));
                };
                let hop = route.hop(level).unwrap_or_else(|| route.last());
                let asked = granted.request(&hop.connect, shared.connector.request);
                match within(dial.poll_timeout(), asked).await {
                    Some(outcome) => {
                        let outcome = outcome.map(|tunnel| opened = Some(tunnel));
                        dial.handle_request(level, outcome)
                    }
                    None => {
                        dial.handle_timeout(now());
                        Ok(())
                    }
                }
            }
            DialAction::Ended(outcome) => {
                outcome?;
                break;
            }
            // `Abandon`: the work was dropped when its deadline came. `Establish` is the pool's, never asked of a walk that has
            // found everything.
            _ => Ok(()),
        };
        reported.map_err(|misuse| failed(dial.level(), misuse.into()))?;
    }
    opened.ok_or_else(|| failed(dial.level(), DialCause::Cancelled))
}
