//! Each class of malformed input, with the message and the exit code that a person meets.

use std::ffi::OsStr;
use std::fs::File;
use std::net::TcpListener;
use std::process::Command;

use crate::world::{MESH, World};

#[track_caller]
fn assert_fails((code, message): (Option<i32>, String), expected: i32, parts: &[&str]) {
    assert_eq!(code, Some(expected), "{message}");
    for part in parts {
        assert!(message.contains(part), "{part:?} in {message}");
    }
    assert!(!message.contains("panicked"), "{message}");
}

#[test]
fn a_wrong_flag_or_variable_is_named() {
    let world = World::new(41, MESH);
    let bad_file = world.fails(|command| {
        command.args(["--ca", "nowhere="]);
    });
    assert_fails(bad_file, 2, &["--ca", "nowhere=", "TRUST-DOMAIN=FILE"]);
    let bad_network = world.fails(|command| {
        command.args(["--network", "a", "--network", "b"]);
    });
    assert_fails(bad_network, 2, &["--network", "multiple times"]);
    let bad_duration = world.fails(|command| {
        command.env("CONNECTION_TERMINATION_DEADLINE", "soon");
    });
    assert_fails(bad_duration, 2, &["soon", "500ms, 10s, 5m or 1m30s"]);
    let bad_window = world.fails(|command| {
        command.env("HTTP2_STREAM_WINDOW_SIZE", "-1");
    });
    assert_fails(bad_window, 2, &["-1"]);
    for (variable, value) in [
        ("CRL_PATH", ""),
        ("LOG_FORMAT", ""),
        ("LOG_FORMAT", "xml"),
        ("CONNECTION_TERMINATION_DEADLINE", ""),
        ("HTTP2_FRAME_SIZE", "1"),
        ("TERMINATION_GRACE_PERIOD_SECONDS", "soon"),
    ] {
        let told = world.fails(|command| {
            command.env(variable, value);
        });
        assert_fails(told, 2, &[variable, value, "--"]);
    }
}

#[test]
fn a_switch_is_true_or_false_and_nothing_else() {
    let world = World::new(59, MESH);
    for (flag, variable) in [
        ("--enable-response-baggage", "ENABLE_RESPONSE_BAGGAGE"),
        ("--localhost-app-tunnel", "LOCALHOST_APP_TUNNEL"),
    ] {
        for value in ["yes", "on", "1", "True", ""] {
            let told = world.fails(|command| {
                command.env(variable, value);
            });
            let expected = [flag, variable, "[possible values: true, false]"];
            assert_fails(told, 2, &expected);
        }
        let told = world.fails(|command| {
            command.args([flag, "off"]);
        });
        assert_fails(told, 2, &["'off'", flag, "[possible values: true, false]"]);
    }
}

#[test]
fn a_number_of_threads_that_is_none_is_told() {
    let world = World::new(74, MESH);
    for value in ["0", "many", "", "99999999999"] {
        let told = world.fails(|command| {
            command.env("TOKIO_WORKER_THREADS", value);
        });
        assert_fails(told, 2, &["TOKIO_WORKER_THREADS", value, "unset it"]);
    }
}

#[test]
fn a_name_in_the_mesh_file_makes_no_line_of_its_own() {
    let mesh = "workloads:\n- {\"x\\e[31m\\nnode-proxy: all is well\": y, namespace: n}\n";
    let told = World::new(90, mesh).fails(|_| {});
    let field = r"unknown field `x\u{1b}[31m\u{a}node-proxy: all is well`";
    assert_fails(told, 3, &[field]);
}

#[test]
fn where_nobody_can_be_told_the_exit_code_still_says_what_it_was() {
    let full = File::options().write(true).open("/dev/full");
    let output = Command::new(env!("CARGO_BIN_EXE_node-proxy"))
        .args(["--mesh", "absent.yaml", "--workload", "shop/client"])
        .args(["--cert", "absent.pem", "--key", "absent.key"])
        .args(["--ca", "absent.pem"])
        .stderr(full.expect("a device"))
        .output()
        .expect("it is started");
    assert_eq!(output.status.code(), Some(3));
}

