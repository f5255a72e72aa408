use std::sync::Arc;

/// What a name has to look like.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TextMatch {
    /// Exactly this.
    Exact(Arc<str>),
    /// Anything that begins with this.
    Prefix(Arc<str>),
    /// Anything at all, as long as there is something.
    Presence,
    /// Anything that ends with this.
    Suffix(Arc<str>),
}

impl TextMatch {
    /// Whether `text` looks like that.
    pub fn matches(&self, text: &str) -> bool {
        match self {
            Self::Exact(exact) => **exact == *text,
            Self::Prefix(prefix) => text.starts_with(&**prefix),
            Self::Presence => !text.is_empty(),
            Self::Suffix(suffix) => text.ends_with(&**suffix),
        }
    }
}
