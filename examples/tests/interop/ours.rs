use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use hbone::{Accept, Connect, HeaderValues, Identity, Reject};
use http::HeaderValue;
use tokio::net::{TcpListener, TcpStream};
use tokio_hbone::tls::ServerTls;
use tokio_hbone::{Acceptor, copy_bidirectional};

/// Our end of a test: a server that leads every tunnel to one place, and keeps what it was told.
#[derive(Clone)]
pub(crate) struct Ours {
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Vec<(Identity, Connect)>>>,
}

impl Ours {
    /// Answers with `baggage`, and relays to `upstream`: an application, or, for a gateway, another HBONE server.
    pub(crate) async fn start(tls: ServerTls, upstream: SocketAddr, baggage: &'static str) -> Self {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        Self::start_at(any, tls, upstream, baggage).await
    }

    /// The same at this address.
    pub(crate) async fn start_at(
        at: SocketAddr,
        tls: ServerTls,
        upstream: SocketAddr,
        baggage: &'static str,
    ) -> Self {
        let listener = TcpListener::bind(at).await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let ours = Self {
            address,
            seen: Arc::default(),
        };
        let seen = Arc::clone(&ours.seen);
        let acceptor = Acceptor::new(tls);
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let (acceptor, seen) = (acceptor.clone(), Arc::clone(&seen));
                tokio::spawn(async move {
                    let Ok(mut connection) = acceptor.accept(socket).await else {
                        return;
                    };
                    while let Some(incoming) = connection.next().await {
                        let head = (incoming.peer().clone(), incoming.connect().clone());
                        seen.lock().expect("no panic").push(head);
                        tokio::spawn(async move {
                            let Ok(mut upstream) = TcpStream::connect(upstream).await else {
                                return incoming.reject(&Reject::UpstreamRefused);
                            };
                            let baggage =
                                HeaderValues::from_iter([HeaderValue::from_static(baggage)]);
                            let mut tunnel =
                                incoming.accept(&Accept::new(baggage)).expect("a tunnel");
                            let _ = copy_bidirectional(&mut tunnel, &mut upstream).await;
                        });
                    }
                });
            }
        });
        ours
    }

    /// Who asked for what, in order.
    pub(crate) fn seen(&self) -> Vec<(Identity, Connect)> {
        self.seen.lock().expect("no panic").clone()
    }
}

/// The lines of a header as text.
pub(crate) fn text(values: &HeaderValues) -> Vec<&str> {
    values
        .iter()
        .map(|value| value.to_str().expect("ASCII"))
        .collect()
}
