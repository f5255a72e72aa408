use std::error::Error;

use bytes::Bytes;
use http::HeaderMap;
use http::header::{
    AUTHORIZATION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, COOKIE, EXPECT, HOST,
    SET_COOKIE, TRAILER,
};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Empty};
use peer_meta::{Message, Role, stripped};

use super::hop_by_hop;

/// A body on its way, streamed.
pub type Body = UnsyncBoxBody<Bytes, BodyError>;

/// Why a body came to no end.
pub(super) type BodyError = Box<dyn Error + Send + Sync>;

/// None at all.
pub(super) fn nothing() -> Body {
    let none = Empty::new().map_err(|never| match never {});
    none.boxed_unsync()
}

/// Takes off trailers what frames, routes or authenticates a message: that is for its head alone (RFC 9110 section 6.5.1).
pub(super) fn clean_trailers(trailers: &mut HeaderMap) {
    hop_by_hop::strip(trailers);
    for name in [
        AUTHORIZATION,
        CONTENT_ENCODING,
        CONTENT_LENGTH,
        CONTENT_TYPE,
        COOKIE,
        EXPECT,
        HOST,
        SET_COOKIE,
        TRAILER,
    ] {
        trailers.remove(name);
    }
    strip_mesh(trailers);
}

/// Takes off what only proxies of the mesh have to say to each other.
pub(super) fn strip_mesh(headers: &mut HeaderMap) {
    for name in stripped(Role::Waypoint, Message::Application) {
        headers.remove(name);
    }
}
