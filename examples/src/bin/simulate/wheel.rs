/// Events in milliseconds to come: a ring with a slot a millisecond, so that adding and taking cost the same however many there are.
#[derive(Debug)]
pub(crate) struct Wheel<T> {
    slots: Vec<Vec<T>>,
}

impl<T> Wheel<T> {
    pub(crate) fn new() -> Self {
        Self {
            slots: (0..SPAN).map(|_| Vec::new()).collect(),
        }
    }

    /// Adds an event; `at` is later than the present, by at most [`SPAN`] milliseconds.
    pub(crate) fn add(&mut self, at: u64, event: T) {
        let slot = (at % SPAN) as usize;
        self.slots[slot].push(event);
    }

    /// Takes the events of a millisecond, in the order in which they were added.
    pub(crate) fn take(&mut self, at: u64, events: &mut Vec<T>) {
        let slot = (at % SPAN) as usize;
        events.append(&mut self.slots[slot]);
    }
}

/// How far ahead an event can be, in milliseconds.
pub(crate) const SPAN: u64 = 4096;
