//! `hbone top`.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::OpenOptionsExt;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;

use rustix::fs::OFlags;
use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};
use serde_json::json;

use crate::hbone::{assert_fails, eventually, hbone, text, value};

/// What a proxy says at the `look`-th look: two more connections each time, and one that was broken off.
fn metrics(look: usize) -> String {
    let labels = "reporter=\"source\",source_workload=\"web\",source_workload_namespace=\"shop\",source_cluster=\"c1\",\
        destination_workload=\"stock\\\"\\u\",destination_workload_namespace=\"shop\",destination_cluster=\"unknown\",destination_service=\"stock.shop.svc.cluster.local\"";
    let labels = labels.replace("\\u", "\u{202e}");
    let opened = 10 + 2 * look;
    format!(
        "# HELP istio_tcp_connections_opened Opened.\n# TYPE istio_tcp_connections_opened counter\n\
         istio_tcp_connections_opened_total{{{labels},response_flags=\"-\"}} {opened}\n\
         istio_tcp_connections_closed_total{{{labels},response_flags=\"-\"}} 3\n\
         istio_tcp_connections_closed_total{{{labels},response_flags=\"CONNECT\"}} {look}\n\
         istio_tcp_connections_failed_total{{{labels},response_flags=\"CONNECT\"}} 4\n\
         hbone_connections_broken_total{{{labels},response_flags=\"-\",why=\"reset\"}} 7\n\
         hbone_connections_broken_total{{{labels},response_flags=\"-\",why=\"lost\"}} 20\n\
         istio_tcp_sent_bytes_total{{{labels},response_flags=\"-\"}} {}\n\
         something_else{{a=\"b\"}} NaN\n# EOF\n",
        1_000_000 * look
    )
}

#[test]
fn what_is_no_number_or_without_end_is_shown_as_nothing() {
    let counted = |look| {
        let of = |name: &str, source: usize, value: &str| {
            format!(
                "istio_tcp_{name}_total{{reporter=\"source\",source_workload=\"w{source}\"}} {value}\n"
            )
        };
        // As many as a sort compares by halves.
        let pairs = (0..60).map(|pair| {
            let odd = ["NaN", "+Inf", "1e400", "7"][(pair + look) % 4];
            [
                "connections_opened",
                "connections_closed",
                "connections_failed",
                "sent_bytes",
            ]
            .map(|name| of(name, pair, odd))
            .concat()
        });
        answer("200 OK", &(pairs.collect::<String>() + "# EOF\n"))
    };
    let target = format!("127.0.0.1:{}", proxy(counted));
    let rows = [
        "top",
        "--once",
        "--interval",
        "0.1",
        "--rows",
        "60",
        &target,
    ];
    let table = text(&hbone(&rows, b""));
    assert_eq!(table.trim_end().lines().count(), 61, "{table}");
    assert!(!table.contains("NaN") && !table.contains("inf"), "{table}");
    assert!(table.contains("   -"), "{table}");
}

#[test]
fn one_look_is_printed_as_a_table_and_as_json() {
    let port = proxy(|look| answer("200 OK", &metrics(look)));
    let target = format!("127.0.0.1:{port}");
    let table = text(&hbone(
        &["top", "--once", "--interval", "0.2", &target],
        b"",
    ));
    let row = table.lines().nth(1).expect("a row");
    assert!(table.starts_with("REPORTER"), "{table}");
    for part in [
        "source",
        "shop/web@c1",
        "shop/stock\"\\u{202e}",
        "  stock.shop  ",
        "MiB",
    ] {
        assert!(row.contains(part), "{part} in {row}");
    }
    let port = proxy(|look| answer("200 OK", &metrics(look)));
    let target = format!("http://127.0.0.1:{port}/metrics");
    let view = value(&hbone(
        &["top", "--once", "--json", "--interval", "0.2", &target],
        b"",
    ));
    let row = &view["rows"][0];
    assert_eq!(row["open"], json!(12.0 - 3.0 - 1.0));
    assert_eq!(
        (&row["opened"], &row["failed"], &row["sent_bytes"]),
        (&json!(12.0), &json!(1.0 + 4.0 + 7.0 + 20.0), &json!(1e6))
    );
    let rate = row["opened_per_second"].as_f64().expect("a rate")
        * view["seconds"].as_f64().expect("seconds");
    assert!((rate - 2.0).abs() < 1e-6, "{rate} of 2");
    assert_eq!(row["destination"], "shop/stock\"\u{202e}");
}