#[test]
fn a_log_filter_that_is_none_is_told() {
    let world = World::new(55, MESH);
    let told = world.fails(|command| {
        command.env("RUST_LOG", "hbone_examples=loud");
    });
    let expected = ["RUST_LOG", "hbone_examples=loud", "write it as debug"];
    assert_fails(told, 2, &expected);
}

#[test]
fn a_proxy_that_nobody_could_come_to_does_not_start() {
    let world = World::new(56, MESH);
    let told = world.fails(|command| {
        let at = [world.at(1, 15008), world.at(1, 15080)].map(|at| at.to_string());
        let is_on = |flag: &&OsStr| at.iter().any(|at| **flag == **at);
        let flags = command.get_args().map(|flag| match is_on(&flag) {
            true => OsStr::new("off"),
            false => flag,
        });
        let mut all_off = Command::new(command.get_program());
        all_off.args(flags);
        *command = all_off;
    });
    let expected = ["--socks5", "all off", "leave one of them on"];
    assert_fails(told, 2, &expected);
}

#[test]
fn an_address_to_listen_on_that_is_none_is_told() {
    for (flag, value, why) in [
        ("--metrics", "off", "this one cannot be off"),
        ("--ready", "localhost", "not an address such as"),
        ("--inbound", "15008", "not an address such as"),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_node-proxy"))
            .args([flag, value])
            .output()
            .expect("it runs");
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_fails((output.status.code(), told), 2, &[flag, value, why]);
    }
}

#[test]
fn yaml_that_is_none_is_told_with_its_line() {
    let world = World::new(42, "workloads:\n\t- uid: a\n");
    assert_fails(
        world.fails(|_| {}),
        3,
        &["mesh.yaml:2", "found character that cannot start any token"],
    );
}

#[test]
fn an_unknown_field_is_told_with_its_line_and_place() {
    let mesh = MESH.replace("  serviceAccount: server", "  serviceAcount: server");
    let world = World::new(43, &mesh);
    let expected = [
        "mesh.yaml:18",
        "workloads[1]",
        "unknown field `serviceAcount`",
        "serviceAccount",
    ];
    assert_fails(world.fails(|_| {}), 3, &expected);
}

#[test]
fn a_dangling_reference_is_told_with_its_line_and_the_next_step() {
    for (number, more, expected) in [
        (
            44,
            "  waypoint: {destination: north/NET.77, hboneMtlsPort: 15008}\n",
            [
                "mesh.yaml:37: services[0].waypoint.destination: ",
                "neither a service nor a workload",
            ],
        ),
        (
            53,
            "- {name: bare, namespace: shop, workloadIps: [NET.78], \
             networkGateway: {destination: far/NET.79, hboneMtlsPort: 15008}}\n",
            [
                "mesh.yaml:31: workloads[2].networkGateway.destination: ",
                "neither a service nor a workload",
            ],
        ),
        (
            54,
            "- {name: bare, namespace: shop, workloadIps: [NET.78], authorizationPolicies: [shop/none]}\n",
            [
                "mesh.yaml:31: workloads[2].authorizationPolicies[0]: ",
                "there is no policy \"shop/none\"",
            ],
        ),
    ] {
        let mesh = match more.starts_with('-') {
            true => MESH.replace(
                "services:\n- name: echo",
                &format!("{more}services:\n- name: echo"),
            ),
            false => format!("{MESH}{more}"),
        };
        let world = World::new(number, &mesh);
        // As with ztunnel, whoever does not need it does without.
        let client = world.start("client", 1);
        let log = world.log("client");
        for part in expected.iter().chain(&["WARN", "add it"]) {
            assert!(log.contains(part), "{part:?} in {log}");
        }
        drop(client);
        let strict = world.fails(|command| {
            command.arg("--strict");
        });
        assert_fails(strict, 3, &expected);
    }
}

