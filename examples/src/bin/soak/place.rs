use std::sync::atomic::{AtomicU64, Ordering};

/// Something on the way of tunnels that faults befall: a server, or the certificate of a client.
#[derive(Debug, Default)]
pub(crate) struct Place {
    /// Odd while there is a fault.
    turns: AtomicU64,
}

/// How things stood when a tunnel began.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mark {
    turns: u64,
    troubled: bool,
}

impl Place {
    /// A fault begins; it is said before it is done.
    pub(crate) fn fault_begins(&self) {
        self.turns.fetch_add(1, Ordering::SeqCst);
    }

    /// All is well again, also for who begins now.
    pub(crate) fn fault_ends(&self) {
        self.turns.fetch_add(1, Ordering::SeqCst);
    }
}

impl Mark {
    /// How things stand on a way that leads over `places`.
    pub(crate) fn of<'a>(places: impl IntoIterator<Item = &'a Place>) -> Self {
        let turns = places
            .into_iter()
            .map(|place| place.turns.load(Ordering::SeqCst));
        turns.fold(
            Self {
                turns: 0,
                troubled: false,
            },
            |mark, turns| Self {
                turns: mark.turns + turns,
                troubled: mark.troubled || turns % 2 == 1,
            },
        )
    }

    /// Whether a fault was on the way at any time from then to `now`.
    pub(crate) const fn was_hit(self, now: Self) -> bool {
        self.troubled || self.turns != now.turns
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_counts_for_whoever_was_there_while_it_was() {
        let (here, there) = (Place::default(), Place::default());
        let mark = || Mark::of([&here, &there]);
        let before = mark();
        assert!(!before.was_hit(mark()));
        there.fault_begins();
        let during = mark();
        assert!(before.was_hit(during));
        there.fault_ends();
        let after = mark();
        assert!(before.was_hit(after) && during.was_hit(after));
        assert!(!after.was_hit(mark()));
    }
}
