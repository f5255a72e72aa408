use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use baggage::istio::Dialect;
use hbone::pool::PoolConfig;
use peer_meta::labels::LabelDialect;
use rustls::crypto::CryptoProvider;
use tokio::net::TcpListener;
use tokio::task::{AbortHandle, spawn_blocking};
use tokio::time::timeout;
use tokio_hbone::tls::{ClientTls, PemEvent, PemFiles, PemWatch, ServerTls, TlsConfigError};
use tokio_hbone::{Acceptor, ConnectionConfig, Connector, Http2Config, Pool};

use super::control::Wish;
use super::{Chance, Control, Environment, Options, StartError, connect_from, own_certificate};
use crate::admin::{Readiness, serve_metrics, serve_readiness};
use crate::hop_log::HopLog;
use crate::mesh_file::{MeshFileError, MeshWatch, Site, Strictness};
use crate::metrics::Metrics;

/// A proxy that has started: its files are read and followed, its metrics and its readiness are served.
#[derive(Debug)]
pub struct Proxy {
    environment: Environment,
    mesh: MeshWatch,
    certificates: PemWatch,
    provider: Arc<CryptoProvider>,
    metrics: Arc<Metrics>,
    readiness: Readiness,
    control: Control,
    /// Of what serves metrics and readiness.
    watched: [AbortHandle; 2],
}

/// From the drain deadline of the connections to that of the process.
const GRACE: Duration = Duration::from_millis(500);

impl Proxy {
    /// Reads the files and listens on the two ports on which it is watched. It is not ready yet.
    ///
    /// It reloads and drains when `control` says so. What it tells in `baggage` is written in `dialect`, and its metrics are labelled as `labels` has it.
    ///
    /// # Errors
    /// [`StartError`], which names the file or the address.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub async fn start(
        options: &Options,
        mut control: Control,
        dialect: Dialect,
        labels: LabelDialect,
    ) -> Result<Self, StartError> {
        let environment = options.environment.clone();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let reading = {
            let (options, provider) = (options.clone(), Arc::clone(&provider));
            spawn_blocking(move || read(&options, dialect, &provider))
        };
        // A file may be far away, and never come.
        let read = tokio::select! {
            read = reading => read,
            () = control.drain() => return Err(StartError::Stopped),
        };
        let (mesh, certificates) = read.map_err(|panic| StartError::System {
            what: "reading the files",
            error: panic.into(),
        })??;
        tokio::spawn(own_certificate::follow(
            mesh.changes(),
            certificates.clone(),
        ));
        let metrics = Metrics::new(labels);
        let readiness = Readiness::default();
        let at_metrics = listen(options.metrics, "/metrics").await?;
        let at_ready = listen(options.ready, "/healthz/ready").await?;
        let watched = [
            tokio::spawn(serve_metrics(at_metrics, Arc::clone(&metrics))).abort_handle(),
            tokio::spawn(serve_readiness(at_ready, readiness.clone())).abort_handle(),
        ];
        Ok(Self {
            environment,
            mesh,
            certificates,
            provider,
            metrics,
            readiness,
            control,
            watched,
        })
    }

    /// The mesh, as it changes.
    #[must_use]
    pub const fn mesh(&self) -> &MeshWatch {
        &self.mesh
    }

    /// The metrics that it serves.
    #[must_use]
    pub const fn metrics(&self) -> &Arc<Metrics> {
        &self.metrics
    }

    /// What comes from the environment.
    #[must_use]
    pub const fn environment(&self) -> &Environment {
        &self.environment
    }

    /// What tells of its hops.
    #[must_use]
    pub fn hop_log(&self) -> HopLog {
        HopLog::new(Arc::clone(&self.mesh.current().workload().uid))
    }

    /// What decides by chance.
    #[must_use]
    pub fn chance(&self) -> Chance {
        Chance::new(Arc::clone(&self.provider))
    }

    /// Listens on `address`.
    ///
    /// # Errors
    /// [`StartError::Listen`], which says what it was for.
    pub async fn listen(
        &self,
        address: SocketAddr,
        purpose: &'static str,
    ) -> Result<TcpListener, StartError> {
        listen(address, purpose).await
    }

    /// What opens connections, from the workload's address and with the certificates as they change.
    ///
    /// # Errors
    /// The certificates cannot be used.
    pub fn connector(&self) -> Result<Connector, StartError> {
        let tls = ClientTls::from_source(Arc::clone(&self.provider), self.certificates.clone())?;
        let mesh = self.mesh.clone();
        let connect = move |address| {
            let workload = Arc::clone(mesh.current().workload());
            async move { connect_from(&workload.addresses, address).await }
        };
        Ok(Connector::new(tls)
            .with_http2(self.sized(Http2Config::client()))
            .with_transport(connect))
    }

    /// A pool of such connections, shown in the metrics.
    ///
    /// # Errors
    /// The certificates cannot be used.
    pub fn pool(&self) -> Result<Pool, StartError> {
        let config = PoolConfig::new()
            .max_streams_per_connection(self.environment.pool_max_streams_per_connection)
            .idle_timeout(self.environment.pool_unused_release_timeout)
            .max_wait(WAIT);
        let pool = Pool::builder(self.connector()?).config(config).build();
        self.metrics.watch_pool(pool.clone());
        Ok(pool)
    }

    /// What accepts connections, with the certificates as they change.
    ///
    /// # Errors
    /// The certificates cannot be used.
    pub fn acceptor(&self) -> Result<Acceptor, StartError> {
        let tls = ServerTls::from_source(Arc::clone(&self.provider), self.certificates.clone())?;
        let mut connection = ConnectionConfig::default();
        connection.drain.deadline = self.environment.drain_deadline();
        Ok(Acceptor::new(tls)
            .with_http2(self.sized(Http2Config::server()))
            .with_connection(connection))
    }

    /// Says that it is ready, and reloads what SIGHUP asks it to, until it is to drain. Then it is ready no more.
    pub async fn until_drain(&mut self) {
        self.readiness.set(true);
        tracing::info!("ready");
        let mut wish = self.control.next().await;
        while wish == Wish::Reload {
            tracing::info!("asked to reload: reading the files again");
            wish = self.reload().await;
        }
        self.readiness.set(false);
    }

    /// Reads the files, and gives the next wish.
    async fn reload(&mut self) -> Wish {
        let (mesh, certificates) = (&self.mesh, &self.certificates);
        let reading = async {
            // What cannot be used is logged.
            let (_, _) = tokio::join!(mesh.reload(), certificates.reload());
        };
        self.control.next_beside(reading).await
    }

    /// Waits for `end`, the end of what had been begun to drain: until the deadline has passed, or it is asked a second time.
    pub async fn drained(&mut self, end: impl Future<Output = ()>) {
        let deadline = self.environment.drain_deadline();
        tracing::info!(?deadline, "draining");
        tokio::select! {
            () = self.control.drain() => tracing::warn!("asked a second time: ending at once"),
            outcome = timeout(deadline.saturating_add(GRACE), end) => match outcome {
                Ok(()) => tracing::info!("drained"),
                Err(_) => tracing::warn!("the drain deadline has passed; cutting what is left"),
            },
        }
    }

    fn sized(&self, mut http2: Http2Config) -> Http2Config {
        http2.stream_window = self.environment.http2_stream_window_size;
        http2.connection_window = self.environment.http2_connection_window_size;
        http2.frame_size = self.environment.http2_frame_size;
        http2
    }
}

