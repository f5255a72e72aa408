//! The head of a CONNECT or of its answer, in the forms in which people come by one.

mod block;
mod field;
mod form;
mod frames;
mod said;
mod text;

pub(crate) use field::{Field, Message, read};
pub(crate) use form::Form;
pub(crate) use said::Said;

/// One head as it stands in some form.
#[derive(Debug)]
pub(crate) struct Head {
    /// Its fields in order, pseudo-headers among them.
    pub(crate) fields: Vec<Field>,
    /// The HTTP/2 stream, and whether the head ends it; the forms without frames do not tell.
    pub(crate) stream: Option<(u32, bool)>,
}
