use core::iter::FusedIterator;

use crate::cursor::Cursor;
use crate::element::{self, Element};
use crate::limits::Limits;
use crate::member::Member;
use crate::parse_error::{ParseError, ParseErrorKind};

/// The members of any number of `baggage` header lines, in order, without allocation.
///
/// Each well-formed member is `Ok`, each malformed one `Err` with the reason and the place, after which
/// reading goes on: whether to skip it or to stop is the caller's choice. Empty list elements are passed
/// over, or are errors in [`strict`](Self::strict) mode.
///
/// If a limit is exceeded, that is the last item: an error whose kind [is a limit](ParseErrorKind::is_limit),
/// instead of the first member that does not fit. In strict mode the rest is still read, for other errors
/// only, so that they come first.
///
/// The lines can be anything that holds bytes: `&[u8]`, `&str`, or the `&HeaderValue`s of a message.
///
/// Specification: HBONE-B-004, HBONE-B-005, HBONE-B-009.
#[derive(Clone, Debug)]
pub struct Members<'a, L> {
    lines: L,
    strict: bool,
    stage: Stage,
    line: Line<'a>,
    raw_left: usize,
    members_left: usize,
    /// One more than may still be kept, for every member is charged with a comma.
    bytes_left: usize,
    over: Option<ParseError>,
}

impl<'a, T: AsRef<[u8]> + ?Sized + 'a, L: Iterator<Item = &'a T>> Members<'a, L> {
    /// Reads leniently: empty elements and properties are passed over, and a `%` that escapes nothing means
    /// itself.
    pub fn new(lines: impl IntoIterator<IntoIter = L>, limits: &Limits) -> Self {
        Self::with_mode(lines.into_iter(), limits, false)
    }

    /// Reads by the letter of the grammar: those are errors too.
    pub fn strict(lines: impl IntoIterator<IntoIter = L>, limits: &Limits) -> Self {
        Self::with_mode(lines.into_iter(), limits, true)
    }

    fn with_mode(lines: L, limits: &Limits, strict: bool) -> Self {
        Self {
            lines,
            strict,
            stage: Stage::Start,
            line: Line::default(),
            raw_left: limits.raw_bytes(),
            members_left: limits.members(),
            bytes_left: limits.bytes().saturating_add(1),
            over: None,
        }
    }

    /// How many bytes of the line being read are still to be read.
    pub(crate) const fn left_in_line(&self) -> usize {
        self.line.cursor.left()
    }

    /// Whether there is more to read: goes on to the next line where one has ended.
    #[inline]
    pub(crate) fn is_open(&mut self) -> bool {
        self.stage == Stage::InLine || self.advance()
    }

    /// Lets `take` read well-formed members from the line, if all that is left of it fits, and says whether
    /// that ended it: a shorter way to what [`next`](Iterator::next) does, which reads whatever is left.
    ///
    /// `take` is told how many members it may read, stops before the comma or the end after the last of them,
    /// and says how many they were.
    #[inline]
    pub(crate) fn take_from_line(
        &mut self,
        take: impl FnOnce(&mut Cursor<'a>, usize) -> usize,
    ) -> bool {
        let start = self.line.cursor.left();
        if self.line.unseen.is_some() || start >= self.bytes_left {
            return false;
        }
        let taken = take(&mut self.line.cursor, self.members_left);
        if taken == 0 {
            return false;
        }
        let left = self.line.cursor.left();
        self.members_left -= taken;
        self.bytes_left -= start - left + 1;
        if left == 0 {
            self.stage = Stage::BetweenLines;
        }
        left == 0
    }

    /// The next list element of this line, unless it is empty or exceeds a limit.
    #[inline]
    fn next_element(&mut self) -> Option<Result<Member<'a>, ParseError>> {
        self.line.cursor.skip_ows();
        let start = self.line.cursor;
        match element::plain(&mut self.line.cursor) {
            Some(member) if self.ends_whole(start) => self.admit(member, start),
            Some(_) => None,
            None => self.next_unusual(start),
        }
    }

