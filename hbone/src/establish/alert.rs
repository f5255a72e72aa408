use std::fmt;

/// A TLS alert description (RFC 8446 section 6), known or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Alert(u8);

impl Alert {
    /// The alert with this number on the wire.
    #[must_use]
    pub const fn from_wire(number: u8) -> Self {
        Self(number)
    }

    /// Its number on the wire.
    #[must_use]
    pub const fn to_wire(self) -> u8 {
        self.0
    }

    /// Whether a peer says with it that it does not take our certificate.
    ///
    /// RFC 8446 section 6.2 gives 42 to 46, 48, 49 and 116 that meaning; OpenSSL and BoringSSL send 51 for a bad
    /// signature over it.
    #[must_use]
    pub const fn refuses_certificate(self) -> bool {
        matches!(self.0, 42..=46 | 48 | 49 | 51 | 116)
    }

    const fn name(self) -> &'static str {
        match self.0 {
            0 => "close_notify",
            10 => "unexpected_message",
            20 => "bad_record_mac",
            22 => "record_overflow",
            40 => "handshake_failure",
            42 => "bad_certificate",
            43 => "unsupported_certificate",
            44 => "certificate_revoked",
            45 => "certificate_expired",
            46 => "certificate_unknown",
            47 => "illegal_parameter",
            48 => "unknown_ca",
            49 => "access_denied",
            50 => "decode_error",
            51 => "decrypt_error",
            70 => "protocol_version",
            71 => "insufficient_security",
            80 => "internal_error",
            90 => "user_canceled",
            109 => "missing_extension",
            112 => "unrecognized_name",
            116 => "certificate_required",
            120 => "no_application_protocol",
            _ => "unnamed alert",
        }
    }
}

impl fmt::Display for Alert {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name(), self.0)
    }
}