#[test]
fn a_bad_address_is_told_with_its_line() {
    let world = World::new(45, &MESH.replace("[NET.2]", "[10.0.0.256]"));
    let expected = [
        "mesh.yaml:19",
        "workloads[1].workloadIps[0]",
        "10.0.0.256",
        "IP address",
    ];
    assert_fails(world.fails(|_| {}), 3, &expected);
    world.write_mesh(&MESH.replace("[north/NET.100]", "[NET.100]"));
    let expected = ["services[0].vips[0]", "NETWORK/IP", "no slash"];
    assert_fails(world.fails(|_| {}), 3, &expected);
}

#[test]
fn two_entries_with_one_key_are_told_if_the_file_is_to_be_strict() {
    let world = World::new(
        46,
        &MESH.replace("c1//Pod/shop/client", "c1//Pod/shop/server"),
    );
    let strict = world.fails(|command| {
        command.arg("--strict");
    });
    let expected = [
        "mesh.yaml:15",
        "workloads[1].uid",
        "workloads[0] has the uid",
    ];
    assert_fails(strict, 3, &expected);
}

#[test]
fn a_workload_that_is_not_there_is_told_with_those_that_are() {
    let world = World::new(47, &MESH.replace("name: client\n", "name: other\n"));
    let expected = [
        "no workload is called shop/client",
        "shop/other, shop/server",
    ];
    assert_fails(world.fails(|_| {}), 3, &expected);
    world.write_mesh("# nobody\n");
    assert_fails(world.fails(|_| {}), 3, &["the file has none at all"]);
    world.write_mesh(MESH);
    let elsewhere = world.fails(|command| {
        command.env("NETWORK", "south");
    });
    assert_fails(elsewhere, 3, &["NETWORK is \"south\"", "has \"north\""]);
}

#[test]
fn a_mesh_file_that_is_missing_is_told() {
    let world = World::new(48, MESH);
    std::fs::remove_file(world.path("mesh.yaml")).expect("it was there");
    assert_fails(
        world.fails(|_| {}),
        3,
        &["cannot read the mesh file", "--mesh has to name"],
    );
}

#[test]
fn a_mesh_file_in_another_encoding_is_told() {
    let world = World::new(60, MESH);
    let text = std::fs::read_to_string(world.path("mesh.yaml")).expect("a file");
    let wide: Vec<u8> = std::iter::once(0xfeff)
        .chain(text.encode_utf16())
        .flat_map(u16::to_le_bytes)
        .collect();
    std::fs::write(world.path("mesh.yaml"), wide).expect("a file");
    let expected = ["mesh.yaml", "it is no text in UTF-8", "--mesh has to name"];
    assert_fails(world.fails(|_| {}), 3, &expected);
}

#[test]
fn a_mesh_file_that_is_no_file_or_far_too_large_is_told_and_not_read() {
    let world = World::new(57, MESH);
    let path = world.path("mesh.yaml");
    std::fs::remove_file(&path).expect("it was there");
    world.pipe("mesh.yaml");
    let expected = ["mesh.yaml", "not a regular file", "--mesh has to name"];
    assert_fails(world.fails(|_| {}), 3, &expected);
    std::fs::remove_file(&path).expect("it was there");
    std::fs::create_dir(&path).expect("a directory");
    assert_fails(world.fails(|_| {}), 3, &expected);
    std::fs::remove_dir(&path).expect("it was there");
    let large = File::create(&path).expect("a file");
    large.set_len((64 << 20) + 1).expect("holes");
    let expected = ["mesh.yaml", "larger than 64 MiB"];
    assert_fails(world.fails(|_| {}), 3, &expected);
}

#[test]
fn brackets_without_end_are_told_with_their_line_and_not_read() {
    let world = World::new(58, &format!("workloads:\n{}", "[".repeat(4 << 20)));
    let expected = ["mesh.yaml:2", "far deeper than a mesh needs"];
    assert_fails(world.fails(|_| {}), 3, &expected);
}

