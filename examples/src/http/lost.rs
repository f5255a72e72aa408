//! Why there is no answer to a request that has left.

use std::error::Error;

use http::StatusCode;

use super::connection::{MOST_HEAD, MOST_HEADERS};
use super::fault::in_full;
use super::progress::{Broken, Progress};
use super::{Limits, Refusal, ResponseFlag};

/// What the client is told, if the connection to the server ended with `error`: it may have been the client itself that ended it.
pub(super) fn lost(error: &hyper::Error, progress: &Progress, limits: &Limits) -> Refusal {
    let broken = progress.broken();
    broken.map_or_else(|| by_server(error), |broken| by_client(broken, limits))
}

/// A body that is larger than is allowed.
pub(super) fn too_large(most: u64) -> Refusal {
    let reason = format!("the body of the request is larger than {most} bytes; see --max-body");
    Refusal::client(StatusCode::PAYLOAD_TOO_LARGE, reason).closing()
}

fn by_client(broken: &Broken, limits: &Limits) -> Refusal {
    let refusal = match broken {
        Broken::TooLarge => return too_large(limits.max_body.unwrap_or_default()),
        Broken::TooSlow => {
            let reason = "the body of the request paused for too long; see --body-timeout";
            Refusal::client(StatusCode::REQUEST_TIMEOUT, reason)
        }
        Broken::ClientGone => {
            let reason = "the client broke its request off";
            Refusal::new(StatusCode::BAD_REQUEST, ResponseFlag::ClientGone, reason)
        }
        Broken::Malformed(how) => {
            let reason = format!("the body of the request is malformed: {how}");
            Refusal::client(StatusCode::BAD_REQUEST, reason)
        }
        Broken::Trailers => {
            let reason = format!(
                "the request has more than {} trailers, or more than 16 KiB of them; see --max-headers",
                limits.max_headers
            );
            Refusal::client(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, reason)
        }
    };
    refusal.closing()
}

fn by_server(error: &hyper::Error) -> Refusal {
    let refusal = |flag, reason| Refusal::new(StatusCode::BAD_GATEWAY, flag, reason);
    if error.is_parse_too_large() {
        let reason = format!(
            "the server's answer has a head of more than {} KiB or {MOST_HEADERS} headers, or a length that nobody can count",
            MOST_HEAD >> 10
        );
        return refusal(ResponseFlag::ServerFault, reason);
    }
    let cause = error.source();
    let cause = cause.and_then(|cause| cause.downcast_ref::<h2::Error>());
    let breaks_rules = cause.is_some_and(h2::Error::is_library);
    let (flag, what) = match error.is_parse() || breaks_rules {
        true => (ResponseFlag::ServerFault, "the server's answer is no HTTP"),
        false => (
            ResponseFlag::ServerGone,
            "the server broke its connection off before it answered",
        ),
    };
    refusal(flag, format!("{what}: {}", in_full(error)))
}
