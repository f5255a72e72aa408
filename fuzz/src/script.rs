/// The octets of an input as a row of choices, from the front. When they are used up, every choice is the first one.
#[derive(Clone, Debug)]
pub(crate) struct Script<'a>(&'a [u8]);

impl<'a> Script<'a> {
    pub(crate) const fn new(octets: &'a [u8]) -> Self {
        Self(octets)
    }

    pub(crate) const fn is_over(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn octet(&mut self) -> u8 {
        let (first, rest) = self.0.split_first().unwrap_or((&0, &[]));
        self.0 = rest;
        *first
    }

    pub(crate) fn flag(&mut self) -> bool {
        self.octet() & 1 == 1
    }

    /// Two octets, the more significant one first.
    pub(crate) fn word(&mut self) -> u16 {
        u16::from_be_bytes([self.octet(), self.octet()])
    }

    /// The next octets as they are, and zeros for those that are missing.
    pub(crate) fn octets<const N: usize>(&mut self) -> [u8; N] {
        std::array::from_fn(|_| self.octet())
    }

    /// A number below `bound`, which is at most 65,536.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        let number = if bound <= 256 {
            usize::from(self.octet())
        } else {
            usize::from(self.word())
        };
        number % bound.max(1)
    }

    pub(crate) fn one_of<T: Clone>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())].clone()
    }

    /// Nothing, or what `read` reads.
    pub(crate) fn maybe<T>(&mut self, read: impl FnOnce(&mut Self) -> T) -> Option<T> {
        self.flag().then(|| read(self))
    }

    /// Fewer than `bound` of what `read` reads.
    pub(crate) fn several<T>(
        &mut self,
        bound: usize,
        mut read: impl FnMut(&mut Self) -> T,
    ) -> Vec<T> {
        (0..self.below(bound)).map(|_| read(self)).collect()
    }

    /// One octet says how many follow.
    pub(crate) fn part(&mut self) -> &'a [u8] {
        let len = usize::from(self.octet()).min(self.0.len());
        let (part, rest) = self.0.split_at(len);
        self.0 = rest;
        part
    }

    /// The same as text, with something else for what is no UTF-8.
    pub(crate) fn text(&mut self) -> String {
        String::from_utf8_lossy(self.part()).into_owned()
    }

    pub(crate) const fn rest(self) -> &'a [u8] {
        self.0
    }
}
