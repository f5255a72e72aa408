use alloc::string::String;

use crate::cursor::is_tchar;
use crate::member::Member;
use crate::percent;

/// Appends members to a header line, up to a length that is never exceeded.
pub(crate) struct Writer<'b> {
    line: &'b mut String,
    limit: usize,
}

/// It did not fit. What was written of it is still there.
#[derive(Debug)]
pub(crate) struct Full;

impl<'b> Writer<'b> {
    pub(crate) const fn new(line: &'b mut String, limit: usize) -> Self {
        Self { line, limit }
    }

    /// The comma that every member but the first needs.
    pub(crate) fn comma(&mut self) -> Result<(), Full> {
        match self.line.is_empty() {
            true => Ok(()),
            false => self.text(","),
        }
    }

    /// ASCII that needs no escape.
    pub(crate) fn text(&mut self, text: &str) -> Result<(), Full> {
        match self.line.len().saturating_add(text.len()) <= self.limit {
            true => {
                self.line.push_str(text);
                Ok(())
            }
            false => Err(Full),
        }
    }

    /// A key, and perhaps a value, escaped.
    pub(crate) fn pair(&mut self, key: &str, value: Option<&str>) -> Result<(), Full> {
        self.text(key)?;
        match value {
            Some(value) => {
                self.text("=")?;
                percent::chunks(value).try_for_each(|chunk| self.text(chunk))
            }
            None => Ok(()),
        }
    }

    /// A member that was read, without its white space and its empty properties, its values as they are spelled.
    pub(crate) fn member(&mut self, member: &Member<'_>) -> Result<(), Full> {
        self.comma()?;
        self.received_pair(member.key(), Some(member.encoded_value()))?;
        for property in member.properties() {
            self.text(";")?;
            self.received_pair(property.key(), property.encoded_value())?;
        }
        Ok(())
    }

    fn received_pair(&mut self, key: &str, encoded_value: Option<&str>) -> Result<(), Full> {
        self.text(key)?;
        match encoded_value {
            Some(value) => {
                self.text("=")?;
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
