use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

/// The names that led nowhere a moment ago.
#[derive(Debug)]
pub(super) struct FailedNames {
    ttl: Duration,
    /// Until when each is; `None` is for ever.
    until: BTreeMap<String, Option<Instant>>,
    /// The oldest first.
    order: VecDeque<String>,
}

/// A client may think of any number of names.
const MOST: usize = 1024;

impl FailedNames {
    pub(super) const fn new(ttl: Duration) -> Self {
        Self {
            ttl,
            until: BTreeMap::new(),
            order: VecDeque::new(),
        }
    }

    pub(super) fn has(&self, name: &str, now: Instant) -> bool {
        let until = self.until.get(name);
        until.is_some_and(|until| until.is_none_or(|until| now < until))
    }

    pub(super) fn put(&mut self, name: String, now: Instant) {
        while let Some(oldest) = self.order.front() {
            if self.order.len() < MOST && self.has(oldest, now) {
                break;
            }
            self.until.remove(oldest);
            self.order.pop_front();
        }
        let until = now.checked_add(self.ttl);
        if !self.ttl.is_zero() && self.until.insert(name.clone(), until).is_none() {
            self.order.push_back(name);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{FailedNames, MOST};

    const TTL: Duration = Duration::from_secs(1);

    #[test]
    fn a_name_is_remembered_for_its_time_and_no_longer() {
        let (mut failed, now) = (FailedNames::new(TTL), Instant::now());
        failed.put("a".into(), now);
        assert!(failed.has("a", now + TTL / 2) && !failed.has("b", now));
        assert!(!failed.has("a", now + TTL));
        failed.put("b".into(), now + TTL);
        assert_eq!(failed.until.len(), 1, "what is over is forgotten");
    }

    #[test]
    fn never_more_than_so_many_names_are_remembered() {
        let (mut failed, now) = (FailedNames::new(TTL), Instant::now());
        for at in 0..3 * MOST {
            failed.put(at.to_string(), now);
            failed.put("again".into(), now);
            assert!(failed.until.len() <= MOST);
            assert_eq!(failed.until.len(), failed.order.len());
        }
        assert!(failed.has(&(3 * MOST - 1).to_string(), now) && !failed.has("0", now));
    }

    #[test]
    fn a_time_without_end_is_one() {
        let (mut failed, now) = (FailedNames::new(Duration::MAX), Instant::now());
        failed.put("a".into(), now);
        failed.put("b".into(), now + TTL);
        assert!(failed.has("a", now + 1_000_000 * TTL) && failed.has("b", now));
    }

    #[test]
    fn a_time_of_zero_remembers_nothing() {
        let (mut failed, now) = (FailedNames::new(Duration::ZERO), Instant::now());
        failed.put("a".into(), now);
        assert!(!failed.has("a", now) && failed.order.is_empty());
    }
}