/// A terminal, with `hbone top` on it.
struct OnTerminal {
    child: Child,
    keyboard: File,
    shown: Arc<Mutex<String>>,
    slave: File,
}

impl OnTerminal {
    fn start(target: &str, lines: u16) -> Self {
        let keyboard = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)
            .expect("a terminal");
        grantpt(&keyboard).expect("a terminal");
        unlockpt(&keyboard).expect("a terminal");
        let name = ptsname(&keyboard, Vec::new()).expect("its name");
        let slave = File::options()
            .read(true)
            .write(true)
            .custom_flags(OFlags::NOCTTY.bits().cast_signed())
            .open(name.to_str().expect("a path"))
            .expect("the terminal");
        let size = Winsize {
            ws_row: lines,
            ws_col: 80,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        tcsetwinsize(&slave, size).expect("a size");
        let end = || Stdio::from(slave.try_clone().expect("the terminal"));
        let child = Command::new(env!("CARGO_BIN_EXE_hbone"))
            .args(["top", "--interval", "0.1", target])
            .stdin(end())
            .stdout(end())
            .stderr(end())
            .spawn()
            .expect("hbone");
        let keyboard = File::from(keyboard);
        let shown = Arc::<Mutex<String>>::default();
        let (mut screen, all) = (keyboard.try_clone().expect("it"), Arc::clone(&shown));
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(length @ 1..) = screen.read(&mut bytes) {
                let text = String::from_utf8_lossy(&bytes[..length]).into_owned();
                all.lock().expect("no panic").push_str(&text);
            }
        });
        Self {
            child,
            keyboard,
            shown,
            slave,
        }
    }

    /// Waits until this has been shown.
    fn shows(&self, part: &str) {
        eventually(part, || self.shown.lock().expect("no panic").contains(part));
    }

    /// Whether a key counts at once.
    fn is_raw(&self) -> bool {
        let modes = tcgetattr(&self.slave).expect("its settings").local_modes;
        !modes.intersects(LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG)
    }
}

impl Drop for OnTerminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn on_a_terminal_it_draws_again_and_again_until_a_key_and_leaves_it_as_it_was() {
    for key in [&b"q"[..], b"\x03", b"xyz\x04"] {
        let port = proxy(|look| answer("200 OK", &metrics(look)));
        let mut top = OnTerminal::start(&format!("127.0.0.1:{port}"), 24);
        // One more of them is open at each look: 12 - 3 - 1, then 14 - 3 - 2.
        top.shows("\u{1b}[?1049h");
        top.shows("     8 ");
        top.shows("     9 ");
        assert!(top.is_raw());
        assert!(
            !top.shown
                .lock()
                .expect("no panic")
                .contains("\u{1b}[?1049l")
        );
        top.keyboard.write_all(key).expect("a key");
        let status = top.child.wait().expect("its end");
        assert_eq!(status.code(), Some(0));
        top.shows("\u{1b}[?7h\u{1b}[?25h\u{1b}[?1049l");
        assert!(!top.is_raw(), "it is as it was");
    }
}

#[test]
fn a_small_terminal_shows_what_there_is_room_for() {
    let port = proxy(|look| answer("200 OK", &metrics(look)));
    let top = OnTerminal::start(&format!("127.0.0.1:{port}"), 3);
    top.shows("and 1 more");
}

#[test]
fn on_a_terminal_a_signal_ends_it_and_leaves_it_as_it_was_and_a_proxy_that_is_away_is_told_there() {
    let port = proxy(|look| match look {
        0 => answer("200 OK", &metrics(look)),
        _ => answer("503 Service Unavailable", ""),
    });
    let mut top = OnTerminal::start(&format!("127.0.0.1:{port}"), 24);
    top.shows("503 Service Unavailable");
    kill_process(Pid::from_child(&top.child), Signal::TERM).expect("a live process");
    assert_eq!(top.child.wait().expect("its end").code(), Some(0));
    top.shows("\u{1b}[?1049l");
    assert!(!top.is_raw(), "it is as it was");
}

#[test]
fn whoever_has_read_enough_is_no_failure() {
    for more in [&[][..], &["--json"]] {
        let port = proxy(|look| answer("200 OK", &metrics(look)));
        let mut child = Command::new(env!("CARGO_BIN_EXE_hbone"))
            .args(["top", "--interval", "0.1", &format!("127.0.0.1:{port}")])
            .args(more)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("hbone is started");
        // As `head -n 1` does.
        let mut lines = BufReader::new(child.stdout.take().expect("a pipe"));
        lines.read_line(&mut String::new()).expect("a line");
        drop(lines);
        let output = child.wait_with_output().expect("its end");
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!((output.status.code(), &*told), (Some(0), ""));
    }
}

