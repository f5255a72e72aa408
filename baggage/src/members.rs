use core::iter::FusedIterator;

use crate::cursor::Cursor;
use crate::element::Element;
use crate::limits::Limits;
use crate::member::Member;
use crate::parse_error::{ParseError, ParseErrorKind};

/// The members of any number of `baggage` header lines, in order, without allocation.
#[derive(Clone, Debug)]
pub struct Members<'a, L> {
    lines: L,
    limits: Limits,
    strict: bool,
    line: Option<Line<'a>>,
    next_line: usize,
    raw_left: usize,
    members: usize,
    bytes: usize,
    over: Option<ParseError>,
    done: bool,
}

/// The line being read, or as much of it as may be looked at.
#[derive(Clone, Copy, Debug)]
struct Line<'a> {
    cursor: Cursor<'a>,
    index: usize,
    length: usize,
    /// Octets follow which may not be looked at; the last element is whole only if they begin with a comma.
    cut: Option<Cut>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Cut {
    AtComma,
    Inside,
}

impl<'a, T: AsRef<[u8]> + ?Sized + 'a, L: Iterator<Item = &'a T>> Members<'a, L> {
    /// Reads leniently: what a recipient may tolerate is not an error.
    pub fn new(lines: impl IntoIterator<IntoIter = L>, limits: &Limits) -> Self {
        Self::with_mode(lines.into_iter(), limits, false)
    }

    /// Reads by the letter.
    pub fn strict(lines: impl IntoIterator<IntoIter = L>, limits: &Limits) -> Self {
        Self::with_mode(lines.into_iter(), limits, true)
    }

    fn with_mode(lines: L, limits: &Limits, strict: bool) -> Self {
        Self {
            lines,
            limits: *limits,
            strict,
            line: None,
            next_line: 0,
            raw_left: limits.raw_bytes(),
            members: 0,
            bytes: 0,
            over: None,
            done: false,
        }
    }

    /// Opens the next line, of which no more is seen than the raw limit allows. The comma that would join it to the
    /// line before counts, so that it makes no difference where a header was split.
    fn open_line(&mut self) -> Option<Line<'a>> {
        let line: &'a [u8] = self.lines.next()?.as_ref();
        let index = self.next_line;
        self.next_line += 1;
        if index > 0 {
            let Some(left) = self.raw_left.checked_sub(1) else {
                self.stop(ParseError::new(ParseErrorKind::TooLarge, index, 0));
                return None;
            };
            self.raw_left = left;
        }
        let seen = line.get(..self.raw_left).unwrap_or(line);
        self.raw_left -= seen.len();
        Some(Line {
            cursor: Cursor::new(seen),
            index,
            length: seen.len(),
            cut: line.get(seen.len()).map(|&next| {
                if next == b',' {
                    Cut::AtComma
                } else {
                    Cut::Inside
                }
            }),
        })
    }

    /// Counts a member, or says which limit it exceeds.
    fn admit(&mut self, member: &Member<'a>) -> Result<(), ParseErrorKind> {
        if self.members >= self.limits.members() {
            return Err(ParseErrorKind::TooManyMembers);
        }
        let comma = usize::from(self.members > 0);
        let bytes = self
            .bytes
            .saturating_add(member.len())
            .saturating_add(comma);
        if bytes > self.limits.bytes() {
            return Err(ParseErrorKind::TooLarge);
        }
        self.members += 1;
        self.bytes = bytes;
        Ok(())
    }

    fn stop(&mut self, error: ParseError) {
        self.over.get_or_insert(error);
        self.done = true;
    }
}

impl<'a, T: AsRef<[u8]> + ?Sized + 'a, L: Iterator<Item = &'a T>> Iterator for Members<'a, L> {
    type Item = Result<Member<'a>, ParseError>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.done {
            let Some(mut line) = self.line.take().or_else(|| self.open_line()) else {
                self.done = true;
                break;
            };
            let refusing = self.over.is_some();
            line.cursor.skip_ows();
            let start = line.length - line.cursor.left();
            let element = Element::parse(&mut line.cursor, self.strict);
            let error = |kind, offset| ParseError::new(kind, line.index, offset);
            if line.cursor.eat(b',') {
                self.line = Some(line);
            } else {
                match line.cut {
                    None => {}
                    Some(Cut::AtComma) => self.stop(error(ParseErrorKind::TooLarge, line.length)),
                    Some(Cut::Inside) => {
                        self.stop(error(ParseErrorKind::TooLarge, start));
                        break;
                    }
                }
            }
            match element {
                Element::Empty => {}
                Element::Malformed { kind, left } => {
                    return Some(Err(error(kind, line.length - left)));
                }
                Element::Member(member) => match self.admit(&member) {
                    _ if refusing => {}
                    Ok(()) => return Some(Ok(member)),
                    Err(kind) => {
                        self.over.get_or_insert_with(|| error(kind, start));
                        self.done |= !self.strict;
                    }
                },
            }
        }
        self.over.take().map(Err)
    }
}

impl<'a, T: AsRef<[u8]> + ?Sized + 'a, L: Iterator<Item = &'a T>> FusedIterator for Members<'a, L> {}
