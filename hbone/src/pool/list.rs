use super::id::Id;
use super::slab::Slab;

/// A list through the values of a [`Slab`]: every operation is O(1) and none allocates. A value carries one [`Links`] for each
/// list that it can be in, which `links` finds.
#[derive(Debug)]
pub(super) struct List<T> {
    first: Option<Id>,
    last: Option<Id>,
    len: usize,
    links: fn(&mut T) -> &mut Links,
}

impl<T> List<T> {
    pub(super) const fn new(links: fn(&mut T) -> &mut Links) -> Self {
        Self {
            first: None,
            last: None,
            len: 0,
            links,
        }
    }

    pub(super) const fn len(&self) -> usize {
        self.len
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(super) const fn first(&self) -> Option<Id> {
        self.first
    }

    pub(super) const fn last(&self) -> Option<Id> {
        self.last
    }

    pub(super) fn after(&self, slab: &mut Slab<T>, id: Id) -> Option<Id> {
        let next = (self.links)(slab.get_mut(id)?).next;
        slab.id_at(next)
    }

    /// Puts a value at the end, unless it is in the list.
    pub(super) fn push_back(&mut self, slab: &mut Slab<T>, id: Id) {
        let last = self.last;
        if !self.link(slab, id, last, None) {
            return;
        }
        match last.and_then(|last| slab.get_mut(last)) {
            Some(value) => (self.links)(value).next = id.index,
            None => self.first = Some(id),
        }
        self.last = Some(id);
    }

    /// Puts a value before the first one that `is_later`, or at the end; not if it is in the list. Costs O(n) in those before it.
    pub(super) fn insert(&mut self, slab: &mut Slab<T>, id: Id, is_later: impl Fn(Id) -> bool) {
        let (mut previous, mut next) = (None, self.first);
        while let Some(before) = next.filter(|next| !is_later(*next)) {
            (previous, next) = (next, self.after(slab, before));
        }
        if !self.link(slab, id, previous, next) {
            return;
        }
        match previous.and_then(|previous| slab.get_mut(previous)) {
            Some(value) => (self.links)(value).next = id.index,
            None => self.first = Some(id),
        }
        match next.and_then(|next| slab.get_mut(next)) {
            Some(value) => (self.links)(value).previous = id.index,
            None => self.last = Some(id),
        }
    }

    /// Takes a value out, if it is in the list.
    pub(super) fn remove(&mut self, slab: &mut Slab<T>, id: Id) -> bool {
        let Some(value) = slab.get_mut(id) else {
            return false;
        };
        let links = std::mem::replace((self.links)(value), Links::new());
        if !links.listed {
            return false;
        }
        let (previous, next) = (slab.id_at(links.previous), slab.id_at(links.next));
        match previous.and_then(|previous| slab.get_mut(previous)) {
            Some(value) => (self.links)(value).next = links.next,
            None => self.first = next,
        }
        match next.and_then(|next| slab.get_mut(next)) {
            Some(value) => (self.links)(value).previous = links.previous,
            None => self.last = previous,
        }
        self.len -= 1;
        true
    }

    fn link(&mut self, slab: &mut Slab<T>, id: Id, previous: Option<Id>, next: Option<Id>) -> bool {
        let Some(value) = slab.get_mut(id) else {
            return false;
        };
        let links = (self.links)(value);
        if links.listed {
            return false;
        }
        *links = Links {
            previous: previous.map_or(NOBODY, |id| id.index),
            next: next.map_or(NOBODY, |id| id.index),
            listed: true,
        };
        self.len += 1;
        true
    }
}

/// The neighbours of a value in one [`List`]: their places, which are not given to others while they are in the list.
#[derive(Debug)]
pub(super) struct Links {
    previous: u32,
    next: u32,
    listed: bool,
}

impl Links {
    pub(super) const fn new() -> Self {
        Self {
            previous: NOBODY,
            next: NOBODY,
            listed: false,
        }
    }

    pub(super) const fn is_listed(&self) -> bool {
        self.listed
    }
}

/// A place that no slab has.
const NOBODY: u32 = u32::MAX;