#[test]
fn a_proxy_that_began_anew_counts_from_nothing() {
    let port = proxy(|look| answer("200 OK", &metrics(10 - 10 * look.min(1))));
    let view = value(&hbone(
        &[
            "top",
            "--once",
            "--json",
            "--interval",
            "0.2",
            &format!("127.0.0.1:{port}"),
        ],
        b"",
    ));
    let rate = view["rows"][0]["opened_per_second"]
        .as_f64()
        .expect("a rate")
        * view["seconds"].as_f64().expect("seconds");
    assert!((rate - 10.0).abs() < 1e-6, "{rate}");
}

#[test]
fn no_traffic_is_no_error_and_rows_can_be_cut() {
    let port = proxy(|_| answer("200 OK", "# EOF\n"));
    let table = text(&hbone(
        &[
            "top",
            "--once",
            "--interval",
            "0.2",
            &format!("127.0.0.1:{port}"),
        ],
        b"",
    ));
    assert!(table.contains("no traffic"), "{table}");
    let port = proxy(|look| answer("200 OK", &metrics(look)));
    let table = text(&hbone(
        &[
            "top",
            "--once",
            "--interval",
            "0.2",
            "--rows",
            "0",
            &format!("127.0.0.1:{port}"),
        ],
        b"",
    ));
    assert!(table.contains("and 1 more"), "{table}");
}

#[test]
fn a_target_that_cannot_be_reached_is_told_with_code_3() {
    let free = TcpListener::bind("127.0.0.1:0")
        .expect("a port")
        .local_addr()
        .expect("an address");
    let output = hbone(&["top", "--once", &free.to_string()], b"");
    assert_fails(
        &output,
        3,
        &format!("cannot reach http://{free}/metrics; is the proxy running"),
    );
}

#[test]
fn a_target_that_has_no_metrics_is_told() {
    for (answered, code, why) in [
        (
            answer("404 Not Found", ""),
            2,
            "answers 404 Not Found; name the page",
        ),
        (
            answer("200 OK", "<html>"),
            2,
            "has no metrics; name the page that has them, usually /metrics: line 1",
        ),
        (answer("200 OK", "a{b=\"c\" 1\n"), 2, "line 1"),
        (
            b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n\xff\xff".to_vec(),
            2,
            "not text",
        ),
        (
            b"\x00\x00\x06\x04\x00\x00\x00\x00\x00".to_vec(),
            3,
            "no HTTP there",
        ),
        (
            b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\na 1".to_vec(),
            3,
            "reading",
        ),
    ] {
        let port = proxy(move |_| answered.clone());
        assert_fails(
            &hbone(&["top", "--once", &format!("127.0.0.1:{port}")], b""),
            code,
            why,
        );
    }
}

#[test]
fn an_answer_without_end_is_cut() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a connection");
        let _ = stream.read(&mut [0; 1024]);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
        let line = b"# comment\n".repeat(10_000);
        while stream.write_all(&line).is_ok() {}
    });
    let output = hbone(&["top", "--once", &format!("127.0.0.1:{port}")], b"");
    assert_fails(&output, 3, "length limit exceeded");
}

#[test]
fn what_is_no_target_is_told() {
    for (target, why) in [
        ("localhost", "there is no port"),
        ("a:0", "there is no port"),
        ("https://a/metrics", "only http is read"),
        ("http://user:word@a:1/metrics", "a password cannot be sent"),
        ("a b", "give HOST:PORT"),
        ("a:99999", "give HOST:PORT"),
    ] {
        assert_fails(&hbone(&["top", "--once", target], b""), 2, why);
    }
    for interval in ["0", "-1", "x", "NaN", "1e9"] {
        assert_fails(
            &hbone(&["top", &format!("--interval={interval}")], b""),
            2,
            "number of seconds",
        );
    }
}

/// Answers every connection, and gives the port.
fn proxy(mut answer: impl FnMut(usize) -> Vec<u8> + Send + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    thread::spawn(move || {
        for (look, stream) in listener.incoming().enumerate() {
            let mut stream = stream.expect("a connection");
            let mut request = [0; 1024];
            let _ = stream.read(&mut request);
            let _ = stream.write_all(&answer(look));
        }
    });
    port
}

fn answer(status: &str, body: &str) -> Vec<u8> {
    format!(
        "HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}
