use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::encode_error::EncodeError;
use crate::iter::Iter;
use crate::limits::Limits;
use crate::member::Member;
use crate::members::Members;
use crate::parse_error::ParseError;
use crate::parsed::Parsed;
use crate::property::text;
use crate::writer::{self, Full, Writer};

/// Owned baggage: members in order, duplicates and properties kept, within [`Limits`].
///
/// It is one buffer, the header line without its white space, of which values are decoded when asked for. So
/// what was received keeps its spelling when it is passed on; only a `%` that escapes nothing must be sent as
/// `%25`.
#[derive(Clone, Default)]
pub struct Baggage {
    line: Vec<u8>,
    members: usize,
    /// How many `%` in values escape nothing, each of which is two bytes longer when it is sent.
    bare: usize,
    limits: Limits,
}

impl Baggage {
    /// Empty, with the default limits.
    pub const fn new() -> Self {
        Self::with_limits(Limits::new())
    }

    /// Empty, with these limits on what is added.
    pub const fn with_limits(limits: Limits) -> Self {
        Self {
            line: Vec::new(),
            members: 0,
            bare: 0,
            limits,
        }
    }

    /// Reads header lines leniently, which never fails: what is malformed is left out and reported.
    ///
    /// It allocates no more than four times [`Limits::raw_bytes`] with the default limits, whatever the octets.
    pub fn parse<'a, T>(lines: impl IntoIterator<Item = &'a T>, limits: &Limits) -> Parsed
    where
        T: AsRef<[u8]> + ?Sized + 'a,
    {
        let mut parsed = Parsed {
            baggage: Self::with_limits(*limits),
            ..Parsed::default()
        };
        let mut members = Members::new(lines, limits);
        while let Some(member) = members.next() {
            match member {
                Ok(member) => parsed.baggage.append(&member, members.left_in_line()),
                Err(error) if error.kind().is_limit() => parsed.truncated = Some(error),
                Err(error) => {
                    parsed.skipped_total += 1;
                    if parsed.skipped.len() < limits.reports() {
                        parsed.skipped.push(error);
                    }
                }
            }
        }
        parsed
    }

    /// Reads header lines by the letter of the grammar; no line at all is empty baggage.
    ///
    /// # Errors
    ///
    /// The first error from left to right; that a limit is exceeded comes after all others.
    pub fn parse_strict<'a, T>(
        lines: impl IntoIterator<Item = &'a T>,
        limits: &Limits,
    ) -> Result<Self, ParseError>
    where
        T: AsRef<[u8]> + ?Sized + 'a,
    {
        let mut baggage = Self::with_limits(*limits);
        let mut members = Members::strict(lines, limits);
        while let Some(member) = members.next() {
            baggage.append(&member?, members.left_in_line());
        }
        Ok(baggage)
    }

    /// How many members there are.
    pub const fn len(&self) -> usize {
        self.members
    }

    /// Whether there is no member, and so no header to send.
    pub const fn is_empty(&self) -> bool {
        self.members == 0
    }

    /// The members, in order.
    pub fn iter(&self) -> Iter<'_> {
        Iter::new(&self.line)
    }

    /// The decoded value of the last member of this key.
    pub fn get(&self, key: &str) -> Option<Cow<'_, str>> {
        self.get_all(key).last().map(|member| member.value())
    }

    /// All members of this key, in order.
    pub fn get_all(&self, key: &str) -> impl Iterator<Item = Member<'_>> {
        self.iter().filter(move |member| member.key() == key)
    }

    /// Adds a member at the end, whether or not there is one of this key.
    ///
    /// # Errors
    ///
    /// If the key is not a token or the member does not fit; then nothing changes.
    pub fn push(&mut self, key: &str, value: &str) -> Result<(), EncodeError> {
        self.push_with_properties(key, value, [])
    }

    /// Adds a member with properties at the end, each a key and perhaps a value.
    ///
    /// # Errors
    ///
    /// If a key is not a token or the member does not fit; then nothing changes.
    pub fn push_with_properties<'p>(
        &mut self,
        key: &str,
        value: &str,
        properties: impl IntoIterator<Item = (&'p str, Option<&'p str>)>,
    ) -> Result<(), EncodeError> {
        let before = self.line.len();
        let result = self.write(key, value, properties);
        match result {
            Ok(()) => self.members += 1,
            Err(_) => self.line.truncate(before),
        }
        result
    }

    /// Replaces all members of this key by one at the end.
    ///
    /// # Errors
    ///
    /// If the key is not a token or the member does not fit; then nothing changes.
    pub fn set(&mut self, key: &str, value: &str) -> Result<(), EncodeError> {
        let mut changed = self.clone();
        changed.remove(key);
        changed.push(key, value)?;
        *self = changed;
        Ok(())
    }

    /// Removes all members of this key, and says how many there were.
    pub fn remove(&mut self, key: &str) -> usize {
        let before = self.members;
        self.retain(|member| member.key() != key);
        before - self.members
    }

    /// Keeps only the members for which `keep` says so.
    pub fn retain(&mut self, mut keep: impl FnMut(&Member<'_>) -> bool) {
        let mut kept = Self::with_limits(self.limits);
        for member in self.iter().filter(|member| keep(member)) {
            kept.append(&member, self.line.len());
        }
        *self = kept;
    }

    /// Puts a proxy's own members before these, which came from a peer, and says how many no longer fit.
    ///
    /// * The proxy's come first: who truncates drops the end, and some readers see only the beginning.
    /// * The peer's members of the same keys are dropped, all of them: a peer cannot speak for the proxy.
    /// * The peer's other members stay, in order and in their spelling, as long as they fit; then whole
    ///   members are left out.
    pub fn merge(&mut self, own: &Self) -> usize {
        let mut merged = Self::with_limits(self.limits);
        let theirs = self
            .iter()
            .filter(|member| own.get_all(member.key()).next().is_none());
        let dropped = own
            .iter()
            .chain(theirs)
            .filter(|member| !merged.append_if_fits(member))
            .count();
        *self = merged;
        dropped
    }

    /// Appends the header line to `out`, leaving out each member that does not fit these limits, and says how
    /// many were left out.
    ///
    /// Of `limits`, members and bytes count, measured on what is appended: ASCII, one line, no white space. Empty
    /// baggage appends nothing, and then no header is to be sent.
    pub fn encode(&self, limits: &Limits, out: &mut String) -> usize {
        if self.members <= limits.members() && self.encoded_len() <= limits.bytes() {
            self.write_to(out);
            return 0;
        }
        let mut fitting = Self::with_limits(*limits);
        let dropped = self
            .iter()
            .filter(|member| !fitting.append_if_fits(member))
            .count();
        fitting.write_to(out);
        dropped
    }

    /// Adds a member that was admitted when it was read, making room for as much as may follow it.
    fn append(&mut self, member: &Member<'_>, to_follow: usize) {
        let room = member.len().saturating_add(1);
        if self.line.capacity() - self.line.len() < room {
            let follows = to_follow.min(self.limits.bytes().saturating_sub(self.line.len()));
            self.line.reserve(room.saturating_add(follows));
        }
        if Writer::new(&mut self.line, usize::MAX)
            .member(member)
            .is_ok()
        {
            self.members += 1;
            self.bare += member.bare_percents();
        }
    }

    /// Adds a member if it fits as it would be sent, and says whether it did.
    fn append_if_fits(&mut self, member: &Member<'_>) -> bool {
        let before = self.line.len();
        let longer = 2 * (self.bare + member.bare_percents());
        let room = self.limits.bytes().checked_sub(longer);
        let fits = self.members < self.limits.members()
            && room.is_some_and(|room| Writer::new(&mut self.line, room).member(member).is_ok());
        match fits {
            true => {
                self.members += 1;
                self.bare += member.bare_percents();
            }
            false => self.line.truncate(before),
        }
        fits
    }

    #[cfg(feature = "http")]
    pub(crate) const fn limits(&self) -> &Limits {
        &self.limits
    }

    /// How long the line is as it would be sent.
    const fn encoded_len(&self) -> usize {
        self.line.len() + 2 * self.bare
    }

    fn write_to(&self, out: &mut String) {
        match self.bare {
            0 => out.push_str(text(&self.line)),
            _ => out.extend(self.pieces()),
        }
    }

    /// The line as it would be sent, in pieces.
    fn pieces(&self) -> impl Iterator<Item = &str> {
        self.iter().enumerate().flat_map(|(index, member)| {
            let comma = if index > 0 { "," } else { "" };
            core::iter::once(comma).chain(member.pieces())
        })
    }

    fn write<'p>(
        &mut self,
        key: &str,
        value: &str,
        properties: impl IntoIterator<Item = (&'p str, Option<&'p str>)>,
    ) -> Result<(), EncodeError> {
        if !writer::is_token(key) {
            return Err(EncodeError::InvalidKey { key: key.into() });
        }
        if self.members >= self.limits.members() {
            let limit = self.limits.members();
            return Err(EncodeError::TooManyMembers {
                key: key.into(),
                limit,
            });
        }
        let limit = self.limits.bytes();
        let too_large = |Full| EncodeError::TooLarge {
            key: key.into(),
            limit,
        };
        let mut writer = Writer::new(&mut self.line, limit.saturating_sub(2 * self.bare));
        writer.comma().map_err(too_large)?;
        writer.pair(key, Some(value)).map_err(too_large)?;
        for (property, value) in properties {
            if !writer::is_token(property) {
                return Err(EncodeError::InvalidProperty {
                    key: key.into(),
                    property: property.into(),
                });
            }
            writer.text(b";").map_err(too_large)?;
            writer.pair(property, value).map_err(too_large)?;
        }
        Ok(())
    }
}

/// The header line, with all members: where values were read with a `%` that escapes nothing, up to three times as long as they were.
/// [`Baggage::encode`] keeps to limits.
impl fmt::Display for Baggage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.pieces().try_for_each(|piece| f.write_str(piece))
    }
}

/// Equal in meaning: the same members in the same order, whatever their spelling and the limits.
impl PartialEq for Baggage {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Baggage {}

impl fmt::Debug for Baggage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl<'a> IntoIterator for &'a Baggage {
    type Item = Member<'a>;
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
