use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Instant;

/// What is going to happen, in the order of time; at the same instant in the order that the seed chooses.
///
/// What one side does to one connection stays in order, as TCP keeps it: see [`Queue::push_behind`].
pub(crate) struct Queue<E> {
    heap: BinaryHeap<Reverse<Entry<E>>>,
    dice: Dice,
    seed: u64,
    count: u64,
}

struct Entry<E> {
    at: Instant,
    shuffle: u64,
    count: u64,
    event: E,
}

impl<E> Queue<E> {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            heap: BinaryHeap::new(),
            dice: Dice(seed),
            seed,
            count: 0,
        }
    }

    /// Schedules an event that is independent of the others at that instant.
    pub(crate) fn push(&mut self, at: Instant, event: E) {
        let shuffle = self.dice.roll();
        self.insert(at, shuffle, event);
    }

    /// Schedules an event that comes behind those with the same `stream` number at that instant, which were pushed so before.
    pub(crate) fn push_behind(&mut self, at: Instant, stream: u64, event: E) {
        // All of them get the same place in the shuffle, which differs from seed to seed.
        let shuffle = Dice(self.seed ^ stream).roll();
        self.insert(at, shuffle, event);
    }

    pub(crate) fn next_at(&self) -> Option<Instant> {
        self.heap.peek().map(|Reverse(entry)| entry.at)
    }

    pub(crate) fn pop(&mut self) -> Option<E> {
        self.heap.pop().map(|Reverse(entry)| entry.event)
    }

    pub(crate) fn roll(&mut self) -> u64 {
        self.dice.roll()
    }

    fn insert(&mut self, at: Instant, shuffle: u64, event: E) {
        self.count += 1;
        self.heap.push(Reverse(Entry {
            at,
            shuffle,
            count: self.count,
            event,
        }));
    }
}

impl<E> Entry<E> {
    fn key(&self) -> (Instant, u64, u64) {
        (self.at, self.shuffle, self.count)
    }
}

impl<E> PartialEq for Entry<E> {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl<E> Eq for Entry<E> {}

impl<E> PartialOrd for Entry<E> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<E> Ord for Entry<E> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}

/// SplitMix64: small, seeded, and good enough to shuffle with.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}
