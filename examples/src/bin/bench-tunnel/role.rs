use std::io::{Write, stdin, stdout};
use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::{Args, Subcommand};
use tokio::net::TcpListener;
use tokio::runtime;

use crate::layer7::Endpoint;
use crate::{application, naive, ours, process, secrets, sink};

/// What one process of a measurement is. Each ends when its standard input does.
#[derive(Debug, Subcommand)]
pub(crate) enum Role {
    /// The application that sends, as the lines on standard input say.
    Application,
    /// The application that answers.
    Sink,
    /// The client's side of the naive relay: plain TCP in, TLS out.
    NaiveClient(Relay),
    /// The server's side of the naive relay: TLS in, plain TCP out.
    NaiveServer(Relay),
    /// The client's side of a naive relay whose TLS runs inside another's.
    NestedClient(Relay),
    /// The client's side of ours: plain TCP in, tunnels out.
    OurClient(Relay),
    /// The server's side of ours, and the gateway of a double tunnel: tunnels in, plain TCP out.
    OurServer(Relay),
    /// A server behind the layer-7 programs.
    HttpServer(Endpoint),
}

/// What a relay has to know.
#[derive(Clone, Debug, Args)]
pub(crate) struct Relay {
    /// Where the keys and certificates are.
    #[arg(long)]
    pub(crate) secrets: PathBuf,
    /// The next relay, or the sink.
    #[arg(long)]
    pub(crate) next: SocketAddr,
    /// Of a double tunnel, the relay behind the gateway.
    #[arg(long)]
    pub(crate) inner: Option<SocketAddr>,
    /// Where a tunnel leads.
    #[arg(long)]
    pub(crate) sink: SocketAddr,
    /// How many tunnels a connection carries.
    #[arg(long, default_value_t = 100)]
    pub(crate) streams: u32,
}

impl Role {
    pub(crate) fn run(self) -> Result<()> {
        process::raise_descriptor_limit()?;
        hbone_examples::heap::keep_free();
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        if let Self::Application = self {
            return application::run(&runtime);
        }
        std::thread::spawn(|| {
            // Nothing is ever sent: only its end counts.
            let _ = std::io::copy(&mut stdin(), &mut std::io::sink());
            std::process::exit(0);
        });
        runtime.block_on(self.serve())
    }

    async fn serve(self) -> Result<()> {
        if let Self::HttpServer(endpoint) = self {
            return endpoint.run().await;
        }
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let ready = || -> Result<()> {
            println!("{address}");
            stdout().flush().context("telling the address")
        };
        ready()?;
        match self {
            Self::Application | Self::HttpServer(_) => Ok(()),
            Self::Sink => sink::run(listener).await,
            Self::NaiveClient(relay) => {
                let tls = secrets::naive_client(&relay.secrets)?;
                naive::client(listener, tls, relay.next).await
            }
            Self::NaiveServer(relay) => {
                let tls = secrets::naive_server(&relay.secrets)?;
                naive::server(listener, tls, relay.next).await
            }
            Self::NestedClient(relay) => {
                let tls = secrets::naive_client(&relay.secrets)?;
                naive::nested_client(listener, tls, relay.next).await
            }
            Self::OurClient(relay) => ours::client(listener, &relay).await,
            Self::OurServer(relay) => ours::server(listener, &relay).await,
        }
    }
}
