use serde::Serialize;

use super::graph::Graph;
use super::picture::Picture;
use super::scraper::Rates;
use super::switches::Switches;

/// What the page draws, whole: it asks for it again and again.
#[derive(Debug, Serialize)]
pub(super) struct State<'a> {
    picture: &'a Picture,
    baggage: bool,
    /// A switch was turned so lately that traffic from before is still in the picture.
    settling: bool,
    /// Of each endpoint of the picture, in its order.
    conditions: Vec<Shown>,
    graph: Graph,
    /// Those that could not be scraped, and why.
    silent: Vec<Silent<'a>>,
}

#[derive(Debug, Serialize)]
struct Shown {
    stopped: bool,
    slow: bool,
}

#[derive(Debug, Serialize)]
struct Silent<'a> {
    proxy: &'a str,
    error: String,
}

impl<'a> State<'a> {
    /// `rates` are of the picture's proxies, in their order.
    pub(super) fn new(picture: &'a Picture, switches: &Switches, rates: Vec<Rates>) -> Self {
        let oldest = rates.iter().filter_map(|rates| rates.since).min();
        let settling = oldest.is_some_and(|oldest| switches.changed_since(oldest));
        let graph = Graph::new(picture, &rates);
        let conditions = picture.endpoints.iter().map(|endpoint| {
            let condition = switches.condition(&endpoint.name).unwrap_or_default();
            Shown {
                stopped: condition.stopped,
                slow: !condition.delay.is_zero(),
            }
        });
        let proxies = picture.proxies.iter().zip(rates);
        let silent = proxies.filter_map(|(proxy, rates)| {
            Some(Silent {
                proxy: &proxy.name,
                error: rates.error?,
            })
        });
        Self {
            picture,
            baggage: *switches.baggage().borrow(),
            settling,
            conditions: conditions.collect(),
            graph,
            silent: silent.collect(),
        }
    }
}
