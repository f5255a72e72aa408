/// How much baggage is read and written.
///
/// The default is what W3C asks every participant to carry at least: 64 members and 8192 bytes, over all header
/// lines together (W3C Baggage, section "Limits"). Both count what is kept: empty and malformed list elements cost
/// nothing. So that they do not come for free either, the octets that are looked at are capped too.
///
/// ```
/// use baggage::Limits;
///
/// let limits = Limits::new().with_members(180).with_bytes(16 * 1024);
/// assert_eq!(limits.members(), 180);
/// assert_eq!(limits.raw_bytes(), 16 * 1024);
/// ```
///
/// Specification: HBONE-B-009.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Limits {
    members: usize,
    bytes: usize,
    raw_bytes: usize,
    reports: usize,
}

impl Limits {
    /// W3C's minimum: 64 members, 8192 bytes; 16 KiB looked at, 64 reports.
    pub const fn new() -> Self {
        Self {
            members: 64,
            bytes: 8192,
            raw_bytes: 16 * 1024,
            reports: 64,
        }
    }

    /// The most list members kept; properties are not counted.
    pub const fn members(&self) -> usize {
        self.members
    }

    /// The most bytes kept: each member without the white space around it, and a comma between two members.
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// The most octets looked at, over all lines, each further line counting one for the comma that would join it.
    pub const fn raw_bytes(&self) -> usize {
        self.raw_bytes
    }

    /// The most skipped members described by [`Parsed::skipped`](crate::Parsed::skipped); all are counted.
    pub const fn reports(&self) -> usize {
        self.reports
    }

    /// Keeps at most this many members.
    #[must_use]
    pub const fn with_members(self, members: usize) -> Self {
        Self { members, ..self }
    }

    /// Keeps at most this many bytes. More than [`raw_bytes`](Self::raw_bytes) has no further effect on reading.
    #[must_use]
    pub const fn with_bytes(self, bytes: usize) -> Self {
        Self { bytes, ..self }
    }

    /// Looks at no more than this many octets.
    #[must_use]
    pub const fn with_raw_bytes(self, raw_bytes: usize) -> Self {
        Self { raw_bytes, ..self }
    }

    /// Describes at most this many skipped members.
    #[must_use]
    pub const fn with_reports(self, reports: usize) -> Self {
        Self { reports, ..self }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::new()
    }
}
