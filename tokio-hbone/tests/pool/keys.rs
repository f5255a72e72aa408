//! What shares a connection, and what must not.

use std::time::Duration;

use hbone::pool::PoolConfig;
use hbone::{DialCause, EstablishError, Expected, ExpectedIdentities, PeerIdentityFault, Route};
use tokio::time::sleep;
use tokio_hbone::Pool;

use crate::network::{Network, PLACE, echo, moment, route, route_to, works};
use crate::support::ends::{hop, identity};
use crate::support::pki::{MALLORY, SERVER};

/// HBONE-R-001.
#[tokio::test(start_paused = true)]
async fn one_address_and_two_expected_identities_are_two_connections() {
    // [105]
    let network = Network::with(echo);
    let pool = network.pool();
    let _server = pool.connect(&route()).await.expect("a tunnel");
    let error = pool
        .connect(&route_to(PLACE, MALLORY))
        .await
        .expect_err("somebody else is there");
    assert!(matches!(
        error.cause,
        DialCause::Establish(EstablishError::PeerIdentity(PeerIdentityFault::Mismatch(_)))
    ));
    assert_eq!(
        network.dials(),
        2,
        "it is not told what the first one proved"
    );

    let mut either = hop("10.0.0.1:80", SERVER);
    either.expect = [SERVER, MALLORY].map(identity).into_iter().collect();
    let either = Route::new(PLACE.parse().expect("an address"), either);
    let _either = pool.connect(&either).await.expect("a tunnel");
    assert_eq!(
        network.dials(),
        3,
        "who may be either is not who must be one"
    );
}

#[tokio::test(start_paused = true)]
async fn destinations_behind_one_peer_share_its_connection() {
    let network = Network::with(echo);
    let pool = network.pool();
    let mut tunnels = Vec::new();
    for port in 80..90 {
        let hop = hop(&format!("10.0.0.1:{port}"), SERVER);
        let route = Route::new(PLACE.parse().expect("an address"), hop);
        tunnels.push(pool.connect(&route).await.expect("a tunnel"));
    }
    assert_eq!((network.dials(), pool.stats().reused), (1, 9));
    for tunnel in &mut tunnels {
        assert!(works(tunnel).await);
        assert_eq!(tunnel.answers().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_expected_is_nobody_found_whatever_is_open() {
    let network = Network::with(echo);
    let pool = network.pool();
    let _tunnel = pool.connect(&route()).await.expect("a tunnel");
    let mut nobody = hop("10.0.0.1:80", SERVER);
    nobody.expect = ExpectedIdentities::from_iter(Vec::<Expected>::new());
    let nobody = Route::new(PLACE.parse().expect("an address"), nobody);
    assert!(pool.connect(&nobody).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn destinations_used_once_are_forgotten() {
    // [107]
    use_once(200).await;
}

#[tokio::test(start_paused = true)]
#[ignore = "ten thousand handshakes; .ci/full runs it"]
async fn ten_thousand_destinations_used_once_are_forgotten() {
    // [107]
    use_once(10_000).await;
}

async fn use_once(places: usize) {
    let place = |number: usize| format!("10.0.{}.{}:15008", number / 250, number % 250);
    let network = (0..places).fold(Network::default(), |network, number| {
        network.at(&place(number), echo)
    });
    let idle = Duration::from_secs(500);
    let config = PoolConfig::new().idle_timeout(idle);
    let pool = Pool::builder(network.connector()).config(config).build();
    for number in 0..places {
        let tunnel = pool.connect(&route_to(&place(number), SERVER)).await;
        drop(tunnel.expect("a tunnel"));
    }
    assert_eq!((network.open(), pool.stats().keys), (places, places));
    sleep(idle).await;
    moment().await;
    let stats = pool.stats();
    assert_eq!((stats.keys, stats.open, stats.tasks), (0, 0, 0));
    assert_eq!(network.open(), 0);
}
