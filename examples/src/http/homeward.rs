//! The answer of a server, as it goes on to the client.

use http::header::{CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING, UPGRADE};
use http::{HeaderValue, Response, StatusCode, Version};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;

use super::account::Account;
use super::body::{Body, strip_mesh};
use super::download::Download;
use super::upgrade::{Upgrade, Upgrades, forgo};
use super::{Refusal, ResponseFlag, hop_by_hop};

/// The server's answer, as it goes on.
pub(super) fn finish(
    response: Response<Incoming>,
    upgrade: Option<(OnUpgrade, &Upgrades)>,
    mut account: Box<Account>,
) -> Response<Body> {
    let (mut parts, body) = response.into_parts();
    if !hop_by_hop::is_decoded(&parts.headers) {
        let reason = "the server's answer has a transfer coding other than chunked, which nobody here decodes";
        let refusal = Refusal::new(StatusCode::BAD_GATEWAY, ResponseFlag::ServerFault, reason);
        account.refuse(&refusal);
        return refusal.response(false, false);
    }
    account.handle_head(parts.status, &parts.headers);
    let is_websocket = hop_by_hop::is_websocket(&parts.headers);
    if parts.headers.contains_key(TRANSFER_ENCODING) {
        // The chunks have the last word (RFC 9112 section 6.3), and to say both onwards would cut the body short.
        parts.headers.remove(CONTENT_LENGTH);
    }
    hop_by_hop::strip(&mut parts.headers);
    parts.headers.remove(http::header::TE);
    strip_mesh(&mut parts.headers);
    parts.version = Version::HTTP_11;
    let theirs = parts.extensions.remove::<OnUpgrade>();
    parts.extensions.clear();
    if parts.status != StatusCode::SWITCHING_PROTOCOLS {
        let download = Download::new(body, account);
        return Response::from_parts(parts, download.boxed_unsync());
    }
    let theirs = theirs.filter(|_| is_websocket);
    let (client, upgrades, server) = match (upgrade, theirs) {
        (Some((client, upgrades)), Some(server)) => (client, upgrades, server),
        (upgrade, _) => {
            forgo(upgrade.map(|(client, _)| client));
            let reason = "the server switched to another protocol, which nobody had asked for";
            let refusal = Refusal::new(StatusCode::BAD_GATEWAY, ResponseFlag::ServerFault, reason);
            account.refuse(&refusal);
            return refusal.response(false, false);
        }
    };
    parts
        .headers
        .insert(CONNECTION, HeaderValue::from_static("upgrade"));
    parts
        .headers
        .insert(UPGRADE, HeaderValue::from_static("websocket"));
    // It fails if the connection is gone already.
    let _ = upgrades.send(Upgrade {
        client,
        server,
        account,
    });
    let none = http_body_util::Empty::new().map_err(|never| match never {});
    Response::from_parts(parts, none.boxed_unsync())
}
