use std::fmt;
use std::num::{NonZeroU64, NonZeroU128};
use std::str::FromStr;

use http::HeaderValue;
use thiserror::Error;

/// `00-` and 32 digits, `-` and 16 digits, `-` and 2 digits.
const LEN: usize = 55;
/// The flags that have a meaning: sampled (level 1) and random-trace-id (level 2).
const KNOWN_FLAGS: u8 = 0b11;
const SAMPLED: u8 = 0b01;

/// The position of a tunnel in a distributed trace: W3C Trace Context, section 3.2.
///
/// Both ids are given by the caller; this crate draws none. A version we do not know is read as far as version 00 goes, as the
/// standard demands, and written as version 00 with the flags that have no meaning cleared.
///
/// ```
/// use hbone::Traceparent;
///
/// let here: Traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".parse()?;
/// assert!(here.is_sampled());
/// # Ok::<(), hbone::TraceparentError>(())
/// ```
///
/// Specification: HBONE-H-006.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Traceparent {
    trace_id: NonZeroU128,
    parent_id: NonZeroU64,
    flags: u8,
}

impl Traceparent {
    /// A trace that is not sampled.
    pub const fn new(trace_id: NonZeroU128, parent_id: NonZeroU64) -> Self {
        Self {
            trace_id,
            parent_id,
            flags: 0,
        }
    }

    /// The same, with the sampled flag set or cleared.
    #[must_use]
    pub const fn with_sampled(mut self, sampled: bool) -> Self {
        self.flags = if sampled {
            self.flags | SAMPLED
        } else {
            self.flags & !SAMPLED
        };
        self
    }

    /// The same trace, seen from another span: what a proxy that opens a span of its own sends on.
    #[must_use]
    pub const fn with_parent_id(mut self, parent_id: NonZeroU64) -> Self {
        self.parent_id = parent_id;
        self
    }

    /// The id of the whole trace.
    pub const fn trace_id(&self) -> NonZeroU128 {
        self.trace_id
    }

    /// The id of the caller's span.
    pub const fn parent_id(&self) -> NonZeroU64 {
        self.parent_id
    }

    /// Whether the caller may have recorded the trace.
    pub const fn is_sampled(&self) -> bool {
        self.flags & SAMPLED != 0
    }

    /// Reads a header value.
    ///
    /// # Errors
    ///
    /// See [`TraceparentError`].
    pub fn from_header(value: &HeaderValue) -> Result<Self, TraceparentError> {
        Self::from_bytes(value.as_bytes())
    }

    fn from_bytes(text: &[u8]) -> Result<Self, TraceparentError> {
        let (text, rest) = text.split_at_checked(LEN).ok_or(TraceparentError::Length)?;
        let mut fields = text.split(|&byte| byte == b'-');
        let mut field = |digits: usize| {
            let field = fields.next().ok_or(TraceparentError::Malformed)?;
            hex(field, digits)
        };
        let version = field(2)?;
        let trace_id = field(32)?;
        let parent_id = field(16)?;
        let flags = field(2)?;

        match (version, rest.first()) {
            (0xff, _) => return Err(TraceparentError::Version),
            (0, Some(_)) => return Err(TraceparentError::Length),
            (_, None | Some(b'-')) => {}
            (_, Some(_)) => return Err(TraceparentError::Malformed),
        }
        let flags = u8::try_from(flags).map_err(|_| TraceparentError::Malformed)?;
        Ok(Self {
            trace_id: NonZeroU128::new(trace_id).ok_or(TraceparentError::ZeroId)?,
            parent_id: u64::try_from(parent_id)
                .ok()
                .and_then(NonZeroU64::new)
                .ok_or(TraceparentError::ZeroId)?,
            flags: flags & KNOWN_FLAGS,
        })
    }
}

/// Reads exactly so many lower-case hexadecimal digits, 32 at most.
fn hex(field: &[u8], digits: usize) -> Result<u128, TraceparentError> {
    if field.len() != digits {
        return Err(TraceparentError::Malformed);
    }
    field.iter().try_fold(0, |number: u128, byte| {
        let digit = match byte {
            b'0'..=b'9' => byte - b'0',
            b'a'..=b'f' => byte - b'a' + 10,
            _ => return Err(TraceparentError::Malformed),
        };
        Ok(number << 4 | u128::from(digit))
    })
}

impl fmt::Display for Traceparent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            trace_id,
            parent_id,
            flags,
        } = self;
        write!(f, "00-{trace_id:032x}-{parent_id:016x}-{flags:02x}")
    }
}

impl FromStr for Traceparent {
    type Err = TraceparentError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::from_bytes(text.as_bytes())
    }
}

/// Why a `traceparent` says nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TraceparentError {
    /// Not 55 bytes long, or, in a version after 00, shorter.
    #[error("traceparent has the wrong length")]
    Length,
    /// A field of the wrong length or with something else than lower-case hexadecimal digits.
    #[error("traceparent is not four fields of lower-case hexadecimal digits")]
    Malformed,
    /// Version ff, which is forbidden.
    #[error("traceparent has the forbidden version ff")]
    Version,
    /// A trace or parent id of zeros only.
    #[error("traceparent has an id of zeros only")]
    ZeroId,
}
