//! What a gateway does not start with.

use std::net::TcpListener;
use std::process::Command;

use serde_json::json;

use crate::process::Process;
use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_used_is_told_with_its_exit_code() {
    let world = World::new();
    let mesh = world.mesh(&[(10, 1, true)]);
    let with = |pointer: &str, value: serde_json::Value| {
        let mut mesh = mesh.clone();
        *mesh.pointer_mut(pointer).expect("a place") = value;
        mesh
    };
    let mut dangling = mesh.clone();
    dangling["workloads"][0]["waypoint"] =
        json!({"destination": "/10.0.0.9", "hboneMtlsPort": 15008});
    let mut unknown_field = mesh.clone();
    unknown_field["workloads"][0]["colour"] = "red".into();
    for (mesh, flags, code, why) in [
        (
            mesh.clone(),
            &["--believe", "ingress=*"][..],
            2,
            "write waypoint=SPIFFE, gateway=SPIFFE",
        ),
        (
            mesh.clone(),
            &["--believe", "gateway"],
            2,
            "write waypoint=SPIFFE",
        ),
        (
            mesh.clone(),
            &["--believe", "gateway=me"],
            2,
            "not a SPIFFE id",
        ),
        (
            mesh.clone(),
            &["--endpoint-drain", "soon"],
            2,
            "not a duration",
        ),
        (mesh.clone(), &["--inbound-port", "1"], 2, "--inbound"),
        (json!("nothing"), &[], 3, "mesh.yaml:1: "),
        (unknown_field, &[], 3, "colour"),
        (
            dangling,
            &["--strict"],
            3,
            "workloads[0].waypoint.destination: /10.0.0.9 is neither a service nor a workload",
        ),
        (
            with("/workloads/1/workloadIps", json!(["10.0.0"])),
            &[],
            3,
            "10.0.0",
        ),
        (
            with("/workloads/0/name", json!("other")),
            &[],
            3,
            "shop/gateway",
        ),
        (
            with("/workloads/0/serviceAccount", json!("other")),
            &[],
            4,
            "sa/other",
        ),
    ] {
        world.write(&mesh);
        let mut process = Process::start(&mut world.command(flags));
        let status = process.end().await;
        let told = process.wait_for(&[why], 1).await;
        assert_eq!(status.code(), Some(code), "{told:?}");
        assert!(process.lines(&["panicked"]).is_empty());
    }
}

#[test]
fn what_a_gateway_does_not_do_without_cannot_be_off() {
    for (flag, value, why) in [
        ("--inbound", "off", "this one cannot be off"),
        ("--inbound", "here", "not an address such as"),
        ("--metrics", "off", "this one cannot be off"),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_eastwest-gateway"))
            .args([flag, value])
            .output()
            .expect("it runs");
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{told}");
        assert!(told.contains(flag) && told.contains(why), "{told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_do_not_fit_and_ports_that_are_taken_are_told() {
    let world = World::new();
    let run = async |code: i32, why: &str| {
        let mut process = Process::start(&mut world.command(&[]));
        let status = process.end().await;
        let told = process.wait_for(&[why], 1).await;
        assert_eq!(status.code(), Some(code), "{told:?}");
    };
    run(3, "mesh.yaml").await;
    world.write(&world.mesh(&[]));
    let other = std::fs::read_to_string(world.file("echo.key")).expect("a key");
    for (file, text, why) in [
        ("gateway.key", Some("nothing"), "gateway.key"),
        (
            "gateway.key",
            Some(&*other),
            "does not belong to the leaf certificate",
        ),
        ("gateway.key", None, "gateway.key"),
        ("gateway.pem", Some("nothing"), "gateway.pem"),
        ("gateway.pem", None, "gateway.pem"),
        ("root.pem", Some("nothing"), "root.pem"),
        ("root.pem", None, "root.pem"),
    ] {
        let path = world.file(file);
        let before = std::fs::read(&path).expect("a file");
        match text {
            Some(text) => std::fs::write(&path, text).expect("a file"),
            None => std::fs::remove_file(&path).expect("a file"),
        }
        run(4, why).await;
        std::fs::write(&path, before).expect("a file");
    }
    for port in [hbone::PORT, 15020, 15021] {
        let _taken = TcpListener::bind((world.ip(2), port)).expect("a free address");
        run(5, &format!("port {port} is taken")).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn admin_requests_are_answered_or_refused() {
    let world = World::new();
    let _gateway = world.start(&world.mesh(&[]), &[]).await;
    let close = "host: gateway\r\nconnection: close\r\n\r\n";
    for (port, request, status) in [
        (15020, format!("GET /metrics HTTP/1.1\r\n{close}"), "200"),
        (
            15021,
            format!("GET /healthz/ready HTTP/1.1\r\n{close}"),
            "200",
        ),
        (
            15020,
            format!("GET /../etc/passwd HTTP/1.1\r\n{close}"),
            "404",
        ),
        (
            15021,
            format!("DELETE /healthz/ready HTTP/1.1\r\n{close}"),
            "405",
        ),
        (15020, "nonsense\r\n\r\n".to_owned(), "400"),
    ] {
        let answer = world.say(port, &request).await;
        let start = format!("HTTP/1.1 {status} ");
        assert!(answer.starts_with(&start), "{request:?}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mesh_file_that_cannot_be_used_changes_nothing() {
    let world = World::new();
    let gateway = world.start(&world.mesh(&[(10, 1, true)]), &[]).await;
    let _pod = crate::endpoint::Endpoint::start(world.ip(10), 10, crate::world::AT_ONCE).await;
    world.write(&json!({"workloads": [{"colour": "red"}]}));
    gateway.signal(rustix::process::Signal::HUP);
    gateway
        .wait_for(&["cannot be used; the former stays in force"], 1)
        .await;
    crate::world::ask(&world.pool(), &world.route(crate::world::SERVICE))
        .await
        .expect("a tunnel");
}