impl Drop for Proxy {
    /// Its two ports are free again.
    fn drop(&mut self) {
        self.watched.iter().for_each(AbortHandle::abort);
    }
}

/// For a stream on a connection: somewhat longer than a dial may take, so that whoever waits for one learns how it ended.
const WAIT: Duration = Duration::from_secs(35);

async fn listen(address: SocketAddr, purpose: &'static str) -> Result<TcpListener, StartError> {
    let listener = TcpListener::bind(address)
        .await
        .map_err(|error| StartError::Listen {
            address,
            purpose,
            error,
        })?;
    let address = listener.local_addr().unwrap_or(address);
    tracing::info!(%address, purpose, "listening");
    Ok(listener)
}

/// Whether environment and file agree about the workload.
fn check(options: &Options, site: &Site) -> Result<(), MeshFileError> {
    let workload = site.workload();
    let environment = &options.environment;
    let claims = [
        ("NETWORK", &environment.network, workload.network.as_str()),
        ("CLUSTER_ID", &environment.cluster_id, &*workload.cluster),
    ];
    for (variable, configured, found) in claims {
        // A manifest may set what it knows nothing about to nothing.
        if let Some(configured) = configured
            && !configured.is_empty()
            && configured != found
        {
            return Err(MeshFileError::Mismatch {
                path: options.mesh.clone(),
                name: options.workload.clone(),
                variable,
                configured: configured.clone(),
                found: found.to_owned(),
            });
        }
    }
    Ok(())
}

/// Reads the files, and follows them from then on.
fn read(
    options: &Options,
    dialect: Dialect,
    provider: &Arc<CryptoProvider>,
) -> Result<(MeshWatch, PemWatch), StartError> {
    let strictness = match options.strict {
        true => Strictness::Strict,
        false => Strictness::AsZtunnel,
    };
    let (path, workload) = (options.mesh.clone(), options.workload.clone());
    let mesh = MeshWatch::start(path, workload, dialect, strictness)?;
    check(options, &mesh.current())?;
    let certificates = certificates(options, &mesh, provider)?;
    Ok((mesh, certificates))
}

fn certificates(
    options: &Options,
    mesh: &MeshWatch,
    provider: &Arc<CryptoProvider>,
) -> Result<PemWatch, TlsConfigError> {
    let own = mesh.current();
    let own = own.workload().identity.trust_domain().to_string();
    let mut files = PemFiles::new(&options.cert, &options.key);
    for ca in &options.ca {
        let domain = ca.trust_domain.as_deref().unwrap_or(&own);
        files = files.with_bundle(domain, &ca.path);
    }
    if let Some(crl) = &options.environment.crl_path {
        if !crl.exists() {
            tracing::warn!(crl = %crl.display(), "there is no revocation list, so nobody is revoked until there is");
        }
        files = files.with_crl(crl);
    }
    let files = files.with_check(own_certificate::check(mesh.changes()));
    files.watch(provider, |event| match event {
        PemEvent::Kept { .. } => tracing::error!("{event}"),
        PemEvent::Doubtful { .. } => tracing::warn!("{event}"),
        _ => tracing::info!("{event}"),
    })
}
