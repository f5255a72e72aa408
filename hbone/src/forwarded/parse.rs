use std::borrow::Cow;

use super::{Element, Forwarded, ForwardedError, MAX_ELEMENTS, MAX_LEN};

/// Reads header lines as one list.
pub(super) fn lines<'a>(
    lines: impl IntoIterator<Item = &'a [u8]>,
) -> Result<Forwarded, ForwardedError> {
    let mut elements = Vec::new();
    let mut total = 0_usize;
    for line in lines {
        // A comma stands for the end of a line when lines are joined.
        total = total.saturating_add(line.len()).saturating_add(1);
        if total > MAX_LEN.saturating_add(1) {
            return Err(ForwardedError::TooLong);
        }
        let text = str::from_utf8(line).map_err(|_| ForwardedError::NonAscii)?;
        if !text
            .bytes()
            .all(|byte| byte == b'\t' || matches!(byte, b' '..=b'~'))
        {
            return Err(ForwardedError::NonAscii);
        }
        read_line(&mut Scanner { rest: text }, &mut elements)?;
    }
    if elements.is_empty() {
        return Err(ForwardedError::Empty);
    }
    let forwarded = Forwarded { elements };
    // What is read is sent on, and so must not be too long for the next reader either.
    if total > MAX_LEN - MOST_GROWTH && forwarded.to_string().len() > MAX_LEN {
        return Err(ForwardedError::TooLong);
    }
    Ok(forwarded)
}

/// By how much a list may grow where it is written again: `::` for a single zero is one byte shorter than `:0:`, and an element has
/// two addresses at most.
const MOST_GROWTH: usize = 2 * MAX_ELEMENTS;

/// `[element] *(OWS "," OWS [element])`: a list may have empty members (RFC 9110 section 5.6.1.2).
fn read_line(scanner: &mut Scanner<'_>, elements: &mut Vec<Element>) -> Result<(), ForwardedError> {
    loop {
        let element = read_element(scanner)?;
        if element != Element::new() {
            if elements.len() >= MAX_ELEMENTS {
                return Err(ForwardedError::TooLong);
            }
            elements.push(element);
        }
        if scanner.rest.is_empty() {
            return Ok(());
        }
        if !scanner.take(',') {
            return Err(ForwardedError::BadValue);
        }
    }
}

/// `[pair] *(";" [pair])`. Blanks around the semicolon are not in the grammar, but ztunnel's reader takes them.
fn read_element(scanner: &mut Scanner<'_>) -> Result<Element, ForwardedError> {
    let mut element = Element::new();
    let mut extensions = Vec::new();
    loop {
        scanner.skip_blanks();
        if !matches!(scanner.peek(), None | Some(b',' | b';')) {
            element = read_pair(scanner, element, &mut extensions)?;
            scanner.skip_blanks();
        }
        if !scanner.take(';') {
            break;
        }
    }
    if has_repeated(&mut extensions) {
        return Err(ForwardedError::Repeated);
    }
    Ok(element)
}

/// Reads a parameter. One that we do not know leaves its name alone behind.
fn read_pair<'a>(
    scanner: &mut Scanner<'a>,
    mut element: Element,
    extensions: &mut Vec<&'a str>,
) -> Result<Element, ForwardedError> {
    let name = scanner.token().ok_or(ForwardedError::BadName)?;
    if !scanner.take('=') {
        return Err(ForwardedError::BadName);
    }
    let value = scanner.value().ok_or(ForwardedError::BadValue)?;
    let is = |other: &str| name.eq_ignore_ascii_case(other);
    let repeated = is("by") && element.by.is_some()
        || is("for") && element.client.is_some()
        || is("host") && element.host.is_some()
        || is("proto") && element.proto.is_some();
    if repeated {
        return Err(ForwardedError::Repeated);
    }
    if is("by") {
        element.by = Some(value.parse()?);
    } else if is("for") {
        element.client = Some(value.parse()?);
    } else if is("host") {
        element = element.with_host(&value)?;
    } else if is("proto") {
        element = element.with_proto(&value)?;
    } else {
        extensions.push(name);
    }
    Ok(element)
}

/// Whether a name comes twice, in whatever case. A peer can send a thousand of them, hence the order.
fn has_repeated(names: &mut [&str]) -> bool {
    names.sort_unstable_by(|one, other| {
        let lower = |byte: u8| byte.to_ascii_lowercase();
        one.bytes().map(lower).cmp(other.bytes().map(lower))
    });
    names
        .windows(2)
        .any(|pair| matches!(pair, [one, other] if one.eq_ignore_ascii_case(other)))
}

/// What is left of a line. Its text is ASCII.
struct Scanner<'a> {
    rest: &'a str,
}

impl<'a> Scanner<'a> {
    fn peek(&self) -> Option<u8> {
        self.rest.bytes().next()
    }

    fn take(&mut self, wanted: char) -> bool {
        let rest = self.rest.strip_prefix(wanted);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn skip_blanks(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t']);
    }

    fn token(&mut self) -> Option<&'a str> {
        let len = self
            .rest
            .bytes()
            .position(|byte| !is_token(byte))
            .unwrap_or(self.rest.len());
        let (token, rest) = self.rest.split_at_checked(len)?;
        self.rest = rest;
        (!token.is_empty()).then_some(token)
    }

    fn value(&mut self) -> Option<Cow<'a, str>> {
        if self.take('"') {
            return self.quoted();
        }
        self.token().map(Cow::Borrowed)
    }

    /// The rest of a quoted string (RFC 9110 section 5.6.4); a copy is made only to undo escapes.
    fn quoted(&mut self) -> Option<Cow<'a, str>> {
        let end = self.rest.find(['"', '\\'])?;
        let (plain, rest) = self.rest.split_at_checked(end)?;
        self.rest = rest;
        if self.take('"') {
            return Some(Cow::Borrowed(plain));
        }
        let mut text = plain.to_owned();
        let mut chars = self.rest.chars();
        loop {
            match chars.next()? {
                '"' => break,
                '\\' => text.push(chars.next()?),
                other => text.push(other),
            }
        }
        self.rest = chars.as_str();
        Some(Cow::Owned(text))
    }
}

/// `tchar` of RFC 9110 section 5.6.2.
pub(super) fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}
