use crate::cursor::Cursor;
use crate::member::Member;
use crate::parse_error::ParseErrorKind;
use crate::percent;

/// What stands between two commas.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Element<'a> {
    Empty,
    Member(Member<'a>),
    /// `left` is how many bytes of the line are left from the offending one on.
    Malformed {
        kind: ParseErrorKind,
        left: usize,
    },
}

impl<'a> Element<'a> {
    /// Reads one list element, from its first byte that is not white space, and leaves the cursor at the
    /// comma or the end.
    #[inline(never)]
    pub(crate) fn parse(cursor: &mut Cursor<'a>, strict: bool) -> Self {
        if cursor.at_element_end() {
            return match strict {
                true => malformed(ParseErrorKind::EmptyMember, cursor.left()),
                false => Self::Empty,
            };
        }
        match member(cursor, strict) {
            Ok(member) => Self::Member(member),
            Err(malformed) => {
                cursor.element();
                malformed
            }
        }
    }
}

/// list-member = key OWS "=" OWS value *( OWS ";" OWS property )
fn member<'a>(cursor: &mut Cursor<'a>, strict: bool) -> Result<Member<'a>, Element<'a>> {
    let start = *cursor;
    let key = cursor.token();
    let after_key = *cursor;
    cursor.skip_ows();
    if key.is_empty() || !cursor.eat(b'=') {
        return Err(no_key(start, after_key));
    }
    let mut end = *cursor;
    cursor.skip_ows();
    let value_start = *cursor;
    let value = cursor.octets();
    if !value.is_empty() {
        end = *cursor;
    }
    if strict {
        check_percent(value, value_start)?;
    }
    let value_end = *cursor;
    cursor.skip_ows();
    let properties_start = *cursor;
    while cursor.eat(b';') {
        end = *cursor;
        property(cursor, strict, &mut end)?;
    }
    if !cursor.at_element_end() {
        return Err(malformed(ParseErrorKind::InvalidValue, value_end.left()));
    }
    Ok(Member::new(
        start.until(end),
        key,
        value,
        properties_start.until(end),
    ))
}

/// property = key OWS "=" OWS value, or key OWS; the semicolon before it is eaten.
fn property<'a>(
    cursor: &mut Cursor<'a>,
    strict: bool,
    end: &mut Cursor<'a>,
) -> Result<(), Element<'a>> {
    cursor.skip_ows();
    if cursor.at_element_end() || cursor.starts_with(b';') {
        return match strict {
            true => Err(malformed(ParseErrorKind::InvalidProperty, cursor.left())),
            false => Ok(()),
        };
    }
    let key = cursor.token();
    if key.is_empty() {
        return Err(malformed(ParseErrorKind::InvalidProperty, cursor.left()));
    }
    *end = *cursor;
    cursor.skip_ows();
    if cursor.eat(b'=') {
        *end = *cursor;
        cursor.skip_ows();
        let value_start = *cursor;
        let value = cursor.octets();
        if !value.is_empty() {
            *end = *cursor;
        }
        if strict {
            check_percent(value, value_start)?;
        }
        let after_value = *cursor;
        cursor.skip_ows();
        return end_of_property(cursor, after_value);
    }
    end_of_property(cursor, *end)
}

fn end_of_property<'a>(cursor: &Cursor<'a>, offending: Cursor<'a>) -> Result<(), Element<'a>> {
    if cursor.at_element_end() || cursor.starts_with(b';') {
        return Ok(());
    }
    Err(malformed(ParseErrorKind::InvalidProperty, offending.left()))
}

/// Tells a piece without `=` from one with a bad key: the split at `;` and `=` comes before any look at the key.
#[cold]
fn no_key<'a>(mut start: Cursor<'a>, after_key: Cursor<'a>) -> Element<'a> {
    let left = start.left();
    let element = start.element();
    let has_equals = element
        .iter()
        .take_while(|&&byte| byte != b';')
        .any(|&byte| byte == b'=');
    match has_equals {
        true => malformed(ParseErrorKind::InvalidKey, after_key.left()),
        false => malformed(ParseErrorKind::MissingEquals, left),
    }
}

fn check_percent<'a>(value: &[u8], value_start: Cursor<'a>) -> Result<(), Element<'a>> {
    match percent::first_bare(value) {
        Some(offset) => Err(malformed(
            ParseErrorKind::InvalidPercent,
            value_start.left() - offset,
        )),
        None => Ok(()),
    }
}

const fn malformed<'a>(kind: ParseErrorKind, left: usize) -> Element<'a> {
    Element::Malformed { kind, left }
}

/// Reads the usual member: no white space, no property, nothing escaped. Anything else, and anything wrong,
/// is left for [`Element::parse`].
#[inline]
pub(crate) fn plain<'a>(cursor: &mut Cursor<'a>) -> Option<Member<'a>> {
    let start = *cursor;
    let mut at = start;
    let key = at.token();
    if key.is_empty() || !at.eat(b'=') {
        return None;
    }
    let value = at.plain_octets();
    if !at.at_element_end() {
        return None;
    }
    *cursor = at;
    Some(Member::new(start.until(at), key, value, &[]))
}
