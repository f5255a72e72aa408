use std::net::{IpAddr, Ipv4Addr};

use serde::Serialize;

use crate::application::{Call, Entry};
use crate::topology::{CART, CATALOG, CLIENT, INGRESS, Protocol, REVIEWS, STOCK, Service};

/// What one client asks of one service, again and again.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Flow {
    pub(crate) client: Client,
    pub(crate) service: Service,
    /// The way, in words.
    pub(crate) way: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) enum Client {
    /// The application of [`CLIENT`].
    #[serde(rename = "checkout-v1")]
    Checkout,
    /// Somebody outside of the mesh.
    #[serde(rename = "outside")]
    Outside,
}

/// The first is the one that the report looks at more closely.
pub(crate) const FLOWS: [Flow; 5] = [
    Flow {
        client: Client::Checkout,
        service: STOCK,
        way: "node proxy => east-west gateway => node proxy",
    },
    Flow {
        client: Client::Checkout,
        service: REVIEWS,
        way: "node proxy => waypoint => east-west gateway => node proxy",
    },
    Flow {
        client: Client::Outside,
        service: REVIEWS,
        way: "ingress gateway => east-west gateway => node proxy",
    },
    Flow {
        client: Client::Checkout,
        service: CART,
        way: "node proxy => node proxy",
    },
    Flow {
        client: Client::Checkout,
        service: CATALOG,
        way: "node proxy => waypoint => node proxy",
    },
];

/// How many bytes are sent, in turn: from one to several windows' worth of frames.
const SIZES: [usize; 5] = [1, 1_000, 16_384, 100_000, 300_000];
const OUTSIDE: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 1));

impl Flow {
    /// Its call of this number.
    pub(crate) fn call(&self, number: u32) -> Call {
        let (from, entry) = match self.client {
            Client::Checkout => (CLIENT.ip(), Entry::NodeProxy(CLIENT.socks5())),
            Client::Outside => (OUTSIDE, Entry::Ingress(INGRESS.http())),
        };
        let sizes = match self.service.protocol {
            Protocol::Tcp => &SIZES[..],
            Protocol::Http => &SIZES[..3],
        };
        Call {
            from,
            entry,
            service: self.service,
            seed: number,
            bytes: sizes[number as usize % sizes.len()],
        }
    }

    pub(crate) fn name(&self) -> String {
        let client = match self.client {
            Client::Checkout => CLIENT.name,
            Client::Outside => "outside",
        };
        format!("{client} -> {}", self.service.name)
    }

    pub(crate) fn crosses_networks(&self) -> bool {
        self.service.place != CLIENT.place
    }
}
