//! Requests reach a server and come back, and the metrics name both parties.

use std::time::Duration;

use http::{StatusCode, Version};

use crate::client::Client;
use crate::server::Server;
use crate::setting::{FAR, NEAR, Setting};
use crate::world::id;

#[tokio::test(flavor = "multi_thread")]
async fn both_versions_reach_a_server_here_and_one_in_another_network() {
    let setting = Setting::new();
    let mesh = setting.mesh(&[(10, 1, true)], &[(30, 1, true)]);
    let _gateway = setting.world.start(&mesh, &[]).await;
    let waypoint = setting.start_waypoint(&[]).await;
    let _far = Server::start(&setting, 10, Duration::ZERO).await;
    let _near = Server::start(&setting, 30, Duration::ZERO).await;
    for (host, name, cluster) in [(NEAR, "30", "c-east"), (FAR, "10", "c-west")] {
        for version in [Version::HTTP_11, Version::HTTP_2] {
            let mut client = Client::connect(&setting, &format!("{host}:80"), version).await;
            for _ in 0..3 {
                let answer = client.get(host, "/").await;
                assert_eq!((answer.status, answer.text()), (StatusCode::OK, name));
                assert_eq!(answer.headers["x-served-by"], name);
                assert!(answer.trailers.is_empty());
            }
        }
        waypoint
            .wait_for(
                &[
                    "request complete",
                    &format!("dst.service=\"{host}\""),
                    "http.status=200",
                ],
                6,
            )
            .await;
        let service = format!("destination_service=\"{host}\"");
        let total = setting.metrics(&["istio_requests_total{", &service]).await;
        assert_eq!(total.len(), 1, "{total:#?}");
        let total = &total[0];
        for part in [
            "reporter=\"waypoint\"",
            "source_workload=\"web\"",
            "source_cluster=\"c-east\"",
            &format!("source_principal=\"{}\"", id("client")),
            "destination_workload=\"echo\"",
            &format!("destination_cluster=\"{cluster}\""),
            &format!("destination_principal=\"{}\"", id("echo")),
            "request_protocol=\"http\"",
            "response_code=\"200\"",
            "response_flags=\"-\"",
            "connection_security_policy=\"mutual_tls\"",
        ] {
            assert!(total.contains(part), "{part} in {total}");
        }
        assert!(!total.contains("unknown"), "{total}");
        assert!(total.ends_with(" 6"), "{total}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_baggage_a_server_in_another_network_is_unknown_and_never_somebody_else() {
    let setting = Setting::new();
    let mesh = setting.mesh(&[(10, 1, true)], &[(30, 1, true)]);
    let _gateway = setting.world.start(&mesh, &[]).await;
    let waypoint = setting
        .start_waypoint(&["--ambient-enable-baggage", "false"])
        .await;
    let _far = Server::start(&setting, 10, Duration::ZERO).await;
    let mut client = Client::connect(&setting, &format!("{FAR}:80"), Version::HTTP_11).await;
    assert_eq!(client.get(FAR, "/").await.text(), "10");
    waypoint.wait_for(&["request complete"], 1).await;
    let total = setting.metrics(&["istio_requests_total{"]).await;
    for part in [
        "destination_workload=\"unknown\"",
        "destination_workload_namespace=\"unknown\"",
        "destination_cluster=\"unknown\"",
        "destination_canonical_service=\"unknown\"",
        "source_workload=\"unknown\"",
        &format!("destination_principal=\"{}\"", id("echo")),
        &format!("source_principal=\"{}\"", id("client")),
        &format!("destination_service=\"{FAR}\""),
    ] {
        assert!(total[0].contains(part), "{part} in {}", total[0]);
    }
}
