use core::fmt;
use core::iter::FusedIterator;

use crate::cursor::Cursor;
use crate::element::{self, Element};
use crate::member::Member;

/// The members of owned baggage, in order.
#[derive(Clone)]
pub struct Iter<'a> {
    cursor: Cursor<'a>,
}

impl<'a> Iter<'a> {
    pub(crate) const fn new(line: &'a [u8]) -> Self {
        Self {
            cursor: Cursor::new(line),
        }
    }
}

impl<'a> Iterator for Iter<'a> {
    type Item = Member<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        let usual = element::plain(&mut self.cursor);
        let member = usual.or_else(|| match Element::parse(&mut self.cursor, false) {
            Element::Member(member) => Some(member),
            // The line holds well-formed members only, so it has ended.
            Element::Empty | Element::Malformed { .. } => None,
        });
        self.cursor.eat(b',');
        member
    }
}

impl FusedIterator for Iter<'_> {}

impl fmt::Debug for Iter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.clone()).finish()
    }
}
