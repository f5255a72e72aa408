/// What is left of a header line, and the grammar's terminals.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    pub(crate) const fn new(line: &'a [u8]) -> Self {
        Self { rest: line }
    }

    /// How many bytes are left.
    pub(crate) const fn left(&self) -> usize {
        self.rest.len()
    }

    pub(crate) fn starts_with(&self, byte: u8) -> bool {
        self.rest.first() == Some(&byte)
    }

    /// Whether a list element ends here.
    pub(crate) fn at_element_end(&self) -> bool {
        matches!(self.rest.first(), None | Some(b','))
    }

    /// The bytes from here to a later place in the same line.
    pub(crate) fn until(&self, later: Self) -> &'a [u8] {
        let length = self.rest.len().saturating_sub(later.rest.len());
        self.rest.get(..length).unwrap_or_default()
    }

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
    pub(crate) fn skip_ows(&mut self) {
        while let Some((b' ' | b'\t', rest)) = self.rest.split_first() {
            self.rest = rest;
        }
    }

    /// token = 1*tchar, RFC 7230 section 3.2.6; empty where there is none.
    pub(crate) fn token(&mut self) -> &'a [u8] {
        self.take_while(is_tchar)
    }

    /// value = *baggage-octet.
    pub(crate) fn octets(&mut self) -> &'a [u8] {
        self.take_while(is_baggage_octet)
    }

    /// Up to the comma or the end.
    pub(crate) fn element(&mut self) -> &'a [u8] {
        self.take_while(|byte| byte != b',')
    }

    fn take_while(&mut self, wanted: impl Fn(u8) -> bool) -> &'a [u8] {
        let length = self
            .rest
            .iter()
            .position(|&byte| !wanted(byte))
            .unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(length);
        self.rest = rest;
        taken
    }
}

pub(crate) fn is_tchar(byte: u8) -> bool {
    CLASS[usize::from(byte)] & TCHAR != 0
}

pub(crate) fn is_baggage_octet(byte: u8) -> bool {
    CLASS[usize::from(byte)] & BAGGAGE_OCTET != 0
}

const TCHAR: u8 = 1;
const BAGGAGE_OCTET: u8 = 2;

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

const fn tchar(byte: u8) -> u8 {
    match byte {
        b'!' | b'#' | b'$' | b'%' | b'&' | b'\'' | b'*' | b'+' | b'-' | b'.' | b'^' | b'_'
        | b'`' | b'|' | b'~' => TCHAR,
        b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => TCHAR,
        _ => 0,
    }
}

const fn baggage_octet(byte: u8) -> u8 {
    match byte {
        0x21 | 0x23..=0x2b | 0x2d..=0x3a | 0x3c..=0x5b | 0x5d..=0x7e => BAGGAGE_OCTET,
        _ => 0,
    }
}
