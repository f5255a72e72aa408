use super::id::Id;
use super::slab::Slab;

/// A binary heap through the values of a [`Slab`]: the least rank first, the oldest value among equals. Each value knows its
/// [`Place`], so a rank is changed or removed in O(log n) and nothing stale is left behind.
#[derive(Debug)]
pub(super) struct Heap<T, R> {
    items: Vec<(R, Id)>,
    place: fn(&mut T) -> &mut Place,
}

impl<T, R: Copy + Ord> Heap<T, R> {
    pub(super) const fn new(place: fn(&mut T) -> &mut Place) -> Self {
        Self {
            items: Vec::new(),
            place,
        }
    }

    pub(super) fn peek(&self) -> Option<(R, Id)> {
        self.items.first().copied()
    }

    /// Puts a value in, or changes its rank.
    pub(super) fn set(&mut self, slab: &mut Slab<T>, id: Id, rank: R) {
        let Some(value) = slab.get_mut(id) else {
            return;
        };
        let at = match (self.place)(value).0 {
            Some(at) => at as usize,
            None => {
                self.items.push((rank, id));
                self.items.len() - 1
            }
        };
        if let Some(item) = self.items.get_mut(at) {
            *item = (rank, id);
        }
        self.note(slab, at);
        let at = self.rise(slab, at);
        self.sink(slab, at);
    }

    /// Takes a value out, if it is in.
    pub(super) fn remove(&mut self, slab: &mut Slab<T>, id: Id) {
        let Some(value) = slab.get_mut(id) else {
            return;
        };
        let Some(at) = (self.place)(value).0.take() else {
            return;
        };
        let at = at as usize;
        let Some(last) = self.items.pop() else { return };
        if let Some(item) = self.items.get_mut(at) {
            *item = last;
            self.note(slab, at);
            let at = self.rise(slab, at);
            self.sink(slab, at);
        } else if self.items.is_empty() && self.items.capacity() > KEPT_WHEN_EMPTY {
            self.items = Vec::new();
        }
    }

    /// The rank that a value has, if it is in.
    pub(super) fn rank(&self, slab: &mut Slab<T>, id: Id) -> Option<R> {
        let at = (self.place)(slab.get_mut(id)?).0?;
        self.items.get(at as usize).map(|(rank, _)| *rank)
    }

    fn rise(&mut self, slab: &mut Slab<T>, mut at: usize) -> usize {
        while at > 0 {
            let above = (at - 1) / 2;
            if self.items.get(above) <= self.items.get(at) {
                break;
            }
            self.swap(slab, at, above);
            at = above;
        }
        at
    }

    fn sink(&mut self, slab: &mut Slab<T>, mut at: usize) {
        loop {
            let left = 2 * at + 1;
            let below = match (self.items.get(left), self.items.get(left + 1)) {
                (Some(left_item), Some(right_item)) if right_item < left_item => left + 1,
                (Some(_), _) => left,
                (None, _) => return,
            };
            if self.items.get(at) <= self.items.get(below) {
                return;
            }
            self.swap(slab, at, below);
            at = below;
        }
    }

    fn swap(&mut self, slab: &mut Slab<T>, one: usize, other: usize) {
        self.items.swap(one, other);
        self.note(slab, one);
        self.note(slab, other);
    }

    /// Tells the value at `at` where it is.
    fn note(&self, slab: &mut Slab<T>, at: usize) {
        if let Some((_, id)) = self.items.get(at)
            && let Some(value) = slab.get_mut(*id)
        {
            (self.place)(value).0 = u32::try_from(at).ok();
        }
    }
}

/// Where a value is in one [`Heap`], if it is.
#[derive(Debug, Default)]
pub(super) struct Place(Option<u32>);

impl Place {
    pub(super) const fn new() -> Self {
        Self(None)
    }

    pub(super) const fn is_taken(&self) -> bool {
        self.0.is_some()
    }
}

/// How many items an empty heap holds on to; the memory of a larger storm is given back.
const KEPT_WHEN_EMPTY: usize = 64;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    struct Value(Place);

    proptest! {
        #[test]
        fn the_least_rank_comes_first_whatever_is_changed_or_removed(steps in prop::collection::vec((0..20_usize, prop::option::of(0..9_u8)), 1..200)) {
            let mut slab = Slab::new();
            let mut heap: Heap<Value, u8> = Heap::new(|value| &mut value.0);
            let ids: Vec<Id> = (0..20).map(|_| slab.insert(Value(Place::default()))).collect();
            let mut naive: Vec<Option<u8>> = vec![None; ids.len()];
            for (which, rank) in steps {
                match rank {
                    Some(rank) => heap.set(&mut slab, ids[which], rank),
                    None => heap.remove(&mut slab, ids[which]),
                }
                naive[which] = rank;
                let least = naive.iter().zip(&ids).filter_map(|(rank, id)| rank.map(|rank| (rank, *id))).min();
                prop_assert_eq!(heap.peek(), least);
                for (rank, id) in naive.iter().zip(&ids) {
                    prop_assert_eq!(heap.rank(&mut slab, *id), *rank);
                }
            }
        }
    }
}
