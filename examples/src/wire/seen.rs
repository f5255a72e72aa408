use std::fmt;

/// A field section that came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Names and values, in order, pseudo-header fields among them.
    pub fields: Vec<(String, String)>,
    /// Whether it ended the stream.
    pub ends: bool,
}

impl Head {
    /// The value of the first field of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// All values of that name, in order.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        let of_it = self.fields.iter().filter(move |(key, _)| key == name);
        of_it.map(|(_, value)| &**value)
    }

    /// `:status`, if it is a number.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        self.get(":status")?.parse().ok()
    }
}

/// What a peer made of something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// A field section.
    Head(Head),
    /// RST_STREAM with this code.
    Reset(u32),
    /// GOAWAY with this code, which is not NO_ERROR.
    GoAway(u32),
    /// The connection ended: with close_notify, or with an error that says why.
    Closed(String),
    /// Bytes before there was a head.
    Data,
    /// Nothing came in time.
    Silence,
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Head(head) => {
                let status = head.get(":status").or_else(|| head.get(":method"));
                let ends = if head.ends { " with END_STREAM" } else { "" };
                write!(f, "{}{ends}", status.unwrap_or("a head without status"))
            }
            Self::Reset(code) => write!(f, "RST_STREAM {}", name(*code)),
            Self::GoAway(code) => write!(f, "GOAWAY {}", name(*code)),
            Self::Closed(how) => write!(f, "the connection closed ({how})"),
            Self::Data => f.write_str("DATA before a head"),
            Self::Silence => f.write_str("nothing in time"),
        }
    }
}

/// The name of an error code (RFC 9113 section 7).
pub(super) fn name(code: u32) -> String {
    const NAMES: [&str; 14] = [
        "NO_ERROR",
        "PROTOCOL_ERROR",
        "INTERNAL_ERROR",
        "FLOW_CONTROL_ERROR",
        "SETTINGS_TIMEOUT",
        "STREAM_CLOSED",
        "FRAME_SIZE_ERROR",
        "REFUSED_STREAM",
        "CANCEL",
        "COMPRESSION_ERROR",
        "CONNECT_ERROR",
        "ENHANCE_YOUR_CALM",
        "INADEQUATE_SECURITY",
        "HTTP_1_1_REQUIRED",
    ];
    let known = usize::try_from(code).ok().and_then(|code| NAMES.get(code));
    known.map_or_else(|| format!("{code:#x}"), |name| (*name).to_owned())
}
