use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncWriteExt, copy_bidirectional};
use tokio::sync::mpsc::UnboundedSender;

use super::ResponseFlag;
use super::account::Account;

/// Both ends of a connection that becomes something else than HTTP, as soon as the answer that says so has been sent.
#[derive(Debug)]
pub(super) struct Upgrade {
    pub(super) client: OnUpgrade,
    pub(super) server: OnUpgrade,
    pub(super) account: Box<Account>,
}

/// Where a client's connection takes its upgrade from: it lasts as long as that does, and is cut with it.
pub(super) type Upgrades = UnboundedSender<Upgrade>;

impl Upgrade {
    /// Carries the bytes of both ends, until both have ended.
    ///
    /// What breaks at one end is dropped at the other, which a tunnel and [`Outside`](super::Outside) show as a break, never as an end.
    pub(super) async fn splice(self) {
        let mut account = self.account;
        let (client, server) = match (self.client.await, self.server.await) {
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
