use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use anyhow::{Context, Result};
use baggage::istio::{Dialect, PeerAttributes, WorkloadKind};
use hbone::mesh::{
    GatewayAddress, Locality, NamespacedHostname, NetworkAddress, Protocol, Service, StaticMesh,
    Workload,
};
use hbone::{ExpectedIdentities, Hostname, Identity, Network};
use hbone_examples::pki::Authority;
use peer_meta::{DestinationService, ExchangeConfig, Own};
use tokio_hbone::tls::{Credentials, TrustBundles};

use crate::hops::Hops;
use crate::metrics::Metrics;

/// The service that the client calls.
pub(crate) const SERVICE: &str = "stock.shop.svc.cluster.local";
/// The port of the service, and of the servers behind it.
pub(crate) const SERVICE_PORT: u16 = 8080;
/// The pods of the service.
pub(crate) const PODS: usize = 3;

const TRUST_DOMAIN: &str = "cluster.local";
const APPLICATION: Ipv4Addr = Ipv4Addr::new(127, 10, 0, 1);
const CLIENT: Ipv4Addr = Ipv4Addr::new(127, 10, 0, 2);
const VIRTUAL: Ipv4Addr = Ipv4Addr::new(127, 10, 255, 1);
const GATEWAY: Ipv4Addr = Ipv4Addr::new(127, 20, 0, 1);

/// Everything about the mesh that exists before anything runs: who there is, where, and with which certificate.
pub(crate) struct Topology {
    pub(crate) mesh: Arc<StaticMesh>,
    pub(crate) client: Party,
    pub(crate) gateway: Party,
    pub(crate) pods: Vec<Party>,
    pub(crate) service: Arc<DestinationService>,
    pub(crate) bundles: TrustBundles,
    pub(crate) exchange: ExchangeConfig,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) hops: Arc<Hops>,
}

/// One workload: what the mesh knows of it, what it tells of itself, and what it proves itself with.
pub(crate) struct Party {
    pub(crate) name: String,
    pub(crate) address: IpAddr,
    pub(crate) workload: Arc<Workload>,
    pub(crate) own: Arc<Own>,
    pub(crate) credentials: Credentials,
}

impl Topology {
    pub(crate) fn new(baggage: bool) -> Result<Self> {
        let root = Authority::root("demo root")?;
        let authority_a = root.intermediate("cluster-a intermediate")?;
        let authority_b = root.intermediate("cluster-b intermediate")?;
        let bundles = TrustBundles::new().with_roots(TRUST_DOMAIN, [root.certificate().clone()])?;

        let here = Place {
            network: "network-a",
            cluster: "cluster-a",
            region: "eu-west-1",
        };
        let there = Place {
            network: "network-b",
            cluster: "cluster-b",
            region: "us-east-1",
        };
        let hostname = Hostname::parse(SERVICE)?;
        let name = NamespacedHostname::new("shop", hostname.clone());
        let client = Party::new(&authority_a, &here, "shop", "checkout", "v1", CLIENT)?;
        let gateway = Party::new(
            &authority_b,
            &there,
            "istio-system",
            "istio-eastwestgateway",
            "v1",
            GATEWAY,
        )?;
        let mut pods = Vec::new();
        for pod in 1..=PODS {
            let address = Ipv4Addr::new(127, 20, 1, u8::try_from(pod)?);
            let mut party = Party::new(
                &authority_b,
                &there,
                "shop",
                "stock",
                &format!("v{pod}"),
                address,
            )?;
            let workload = Arc::make_mut(&mut party.workload);
            let entrance = NetworkAddress::new(there.network()?, GATEWAY.into());
            workload.network_gateway = Some(GatewayAddress::at(entrance));
            workload
                .services
                .insert(name.clone(), [(SERVICE_PORT, SERVICE_PORT)].into());
            pods.push(party);
        }
        let mut service = Service::new(name, [(SERVICE_PORT, SERVICE_PORT)]);
        service.addresses = vec![NetworkAddress::new(here.network()?, VIRTUAL.into())];
        service.identities = ExpectedIdentities::from(identity("shop", "stock")?);

        let parties = [&client, &gateway].into_iter().chain(&pods);
        let workloads = parties.map(|party| Workload::clone(&party.workload));
        let mesh = Arc::new(StaticMesh::new(workloads, [service])?);
        Ok(Self {
            mesh,
            client,
            gateway,
            pods,
            service: Arc::new(DestinationService::new(SERVICE, "stock", "shop")),
            bundles,
            exchange: ExchangeConfig::new().with_exchange(baggage),
            metrics: Arc::default(),
            hops: Arc::default(),
        })
    }

    /// Where the client application's connections come from.
    pub(crate) const fn application() -> SocketAddr {
        SocketAddr::new(IpAddr::V4(APPLICATION), 0)
    }

    /// Where the application finds the service: its virtual address, where the node proxy listens in its stead.
    pub(crate) const fn virtual_address() -> SocketAddr {
        SocketAddr::new(IpAddr::V4(VIRTUAL), SERVICE_PORT)
    }
}

impl Party {
    fn new(
        authority: &Authority,
        place: &Place,
        namespace: &str,
        app: &str,
        version: &str,
        address: Ipv4Addr,
    ) -> Result<Self> {
        let name = format!("{app}-{version}");
        let identity = identity(namespace, app)?;
        let zone = format!("{}a", place.region);
        let attributes = PeerAttributes::builder()
            .cluster(place.cluster)
            .namespace(namespace)
            .workload(WorkloadKind::Deployment, &name)
            .service(app)
            .revision(version)
            .region(place.region)
            .zone(&zone)
            .build();
        let mut workload = Workload::new(
            format!("{}//Pod/{namespace}/{name}", place.cluster),
            identity.clone(),
        );
        workload.network = place.network()?;
        workload.addresses = vec![address.into()];
        workload.protocol = Protocol::Hbone;
        workload.cluster = place.cluster.into();
        workload.locality = Locality::new(place.region, zone.as_str(), "");
        let own = Own::new(attributes, Dialect::Ztunnel, place.network)
            .with_identity(identity.spiffe_id().clone());
        Ok(Self {
            name,
            address: address.into(),
            workload: Arc::new(workload),
            own: Arc::new(own),
            credentials: authority.workload(&identity.to_string())?.credentials()?,
        })
    }
}

struct Place {
    network: &'static str,
    cluster: &'static str,
    region: &'static str,
}

impl Place {
    fn network(&self) -> Result<Network> {
        Network::parse(self.network).context("the name of the network")
    }
}

fn identity(namespace: &str, service_account: &str) -> Result<Identity> {
    let text = format!("spiffe://{TRUST_DOMAIN}/ns/{namespace}/sa/{service_account}");
    Identity::parse(&text).with_context(|| format!("the identity {text}"))
}
