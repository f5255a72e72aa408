//! The way into the mesh for the HTTP of others: all of `ingress-gateway` but its process.

mod certificate;
mod directions;
mod ingress;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use crate::http::{Balancer, Drain, Forwarder, Limits};
use crate::proxy::{
    AmbientBaggage, Connections, Control, EXIT_CODES, Options, Proxy, StartError, parse_address,
};
use baggage::istio::Dialect;
use clap::Parser;
use peer_meta::Role;
use peer_meta::labels::LabelDialect;

use crate::ingress_gateway::directions::{Directions, Named};
use crate::ingress_gateway::ingress::Ingress;

/// Let HTTP from outside into the mesh, straight to wherever its servers are.
///
/// Takes HTTP/1.1 and HTTP/2, with TLS or without, finds the service by the host of each request, and carries it to one of the endpoints:
/// over HBONE in this network, over double HBONE in others, through waypoints of services that ask for that. Requests are shared out one
/// by one, by the endpoints' capacities.
#[derive(Debug, Parser)]
#[command(name = "ingress-gateway", version, after_help = EXIT_CODES)]
#[non_exhaustive]
pub struct Cli {
    /// Where HTTP is accepted
    #[arg(long, value_name = "ADDR", default_value = "0.0.0.0:8080", value_parser = parse_address)]
    http: SocketAddr,

    /// Where HTTP over TLS is accepted
    #[arg(long, value_name = "ADDR", requires = "https_cert", value_parser = parse_address)]
    https: Option<SocketAddr>,

    /// The certificate chain for --https in PEM, the leaf first. It is read again when it changes
    #[arg(long, value_name = "FILE", requires_all = ["https", "https_key"])]
    https_cert: Option<PathBuf>,

    /// Its key, in PEM
    #[arg(long, value_name = "FILE", requires = "https_cert")]
    https_key: Option<PathBuf>,

    /// Another name for a service, or for all that nobody else has (`*`). Services go by their own names, too. May be repeated
    #[arg(long, value_name = "HOST=SERVICE[:PORT]")]
    route: Vec<Named>,

    #[command(flatten)]
    baggage: AmbientBaggage,

    #[command(flatten)]
    limits: Limits,

    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would take them for those of the flags")]
    pub options: Options,
}

/// Serves until `control` says to drain, and has drained then.
///
/// # Errors
/// [`StartError`]: it cannot start.
pub async fn serve(cli: Cli, control: Control) -> Result<(), StartError> {
    let directions = Directions::new(cli.route)?;
    let mut proxy =
        Proxy::start(&cli.options, control, Dialect::Envoy, LabelDialect::Envoy).await?;
    let plain = proxy.listen(cli.http, "HTTP").await?;
    let encrypted = match (cli.https, &cli.https_cert, &cli.https_key) {
        (Some(address), Some(chain), Some(key)) => {
            let tls = certificate::follow(chain.clone(), key.clone())?;
            Some((proxy.listen(address, "HTTP over TLS").await?, tls))
        }
        _ => None,
    };
    let exchange = cli.baggage.exchange();
    let pool = proxy.pool()?;
    cli.limits.warn_of_strangers(&proxy.mesh().current());
    let balancer = Balancer::new(&proxy, pool.clone(), Role::IngressGateway, exchange)?;
    directions.warn_of_strangers(&proxy.mesh().current());
    let forwarder = Forwarder::new(
        proxy.mesh().clone(),
        Arc::clone(proxy.metrics()),
        balancer,
        cli.limits,
        directions,
    );
    let forwarder = forwarder.with_downgrade(true);
    let drain = Drain::new();
    let ingress = Arc::new(Ingress::new(&proxy, exchange, forwarder, drain.clone()));
    let connections = Connections::default();
    let mut accepting = vec![{
        let ingress = Arc::clone(&ingress);
        connections.accept(plain, move |socket, from, admitted| {
            Arc::clone(&ingress).plain(socket, from, admitted)
        })
    }];
    if let Some((listener, tls)) = encrypted {
        accepting.push(connections.accept(listener, move |socket, from, admitted| {
            Arc::clone(&ingress).encrypted(socket, from, admitted, tls.clone())
        }));
    }

    proxy.until_drain().await;
    for listener in accepting {
        listener.abort();
    }
    drain.begin();
    proxy.drained(connections.ended()).await;
    // What is still open must not look as if it had come to its end.
    connections.cut().await;
    pool.close();
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::proxy::parse_only;

    const REQUIRED: &str = "--mesh m --workload a/b --cert c --key k --ca r";

    #[test]
    fn a_certificate_for_nobody_is_refused() {
        for (more, is_good) in [
            ("", true),
            ("--https 127.0.0.1:0 --https-cert c --https-key k", true),
            ("--https 127.0.0.1:0 --https-cert c", false),
            ("--https-cert c --https-key k", false),
            ("--https-key k", false),
        ] {
            let arguments = format!("{REQUIRED} {more}");
            let parsed = parse_only::<Cli>(arguments.split_whitespace());
            assert_eq!(parsed.is_ok(), is_good, "{more}");
        }
    }

    #[test]
    fn what_every_proxy_has_stands_under_no_heading_of_others_in_the_help() {
        let command = Cli::command();
        let heading = |flag: &str| {
            let mut arguments = command.get_arguments();
            let flag = arguments.find(|argument| argument.get_long() == Some(flag));
            flag.expect("a flag").get_help_heading()
        };
        assert_eq!(heading("max-head"), Some("HTTP"));
        for flag in ["mesh", "workload", "cert", "metrics", "ready"] {
            assert_eq!(heading(flag), None, "{flag}");
        }
        assert_eq!(heading("network"), Some("Environment"));
    }
}
