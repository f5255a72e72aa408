//! The answer of a server, as it goes on to the client.

use http::header::{CONNECTION, CONTENT_LENGTH, TE, TRANSFER_ENCODING, UPGRADE};
use http::{HeaderMap, HeaderValue, Response, StatusCode, Version};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::ext::ReasonPhrase;
use hyper::upgrade::OnUpgrade;

use super::account::Account;
use super::body::{Body, nothing, strip_mesh};
use super::download::Download;
use super::upgrade::{Upgrade, Upgrades};
use super::{Refusal, ResponseFlag, hop_by_hop};

/// Refuses an answer that the client could understand in another way than we do, and takes off it what is for this hop alone or of the
/// mesh.
pub(super) fn clean<B>(
    response: &mut Response<B>,
    asked_for_websocket: bool,
) -> Result<(), Refusal> {
    let status = response.status();
    let headers = response.headers_mut();
    if !hop_by_hop::is_decoded(headers) {
        return Err(bad(
            "the server's answer has a transfer coding other than chunked, which nobody here decodes",
        ));
    }
    if status == StatusCode::SWITCHING_PROTOCOLS
        && !(asked_for_websocket && hop_by_hop::is_websocket(headers))
    {
        return Err(bad(
            "the server switched to another protocol, which nobody had asked for",
        ));
    }
    // The chunks have the last word (RFC 9112 section 6.3), and to say both onwards would cut the body short. Where there is no body, there
    // is no length either (RFC 9110 section 8.6).
    if headers.contains_key(TRANSFER_ENCODING)
        || matches!(
            status,
            StatusCode::NO_CONTENT | StatusCode::SWITCHING_PROTOCOLS
        )
    {
        headers.remove(CONTENT_LENGTH);
    }
    say_length_once(headers)?;
    hop_by_hop::strip(headers);
    headers.remove(TE);
    strip_mesh(headers);
    Ok(())
}

/// The server's answer, as it goes on; with both ends of the connection, if it becomes something else.
pub(super) fn finish(
    response: Response<Incoming>,
    upgrade: Option<(OnUpgrade, Upgrades)>,
    mut account: Box<Account>,
) -> Response<Body> {
    let (mut parts, body) = response.into_parts();
    account.handle_head(parts.status, &parts.headers);
    parts.version = Version::HTTP_11;
    let theirs = parts.extensions.remove::<OnUpgrade>();
    let phrase = parts.extensions.remove::<ReasonPhrase>();
    parts.extensions.clear();
    if let Some(phrase) = phrase.or_else(|| unknown(parts.status)) {
        parts.extensions.insert(phrase);
    }
    let (Some((client, upgrades)), Some(server)) = (upgrade, theirs) else {
        let download = Download::new(body, account);
        return Response::from_parts(parts, download.boxed_unsync());
    };
    let headers = &mut parts.headers;
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    // It fails if the connection is gone already.
    let _ = upgrades.send(Upgrade {
        client,
        server,
        account,
    });
    Response::from_parts(parts, nothing())
}

/// A length may be said several times, if it is always the same (RFC 9112 section 6.3). The client gets it once.
fn say_length_once(headers: &mut HeaderMap) -> Result<(), Refusal> {
    let mut said = None;
    for line in headers.get_all(CONTENT_LENGTH) {
        for length in line.as_bytes().split(|octet| *octet == b',') {
            let length = length_of(length.trim_ascii());
            if length.is_none() || said.is_some_and(|said| said != length) {
                return Err(bad(
                    "the server's answer says its length in two ways, or oddly",
                ));
            }
            said = Some(length);
        }
    }
    if let Some(length) = said.flatten() {
        headers.insert(CONTENT_LENGTH, length.into());
    }
    Ok(())
}

fn length_of(digits: &[u8]) -> Option<u64> {
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// What goes with a status that has no words of its own: some clients want to read some.
fn unknown(status: StatusCode) -> Option<ReasonPhrase> {
    status
        .canonical_reason()
        .is_none()
        .then(|| ReasonPhrase::from_static(b"Unknown"))
}

fn bad(reason: &'static str) -> Refusal {
    Refusal::new(StatusCode::BAD_GATEWAY, ResponseFlag::ServerFault, reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lengths(lines: &[&str]) -> Result<Vec<String>, Refusal> {
        let mut response = Response::new(());
        for line in lines {
            let line = HeaderValue::from_str(line).expect("a value");
            response.headers_mut().append(CONTENT_LENGTH, line);
        }
        clean(&mut response, false)?;
        let said = response.headers().get_all(CONTENT_LENGTH).iter();
        Ok(said
            .map(|length| length.to_str().expect("text").to_owned())
            .collect())
    }

    #[test]
    fn a_length_is_said_once() {
        for lines in [&["2"][..], &["2, 2"], &["2", "2"], &["2,2", " 2 "], &["02"]] {
            assert_eq!(lengths(lines), Ok(vec!["2".to_owned()]), "{lines:?}");
        }
        assert_eq!(lengths(&[]), Ok(vec![]));
    }

    #[test]
    fn an_odd_length_is_refused() {
        for lines in [
            &["2, 3"][..],
            &["2", "3"],
            &[""],
            &["2,"],
            &["+2"],
            &["-1"],
            &["0x2"],
            &["2 2"],
            &["18446744073709551616"],
        ] {
            let refusal = lengths(lines).expect_err("odd");
            assert_eq!(refusal.status, StatusCode::BAD_GATEWAY, "{lines:?}");
        }
    }

    #[test]
    fn what_has_no_body_has_no_length() {
        let mut response = Response::new(());
        *response.status_mut() = StatusCode::NO_CONTENT;
        response
            .headers_mut()
            .insert(CONTENT_LENGTH, HeaderValue::from_static("5"));
        assert_eq!(clean(&mut response, false), Ok(()));
        assert!(response.headers().is_empty());
    }
}
