use super::id::Id;

/// Values under ids that are never used twice; everything but [`ids`](Self::ids) is O(1).
pub(super) struct Slab<T> {
    slots: Vec<Slot<T>>,
    free: Option<u32>,
    len: usize,
    next_serial: u64,
}

impl<T> Slab<T> {
    pub(super) const fn new() -> Self {
        Self {
            slots: Vec::new(),
            free: None,
            len: 0,
            next_serial: 0,
        }
    }

    pub(super) const fn len(&self) -> usize {
        self.len
    }

    /// Whether this id was ever given out.
    pub(super) const fn has_issued(&self, id: Id) -> bool {
        id.serial < self.next_serial
    }

    pub(super) fn get(&self, id: Id) -> Option<&T> {
        match self.slots.get(id.index as usize)? {
            Slot::Taken { serial, value } if *serial == id.serial => Some(value),
            Slot::Free { .. } | Slot::Taken { .. } => None,
        }
    }

    pub(super) fn get_mut(&mut self, id: Id) -> Option<&mut T> {
        match self.slots.get_mut(id.index as usize)? {
            Slot::Taken { serial, value } if *serial == id.serial => Some(value),
            Slot::Free { .. } | Slot::Taken { .. } => None,
        }
    }

    /// The id of whoever has this place.
    pub(super) fn id_at(&self, index: u32) -> Option<Id> {
        match self.slots.get(index as usize)? {
            Slot::Taken { serial, .. } => Some(Id {
                serial: *serial,
                index,
            }),
            Slot::Free { .. } => None,
        }
    }

    pub(super) fn insert(&mut self, value: T) -> Id {
        let serial = self.next_serial;
        self.next_serial = self.next_serial.wrapping_add(1);
        self.len += 1;
        if let Some(index) = self.free
            && let Some(slot) = self.slots.get_mut(index as usize)
        {
            if let Slot::Free { next } = *slot {
                self.free = next;
            }
            *slot = Slot::Taken { serial, value };
            return Id { serial, index };
        }
        let index = u32::try_from(self.slots.len()).unwrap_or(u32::MAX);
        self.slots.push(Slot::Taken { serial, value });
        Id { serial, index }
    }

    pub(super) fn remove(&mut self, id: Id) -> Option<T> {
        self.get(id)?;
        let slot = self.slots.get_mut(id.index as usize)?;
        let old = std::mem::replace(slot, Slot::Free { next: self.free });
        self.free = Some(id.index);
        self.len -= 1;
        if self.len == 0 && self.slots.len() > KEPT_WHEN_EMPTY {
            self.slots = Vec::new();
            self.free = None;
        }
        match old {
            Slot::Taken { value, .. } => Some(value),
            Slot::Free { .. } => None,
        }
    }

    /// Every id, in the order of their places.
    pub(super) fn ids(&self) -> Vec<Id> {
        let taken = self
            .slots
            .iter()
            .zip(0..)
            .filter_map(|(slot, index)| match slot {
                Slot::Taken { serial, .. } => Some(Id {
                    serial: *serial,
                    index,
                }),
                Slot::Free { .. } => None,
            });
        taken.collect()
    }
}

enum Slot<T> {
    Free { next: Option<u32> },
    Taken { serial: u64, value: T },
}

/// How many places an empty slab holds on to; the memory of a larger storm is given back.
const KEPT_WHEN_EMPTY: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_id_never_means_a_new_tenant() {
        let mut slab = Slab::new();
        let old = slab.insert('a');
        assert_eq!(slab.remove(old), Some('a'));
        let new = slab.insert('b');
        assert_eq!(new.index, old.index, "the place is used again");
        assert_eq!(slab.get(old), None);
        assert_eq!(slab.remove(old), None);
        assert_eq!(slab.get(new), Some(&'b'));
        assert!(slab.has_issued(old) && slab.has_issued(new));
    }

    #[test]
    fn an_emptied_slab_gives_the_memory_of_a_storm_back_and_keeps_counting() {
        let mut slab = Slab::new();
        let ids: Vec<Id> = (0..1000).map(|n| slab.insert(n)).collect();
        for id in &ids {
            slab.remove(*id);
        }
        assert_eq!((slab.len(), slab.slots.capacity()), (0, 0));
        let next = slab.insert(7);
        assert_eq!(next.serial, 1000);
        assert!(ids.iter().all(|id| slab.get(*id).is_none()));
    }
}
