/// What is left of a header line, and the grammar's terminals.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    pub(crate) const fn new(line: &'a [u8]) -> Self {
        Self { rest: line }
    }

    #[inline]
    pub(crate) const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// How many bytes are left.
    #[inline]
    pub(crate) const fn left(&self) -> usize {
        self.rest.len()
    }

    #[inline]
    pub(crate) fn starts_with(&self, byte: u8) -> bool {
        self.rest.first() == Some(&byte)
    }

    /// Whether a list element ends here.
    #[inline]
    pub(crate) fn at_element_end(&self) -> bool {
        matches!(self.rest.first(), None | Some(b','))
    }

    /// The bytes from here to a later place in the same line.
    #[inline]
    pub(crate) fn until(&self, later: Self) -> &'a [u8] {
        let length = self.rest.len().saturating_sub(later.rest.len());
        self.rest.get(..length).unwrap_or_default()
    }

    #[inline]
    pub(crate) fn eat(&mut self, byte: u8) -> bool {
        match self.rest.split_first() {
            Some((&first, rest)) if first == byte => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    /// OWS = *( SP / HTAB ), RFC 7230 section 3.2.3: no other white space, so not `trim`.
    #[inline]
    pub(crate) fn skip_ows(&mut self) {
        while let Some((b' ' | b'\t', rest)) = self.rest.split_first() {
            self.rest = rest;
        }
    }

    /// token = 1*tchar, RFC 7230 section 3.2.6; empty where there is none.
    #[inline]
    pub(crate) fn token(&mut self) -> &'a [u8] {
        self.take_class(TCHAR)
    }

    /// value = *baggage-octet.
    #[inline]
    pub(crate) fn octets(&mut self) -> &'a [u8] {
        self.take_class(BAGGAGE_OCTET)
    }

    /// Those that mean themselves: no `%`.
    #[inline]
    pub(crate) fn plain_octets(&mut self) -> &'a [u8] {
        self.take_class(PLAIN)
    }

    /// Those that are written as they are: neither `%` nor `=`.
    #[inline]
    pub(crate) fn unescaped(&mut self) -> &'a [u8] {
        self.take_class(UNESCAPED)
    }

    /// Up to the comma or the end.
    #[inline]
    pub(crate) fn element(&mut self) -> &'a [u8] {
        let length = self.rest.iter().position(|&byte| byte == b',');
        self.take(length.unwrap_or(self.rest.len()))
    }

    #[inline]
    fn take_class(&mut self, class: u8) -> &'a [u8] {
        let start = *self;
        while let [a, b, c, d, rest @ ..] = self.rest
            && class_of(*a) & class_of(*b) & class_of(*c) & class_of(*d) & class != 0
        {
            self.rest = rest;
        }
        while let [byte, rest @ ..] = self.rest
            && class_of(*byte) & class != 0
        {
            self.rest = rest;
        }
        start.until(*self)
    }

    #[inline]
    fn take(&mut self, length: usize) -> &'a [u8] {
        let (taken, rest) = self
            .rest
            .split_at_checked(length)
            .unwrap_or((self.rest, &[]));
        self.rest = rest;
        taken
    }
}

#[inline]
fn class_of(byte: u8) -> u8 {
    CLASS[usize::from(byte)]
}

/// tchar, RFC 7230 section 3.2.6.
pub(crate) fn is_tchar(byte: u8) -> bool {
    class_of(byte) & TCHAR != 0
}

const TCHAR: u8 = 1;
const BAGGAGE_OCTET: u8 = 2;
const PLAIN: u8 = 4;
const UNESCAPED: u8 = 8;

static CLASS: [u8; 256] = {
    let mut class = [0; 256];
    let mut byte = 0_u8;
    loop {
        class[byte as usize] = tchar(byte) | baggage_octet(byte);
        if byte == u8::MAX {
            break class;
        }
        byte += 1;
    }
};

/// tchar = "!" / "#" / "$" / "%" / "&" / "'" / "*" / "+" / "-" / "." / "^" / "_" / "`" / "|" / "~" / DIGIT / ALPHA
const fn tchar(byte: u8) -> u8 {
    match byte {
        b'!' | b'#' | b'$' | b'%' | b'&' | b'\'' | b'*' | b'+' | b'-' | b'.' | b'^' | b'_'
        | b'`' | b'|' | b'~' => TCHAR,
        b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => TCHAR,
        _ => 0,
    }
}

/// baggage-octet = %x21 / %x23-2B / %x2D-3A / %x3C-5B / %x5D-7E
const fn baggage_octet(byte: u8) -> u8 {
    match byte {
        b'%' => BAGGAGE_OCTET,
        b'=' => BAGGAGE_OCTET | PLAIN,
        0x21 | 0x23..=0x2b | 0x2d..=0x3a | 0x3c..=0x5b | 0x5d..=0x7e => {
            BAGGAGE_OCTET | PLAIN | UNESCAPED
        }
        _ => 0,
    }
}