#[test]
fn unusable_pem_files_are_told_with_the_file() {
    let world = World::new(49, MESH);
    world.issue("server");
    let missing = world.fails(|command| {
        command.arg("--crl-path").arg(world.path("absent.crl"));
        std::fs::remove_file(world.path("root.pem")).expect("it was there");
    });
    assert_fails(missing, 4, &["root.pem", "check the path"]);
    world.write("root.pem", "no PEM at all");
    assert_fails(
        world.fails(|_| {}),
        4,
        &["root.pem", "holds no root certificate"],
    );
    world.write(
        "root.pem",
        "-----BEGIN CERTIFICATE-----\n%\n-----END CERTIFICATE-----\n",
    );
    let expected = ["root.pem", "no base64", "CERTIFICATE blocks"];
    assert_fails(world.fails(|_| {}), 4, &expected);
    for (file, expected) in [
        ("client.pem", ["client.pem", "the leaf first"]),
        ("client.key", ["client.key", "a PRIVATE KEY block"]),
    ] {
        let told = world.fails(|_| world.write(file, "no PEM at all"));
        assert_fails(told, 4, &expected);
        let told = world.fails(|_| {
            std::fs::remove_file(world.path(file)).expect("it was there");
            world.pipe(file);
        });
        assert_fails(told, 4, &[file, "has to be a regular file"]);
    }
}

#[test]
fn a_key_of_another_certificate_is_told() {
    let world = World::new(50, MESH);
    world.issue("server");
    let other = world.fails(|command| {
        let key = std::fs::read_to_string(world.path("server.key")).expect("a key");
        world.write("client.key", &key);
        let _ = command;
    });
    assert_fails(
        other,
        4,
        &["client.key", "does not belong to the leaf certificate"],
    );
}

#[test]
fn a_chain_in_the_wrong_order_is_told_and_the_key_is_not_blamed() {
    let world = World::new(76, MESH);
    let told = world.fails(|_| {
        let leaf = std::fs::read_to_string(world.path("client.pem")).expect("a chain");
        let root = std::fs::read_to_string(world.path("root.pem")).expect("a root");
        world.write("client.pem", &(root + &leaf));
    });
    let expected = ["client.pem", "but number 2 is", "put the leaf there"];
    assert_fails(told, 4, &expected);
}

#[test]
fn a_certificate_of_another_workload_is_told() {
    let world = World::new(51, MESH);
    world.issue("server");
    let other = world.fails(|command| {
        for extension in ["pem", "key"] {
            let from = world.path(&format!("server.{extension}"));
            std::fs::copy(from, world.path(&format!("client.{extension}"))).expect("a copy");
        }
        let _ = command;
    });
    let expected = [
        "is for spiffe://cluster.local/ns/shop/sa/server",
        "sa/client",
    ];
    assert_fails(other, 4, &expected);
}

#[test]
fn each_occupied_port_is_told_with_its_purpose() {
    let world = World::new(52, MESH);
    for (port, purpose) in [
        (15001, "redirected outbound connections"),
        (15006, "redirected inbound connections"),
        (15008, "tunnels"),
        (15020, "/metrics"),
        (15021, "/healthz/ready"),
        (15080, "SOCKS5"),
    ] {
        let _taken = TcpListener::bind(world.at(1, port)).expect("a port");
        let told = world.fails(|command| {
            let redirected = [("--plaintext", 15006), ("--outbound", 15001)];
            let mut flags: Vec<_> = command.get_args().map(OsStr::to_owned).collect();
            for (flag, port) in redirected {
                let place = flags.iter().position(|own| own == flag).expect("the flag");
                flags[place + 1] = world.at(1, port).to_string().into();
            }
            let mut all_on = Command::new(command.get_program());
            all_on.args(flags);
            *command = all_on;
        });
        let told_of = format!("cannot listen on {} for {purpose}", world.at(1, port));
        assert_fails(told, 5, &[&told_of, "is another proxy running?"]);
    }
}
