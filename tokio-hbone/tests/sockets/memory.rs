//! A process that may not have more memory.

use hbone::DialError;
use tokio::task::JoinSet;

use crate::peer::{Figures, Peer, echoes};
use crate::process::limited;
use crate::support::ends::connector;

#[tokio::test(flavor = "multi_thread")]
async fn a_server_short_of_memory_refuses_early_and_does_not_abort() {
    // [128]: three hundred clients at once, of which the limit lets in as many as there is memory for.
    let prefix = limited("ulimit -v 400000");
    let prefix = prefix.each_ref().map(String::as_str);
    let figures = Figures {
        max_connections: 32,
        ..Figures::default()
    };
    let mut peer = Peer::start(&prefix, figures);
    let mut first = connector().connect(&peer.route()).await.expect("a tunnel");
    echoes(&mut first).await;

    let mut clients = JoinSet::new();
    for _ in 0..300 {
        let route = peer.route();
        clients.spawn(async move {
            let mut tunnel = connector().connect(&route).await?;
            echoes(&mut tunnel).await;
            Ok::<_, DialError>(tunnel)
        });
    }
    let (mut served, mut refused) = (Vec::new(), 0);
    while let Some(client) = clients.join_next().await {
        match client.expect("whoever is let in is served") {
            Ok(tunnel) => served.push(tunnel),
            Err(_) => refused += 1,
        }
    }
    assert_eq!((served.len(), refused), (31, 269));
    echoes(&mut first).await;
    drop(served);
    peer.comes_to_hold(1, 1).await;
    assert!(peer.is_alive());
    let mut another = connector()
        .connect(&peer.route())
        .await
        .expect("room again");
    echoes(&mut another).await;
}
