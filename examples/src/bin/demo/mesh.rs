use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::sync::{Mutex, RwLock};
use tokio::time::timeout;

use crate::application::Server;
use crate::fleet::Fleet;
use crate::progress::tell;
use crate::topology::{PARTIES, Party, SERVICES};
use crate::ui::Switches;

/// The mesh, all of its proxies and servers listening.
#[derive(Debug)]
pub(crate) struct Mesh {
    pub(crate) servers: Vec<Arc<Server>>,
    pub(crate) switches: Arc<Switches>,
    /// Calls are made under it, and the switches of the proxies are thrown where none is.
    pub(crate) calm: RwLock<()>,
    fleet: Mutex<Fleet>,
}

/// How long calls may take to end before the proxies do.
const CALMING: Duration = Duration::from_secs(5);

impl Mesh {
    pub(crate) async fn start(baggage: bool) -> Result<Arc<Self>> {
        let endpoints = || {
            SERVICES.iter().flat_map(|service| {
                let endpoints = service.endpoints();
                endpoints.map(move |party| (service, party))
            })
        };
        let switches = Switches::new(baggage, endpoints().map(|(_, party)| party.name));
        let mut servers = Vec::new();
        for (service, party) in endpoints() {
            let condition = switches.endpoint(party.name);
            let condition = condition.with_context(|| format!("{} has no switch", party.name))?;
            servers.push(Server::start(service, party, condition).await?);
        }
        tell(format_args!(
            "starting {} proxies and {} servers",
            PARTIES.len(),
            servers.len()
        ));
        let fleet = Mutex::new(Fleet::start(baggage).await?);
        Ok(Arc::new(Self {
            servers,
            switches: Arc::new(switches),
            calm: RwLock::default(),
            fleet,
        }))
    }

    /// Ends all proxies in peace.
    pub(crate) async fn stop(&self) {
        // Whoever is slow to end is cut.
        let calm = timeout(CALMING, self.calm.write()).await;
        self.fleet.lock().await.stop().await;
        drop(calm);
    }

    /// Does with the proxies what the switches say, from now on.
    pub(crate) fn obey(self: &Arc<Self>) {
        tokio::spawn(Arc::clone(self).obey_baggage());
        for party in PARTIES.iter() {
            tokio::spawn(Arc::clone(self).obey_endpoint(party));
        }
    }

    async fn obey_baggage(self: Arc<Self>) {
        let mut baggage = self.switches.baggage();
        while baggage.changed().await.is_ok() {
            let on = *baggage.borrow_and_update();
            let word = if on { "on" } else { "off" };
            tell(format_args!("baggage {word}: restarting the proxies"));
            let _calm = self.calm.write().await;
            let switched = self.fleet.lock().await.switch_baggage(on).await;
            report(switched);
        }
    }

    /// An endpoint that is stopped is gone with its proxy, as a pod would be.
    async fn obey_endpoint(self: Arc<Self>, party: &'static Party) {
        let Some(mut condition) = self.switches.endpoint(party.name) else {
            return;
        };
        let mut was_stopped = condition.borrow_and_update().stopped;
        while condition.changed().await.is_ok() {
            let is_stopped = condition.borrow_and_update().stopped;
            if is_stopped == was_stopped {
                continue;
            }
            was_stopped = is_stopped;
            let mut fleet = self.fleet.lock().await;
            if is_stopped {
                fleet.stop_one(party).await;
            } else {
                report(fleet.start_one(party).await);
            }
        }
    }
}

fn report(outcome: Result<()>) {
    if let Err(error) = outcome {
        tell(format_args!("{error:#}"));
    }
}
