use std::fmt;

/// Why a stream was reset or a connection is going away (RFC 9113 section 7), known or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Reason(u32);

impl Reason {
    /// Nothing is wrong.
    pub const NO_ERROR: Self = Self(0);
    /// The peer broke the protocol.
    pub const PROTOCOL_ERROR: Self = Self(1);
    /// Something broke at the sender.
    pub const INTERNAL_ERROR: Self = Self(2);
    /// Flow control was not obeyed.
    pub const FLOW_CONTROL_ERROR: Self = Self(3);
    /// SETTINGS were not acknowledged in time.
    pub const SETTINGS_TIMEOUT: Self = Self(4);
    /// A frame came for a stream that is closed.
    pub const STREAM_CLOSED: Self = Self(5);
    /// A frame has an impossible size.
    pub const FRAME_SIZE_ERROR: Self = Self(6);
    /// Nothing was done with the stream; it may be tried again elsewhere (RFC 9113 section 8.7).
    pub const REFUSED_STREAM: Self = Self(7);
    /// The stream is not wanted any more.
    pub const CANCEL: Self = Self(8);
    /// The header compression state is lost.
    pub const COMPRESSION_ERROR: Self = Self(9);
    /// The TCP connection behind a CONNECT was reset or broke (RFC 9113 section 8.5).
    pub const CONNECT_ERROR: Self = Self(10);
    /// The peer does too much of something.
    pub const ENHANCE_YOUR_CALM: Self = Self(11);
    /// TLS below is not good enough.
    pub const INADEQUATE_SECURITY: Self = Self(12);
    /// The request needs HTTP/1.1.
    pub const HTTP_1_1_REQUIRED: Self = Self(13);

    /// The reason with this number on the wire.
    #[must_use]
    pub const fn from_wire(number: u32) -> Self {
        Self(number)
    }

    /// Its number on the wire.
    #[must_use]
    pub const fn to_wire(self) -> u32 {
        self.0
    }

    const fn name(self) -> &'static str {
        match self.0 {
            0 => "NO_ERROR",
            1 => "PROTOCOL_ERROR",
            2 => "INTERNAL_ERROR",
            3 => "FLOW_CONTROL_ERROR",
            4 => "SETTINGS_TIMEOUT",
            5 => "STREAM_CLOSED",
            6 => "FRAME_SIZE_ERROR",
            7 => "REFUSED_STREAM",
            8 => "CANCEL",
            9 => "COMPRESSION_ERROR",
            10 => "CONNECT_ERROR",
            11 => "ENHANCE_YOUR_CALM",
            12 => "INADEQUATE_SECURITY",
            13 => "HTTP_1_1_REQUIRED",
            _ => "unnamed reason",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name(), self.0)
    }
}
