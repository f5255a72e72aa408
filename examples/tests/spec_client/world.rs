use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use hbone::policy::{AllowEntry, DeniedRange, DestinationPolicy, Opening};
use hbone::{Accept, Authority, Connect, HeaderValues, Reject};
use http::HeaderValue;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio_hbone::tls::{Credentials, ServerTls, TrustBundles};
use tokio_hbone::{Acceptor, Incoming, Relay, Server, Service};

use crate::cli_support::pki::Pki;

/// What the tunnels of both hops are for.
pub(crate) const AUTHORITY: &str = "stock.shop.svc.cluster.local:80";

/// A gateway, behind it a server, and behind that an application.
pub(crate) struct World {
    pub(crate) gateway: String,
    seen: [Arc<Mutex<Option<Connect>>>; 2],
    _runtime: Runtime,
}

impl World {
    pub(crate) fn new(pki: &Pki, application: SocketAddr) -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let seen = <[Arc<Mutex<Option<Connect>>>; 2]>::default();
        let server = start(&runtime, pki, "server", application, &seen[1]);
        let gateway = start(&runtime, pki, "gateway", server, &seen[0]);
        Self {
            gateway: gateway.to_string(),
            seen,
            _runtime: runtime,
        }
    }

    /// What came in last, at the gateway and at the server.
    pub(crate) fn heads(&self) -> (Connect, Connect) {
        let [outer, inner] = &self.seen;
        let last = |seen: &Mutex<Option<Connect>>| seen.lock().expect("no panic").clone();
        (last(outer).expect("one"), last(inner).expect("one"))
    }
}

/// A server whose only name leads to one address. Says where it listens.
fn start(
    runtime: &Runtime,
    pki: &Pki,
    name: &'static str,
    to: SocketAddr,
    seen: &Arc<Mutex<Option<Connect>>>,
) -> SocketAddr {
    let flags = pki.flags(name); // --cert FILE --key FILE --ca FILE
    let file = |index: usize| std::fs::read(&flags[index]).expect("a file");
    let credentials = Credentials::from_pem(&file(1), &file(3)).expect("credentials");
    let bundles = TrustBundles::new().with_pem("cluster.local", &file(5));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = ServerTls::new(provider, credentials, bundles.expect("a root")).expect("TLS");
    let name = HeaderValue::try_from(format!("service.name={name}")).expect("ASCII");
    let only = Only {
        to,
        accept: Accept::new(HeaderValues::from(name)),
        seen: Arc::clone(seen),
    };
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        tokio::spawn(Server::new(Acceptor::new(tls), Relay::new(only)).run(listener));
        address
    })
}

struct Only {
    to: SocketAddr,
    accept: Accept,
    seen: Arc<Mutex<Option<Connect>>>,
}

impl Service for Only {
    fn policy(&self, _incoming: &Incoming) -> DestinationPolicy {
        let authority: Authority = AUTHORITY.parse().expect("an authority");
        let Authority::Name { host, .. } = authority else {
            return DestinationPolicy::deny_all();
        };
        DestinationPolicy::allow_list([AllowEntry::to_names([host])])
            .open(Opening::Range(DeniedRange::Loopback))
    }

    async fn resolve(
        &self,
        _incoming: &Incoming,
        _authority: &Authority,
    ) -> Result<Vec<SocketAddr>, Reject> {
        Ok(vec![self.to])
    }

    fn accept(&self, incoming: &Incoming) -> Accept {
        *self.seen.lock().expect("no panic") = Some(incoming.connect().clone());
        self.accept.clone()
    }
}
