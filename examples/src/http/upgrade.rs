use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncWriteExt, copy_bidirectional};

use super::ResponseFlag;
use super::account::Account;

/// Carries the bytes of both ends of a connection that has become something else than HTTP, until both have ended.
///
/// What breaks at one end is dropped at the other, which a tunnel shows as a break, never as an end.
pub(super) async fn splice(client: OnUpgrade, server: OnUpgrade, mut account: Box<Account>) {
    let (client, server) = match (client.await, server.await) {
        (Ok(client), Ok(server)) => (client, server),
        (Err(error), _) | (_, Err(error)) => {
            return account.fail(ResponseFlag::ClientGone, error.to_string());
        }
    };
    let (mut client, mut server) = (TokioIo::new(client), TokioIo::new(server));
    match copy_bidirectional(&mut client, &mut server).await {
        Ok((sent, received)) => {
            account.progress.add(sent);
            account.add_received(usize::try_from(received).unwrap_or(usize::MAX));
            account.complete();
        }
        Err(error) => account.fail(ResponseFlag::ServerGone, error.to_string()),
    }
}

/// Ends the connection of a client that asked for an upgrade and did not get one: hyper hands it over at its end all the same, and if
/// nobody took it, the last answer on it would be cut short.
pub(super) fn forgo(client: Option<OnUpgrade>) {
    let Some(client) = client else {
        return;
    };
    tokio::spawn(async move {
        if let Ok(client) = client.await {
            // It may be gone by now.
            let _ = TokioIo::new(client).shutdown().await;
        }
    });
}