    /// What [`element::plain`] leaves: white space, properties, escapes, errors, nothing.
    fn next_unusual(&mut self, start: Cursor<'a>) -> Option<Result<Member<'a>, ParseError>> {
        let element = Element::parse(&mut self.line.cursor, self.strict);
        if !self.ends_whole(start) {
            return None;
        }
        match element {
            Element::Empty => None,
            Element::Malformed { kind, left } => Some(Err(self.line.error(kind, left))),
            Element::Member(member) => self.admit(member, start),
        }
    }

    /// Goes on to where the next list element begins, or says that there is none.
    fn advance(&mut self) -> bool {
        match self.stage {
            Stage::InLine | Stage::Ended => {}
            Stage::Start | Stage::BetweenLines => self.next_line(),
            Stage::CutOff => self.stop(self.line.error(ParseErrorKind::TooLarge, 0)),
        }
        self.stage == Stage::InLine
    }

    /// Opens the next line, of which no more is seen than the raw limit allows. The comma that would join it
    /// to the line before counts, so that it makes no difference where a header was split.
    fn next_line(&mut self) {
        let Some(line) = self.lines.next() else {
            self.stage = Stage::Ended;
            return;
        };
        let line: &'a [u8] = line.as_ref();
        let first = self.stage == Stage::Start;
        let index = self.line.index + usize::from(!first);
        let Some(raw_left) = self.raw_left.checked_sub(usize::from(!first)) else {
            self.stop(ParseError::new(ParseErrorKind::TooLarge, index, 0));
            return;
        };
        let seen = line.get(..raw_left).unwrap_or(line);
        self.raw_left = raw_left - seen.len();
        self.stage = Stage::InLine;
        self.line = Line {
            cursor: Cursor::new(seen),
            index,
            length: seen.len(),
            unseen: line.get(seen.len()).copied(),
        };
    }

    /// Ends an element at its comma or with its line. Says whether all of it was seen.
    #[inline]
    fn ends_whole(&mut self, start: Cursor<'a>) -> bool {
        self.line.cursor.eat(b',') || self.end_line(start)
    }

    fn end_line(&mut self, start: Cursor<'a>) -> bool {
        match self.line.unseen {
            None => self.stage = Stage::BetweenLines,
            Some(b',') => self.stage = Stage::CutOff,
            Some(_) => self.stop(self.line.error(ParseErrorKind::TooLarge, start.left())),
        }
        self.stage != Stage::Ended
    }

    /// Counts a member, unless it exceeds a limit.
    #[inline]
    fn admit(
        &mut self,
        member: Member<'a>,
        start: Cursor<'a>,
    ) -> Option<Result<Member<'a>, ParseError>> {
        let refused = match self.bytes_left.checked_sub(member.len() + 1) {
            _ if self.members_left == 0 => ParseErrorKind::TooManyMembers,
            None => ParseErrorKind::TooLarge,
            Some(bytes_left) => {
                self.members_left -= 1;
                self.bytes_left = bytes_left;
                return Some(Ok(member));
            }
        };
        self.refuse(self.line.error(refused, start.left()));
        None
    }

    /// Remembers the first limit exceeded. Reading strictly goes on, for errors of form come first.
    #[cold]
    fn refuse(&mut self, error: ParseError) {
        self.over.get_or_insert(error);
        self.members_left = 0;
        if !self.strict {
            self.stage = Stage::Ended;
        }
    }

    fn stop(&mut self, error: ParseError) {
        self.over.get_or_insert(error);
        self.stage = Stage::Ended;
    }
}

impl<'a, T: AsRef<[u8]> + ?Sized + 'a, L: Iterator<Item = &'a T>> Iterator for Members<'a, L> {
    type Item = Result<Member<'a>, ParseError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if !self.is_open() {
                return self.over.take().map(Err);
            }
            let result = self.next_element();
            if result.is_some() {
                return result;
            }
        }
    }
}

impl<'a, T: AsRef<[u8]> + ?Sized + 'a, L: Iterator<Item = &'a T>> FusedIterator for Members<'a, L> {}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Stage {
    Start,
    BetweenLines,
    InLine,
    /// All that may be looked at was read, and ended with a whole element.
    CutOff,
    Ended,
}

/// The line being read, or as much of it as may be looked at.
#[derive(Clone, Copy, Debug, Default)]
struct Line<'a> {
    cursor: Cursor<'a>,
    index: usize,
    length: usize,
    /// The first octet that may not be looked at: the last element is whole only if this is a comma.
    unseen: Option<u8>,
}

impl Line<'_> {
    fn error(&self, kind: ParseErrorKind, left: usize) -> ParseError {
        ParseError::new(kind, self.index, self.length - left)
    }
}
