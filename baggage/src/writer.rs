use alloc::vec::Vec;

use crate::cursor::is_tchar;
use crate::member::Member;
use crate::percent;

/// Appends members to a header line, up to a length that is never exceeded.
///
/// Specification: HBONE-B-003.
pub(crate) struct Writer<'b> {
    line: &'b mut Vec<u8>,
    limit: usize,
}

/// It did not fit. What was written of it is still there.
#[derive(Debug)]
pub(crate) struct Full;

impl<'b> Writer<'b> {
    pub(crate) const fn new(line: &'b mut Vec<u8>, limit: usize) -> Self {
        Self { line, limit }
    }

    /// The comma that every member but the first needs.
    pub(crate) fn comma(&mut self) -> Result<(), Full> {
        match self.line.is_empty() {
            true => Ok(()),
            false => self.text(b","),
        }
    }

    /// ASCII that needs no escape.
    pub(crate) fn text(&mut self, text: &[u8]) -> Result<(), Full> {
        match self.line.len().saturating_add(text.len()) <= self.limit {
            true => {
                self.line.extend_from_slice(text);
                Ok(())
            }
            false => Err(Full),
        }
    }

    /// A key, and perhaps a value, escaped.
    pub(crate) fn pair(&mut self, key: &str, value: Option<&str>) -> Result<(), Full> {
        self.text(key.as_bytes())?;
        match value {
            Some(value) => {
                self.text(b"=")?;
                percent::chunks(value).try_for_each(|chunk| self.text(chunk.as_bytes()))
            }
            None => Ok(()),
        }
    }

    /// A member that was read, without its white space and its empty properties, its values as they are spelled.
    pub(crate) fn member(&mut self, member: &Member<'_>) -> Result<(), Full> {
        self.comma()?;
        if let Some(plain) = member.as_plain() {
            return self.text(plain);
        }
        self.received_pair(member.key_bytes(), Some(member.value_bytes()))?;
        for property in member.properties() {
            self.text(b";")?;
            self.received_pair(property.key_bytes(), property.value_bytes())?;
        }
        Ok(())
    }

    fn received_pair(&mut self, key: &[u8], encoded_value: Option<&[u8]>) -> Result<(), Full> {
        self.text(key)?;
        match encoded_value {
            Some(value) => {
                self.text(b"=")?;
                self.text(value)
            }
            None => Ok(()),
        }
    }
}

/// token = 1*tchar, RFC 7230 section 3.2.6.
pub(crate) fn is_token(key: &str) -> bool {
    !key.is_empty() && key.bytes().all(is_tchar)
}
