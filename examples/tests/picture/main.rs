//! The live page of the demo in a real browser: what it draws is what the proxies count, its switches change the mesh, and it asks
//! nobody but the demo.
//!
//! It takes Debian's `chromium` and `chromium-driver`. Without them it is skipped, or fails if `HBONE_REQUIRE_CHROMIUM` is set, as the
//! gate does. With `PICTURE_SCREENSHOTS=FOLDER` it leaves its pictures there.

mod browser;
mod http;
mod picture;
mod process;
mod sheet;

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::browser::Browser;
use crate::http::request;
use crate::picture::Picture;
use crate::sheet::Sheet;

const TAB: char = '\u{E004}';
const ENTER: char = '\u{E007}';

/// The proxies listen on fixed addresses, so everything is one test.
#[test]
fn the_picture_is_what_the_proxies_count_and_its_switches_change_it() {
    let Some(browser) = Browser::start() else {
        return;
    };
    let picture = Picture::start();
    let sheet = Sheet::new(&browser);
    browser.emulate(1280, 800, "light");
    browser.open(&picture.url());

    let whole = everything_is_drawn(&picture, &sheet);
    an_edge_shows_its_hops_and_their_headers(&sheet, &whole);
    the_keyboard_is_enough(&sheet, &whole);
    screen_readers_are_told(&sheet);
    without_baggage_edges_across_networks_lose_a_party(&sheet, &whole);
    a_stopped_endpoint_gets_nothing(&picture, &sheet, &whole);
    a_slow_endpoint_is_seen_to_be_slow(&picture, &sheet);
    it_fits_windows_wide_and_narrow_light_and_dark(&sheet);
    nobody_else_may_switch(&picture);

    assert_eq!(
        browser.console(),
        Vec::<Value>::new(),
        "the console is silent"
    );
    for url in browser.asked() {
        let own = url.starts_with(&picture.url()) || url.starts_with("data:");
        assert!(own, "the page asked for {url}");
    }
    let connected = browser.end();
    assert!(connected.contains(&picture.address), "{connected:?}");
    for address in connected {
        assert!(
            address.starts_with("127.0.0.1:"),
            "{address} was connected with"
        );
    }
}

/// How many pairs talk to one another in the demo: ten of workloads, and eleven at waypoints and gateways.
const PAIRS: usize = 10 + 11;

/// The edges between workloads, once each is there and known.
fn everything_is_drawn(picture: &Picture, sheet: &Sheet<'_>) -> BTreeSet<String> {
    sheet.browser.click("#legs");
    let all = sheet.until(
        "every pair that the proxies have counted is an edge",
        || {
            let counted = picture.counted();
            let both = ["#graph .edge", "#rows tr"].map(|kind| sheet.edges(kind) == counted);
            (both == [true, true] && counted.len() == PAIRS).then_some(counted)
        },
    );
    sheet.fits("with legs", 1280);
    sheet.browser.click("#legs");
    let in_the_middle =
        |edge: &&String| edge.contains("-waypoint") || edge.contains("eastwestgateway");
    let (legs, whole): (BTreeSet<_>, BTreeSet<_>) =
        all.into_iter().partition(|edge| in_the_middle(&edge));
    assert!(!legs.is_empty() && whole.len() > 5);
    sheet.until("without legs the edges between workloads are left", || {
        let both = ["#graph .edge", "#rows tr"].map(|kind| sheet.edges(kind) == whole);
        (both == [true, true]).then_some(())
    });
    let (across, inside) = parted(&whole);
    assert!(!across.is_empty() && !inside.is_empty());
    sheet.until("what crosses networks is told apart", || {
        let right = sheet.edges(".edge.across") == across && sheet.edges(".edge.inside") == inside;
        right.then_some(())
    });

    let state = picture.state();
    let text = sheet.text("#graph");
    let all = |kind: &str| state["picture"][kind].as_array().expect("a list").clone();
    for network in all("networks") {
        assert!(text.contains(network["name"].as_str().expect("a name")));
        for cluster in network["clusters"].as_array().expect("a list") {
            assert!(text.contains(cluster["name"].as_str().expect("a name")));
        }
    }
    for proxy in all("proxies") {
        let address = proxy["address"].as_str().expect("an address");
        let host = address.split(':').next().expect("a host");
        assert!(text.contains(host), "{proxy}");
    }
    let cards = sheet.count(".card");
    let gateways = all("proxies")
        .iter()
        .filter(|proxy| proxy["kind"] != "node-proxy")
        .count();
    assert_eq!(cards, all("workloads").len() + gateways);
    assert_eq!(sheet.count("#endpoints li"), all("endpoints").len());
    sheet.until("every endpoint gets its share", || {
        let shares = sheet.shares();
        let sum: f64 = shares.iter().map(|(_, share)| share).sum();
        let services: BTreeSet<_> = all("endpoints")
            .iter()
            .map(|one| one["service"].to_string())
            .collect();
        let even = shares.iter().all(|(_, share)| *share > 0.05);
        (even && (sum - services.len() as f64).abs() < 0.01).then_some(())
    });
    whole
}

/// Those across networks, and those within one.
fn parted(edges: &BTreeSet<String>) -> (BTreeSet<String>, BTreeSet<String>) {
    let edges = edges.iter().cloned();
    edges.partition(|edge| edge.contains("cluster-a/") && edge.contains("cluster-b/"))
}

fn an_edge_shows_its_hops_and_their_headers(sheet: &Sheet<'_>, whole: &BTreeSet<String>) {
    for edge in parted(whole).0 {
        sheet
            .browser
            .click(&format!(".edge[data-edge='{edge}'] .label"));
        let workload = |node: &str| node.rsplit('/').next().map(str::to_owned).expect("a name");
        let (source, destination) = edge.split_once('>').expect("two parties");
        let title = format!("{} → {}", workload(source), workload(destination));
        let words = [
            "outer",
            "inner",
            "Authority",
            "spiffe://cluster.local/ns/istio-system/sa/istio-eastwestgateway",
            "east-west gateway",
            "k8s.cluster.name=cluster-a",
            "k8s.cluster.name=cluster-b",
        ];
        sheet.until(&format!("the hops of {edge}, and their headers"), || {
            let hops = sheet.find("#hops")?;
            let all = words.iter().all(|word| hops.contains(word));
            (all && sheet.count("#hops .connect") >= 2).then_some(())
        });
        assert_eq!(sheet.text("#details-title"), title);
        assert!(
            sheet.count(".card.on-way") > 0,
            "the proxies on its way are marked"
        );
        let identity = format!(
            "spiffe://cluster.local/ns/shop/sa/{}",
            workload(destination)
                .replace("-v", " ")
                .split(' ')
                .next()
                .expect("a name")
        );
        assert!(sheet.text("#details").contains(&identity), "{identity}");
        sheet
            .browser
            .click(&format!(".edge[data-edge='{edge}'] .label"));
        assert_eq!(sheet.count("#hops"), 0, "a second click puts it away");
    }
}

fn the_keyboard_is_enough(sheet: &Sheet<'_>, whole: &BTreeSet<String>) {
    let focused = |what: &str| {
        let script = format!("return document.activeElement.matches({what:?})");
        sheet.browser.run(&script) == true
    };
    let reach = |what: &str| {
        for _ in 0..60 {
            sheet.browser.press(&[TAB]);
            if focused(what) {
                return;
            }
        }
        panic!("the tab key never came to {what}");
    };
    sheet
        .browser
        .run("document.activeElement.blur(); getSelection().removeAllRanges()");
    reach(".skip");
    reach("#baggage");
    sheet.browser.press(&[' ']);
    sheet.is_switched("off");
    sheet.browser.press(&[' ']);
    sheet.is_switched("on");
    // What is to be chosen may not vanish, as edges do while the proxies restart: which is not seen at once.
    sheet.settles();
    sheet.until("the proxies have restarted", || {
        let edges = sheet.edges(".edge") == *whole;
        (edges && sheet.count(".card.unknown, .edge.failing") == 0).then_some(())
    });
    reach(".edge");
    let outline =
        "return getComputedStyle(document.activeElement.querySelector('.pill')).strokeWidth";
    assert_eq!(
        sheet.browser.run(outline),
        "3.5px",
        "it can be seen where one is"
    );
    sheet.browser.press(&[ENTER]);
    assert_eq!(sheet.count(".edge.chosen"), 1);
    assert!(focused(".edge.chosen"), "and one stays there");
    sheet.browser.press(&[' ']);
    assert_eq!(sheet.count(".edge.chosen"), 0);
    reach("#endpoints button");
    reach("#rows button");
    sheet.browser.press(&[ENTER]);
    assert_eq!(sheet.count(".edge.chosen"), 1);
    assert!(
        focused("#details"),
        "from the table one is taken to what it shows"
    );
    let edge = sheet
        .browser
        .run("return document.querySelector('.edge.chosen').dataset.edge");
    let edge = edge.as_str().expect("an edge");
    sheet
        .browser
        .click(&format!(".edge[data-edge='{edge}'] .label"));
}

fn screen_readers_are_told(sheet: &Sheet<'_>) {
    let nodes = sheet.browser.accessible();
    for (role, name) in &nodes {
        let acts = ["button", "switch", "link"].contains(&role.as_str());
        assert!(!acts || !name.is_empty(), "a {role} without a name");
    }
    let is_edge = |(role, name): &&(String, String)| {
        role == "button" && name.contains(" to ") && name.contains(" a second, ")
    };
    assert!(nodes.iter().filter(is_edge).count() > 2, "{nodes:?}");
    let has = |wanted: &str| nodes.iter().any(|(role, _)| role == wanted);
    assert!(has("status") && has("switch") && has("table") && has("main"));
}

fn without_baggage_edges_across_networks_lose_a_party(sheet: &Sheet<'_>, whole: &BTreeSet<String>) {
    let (_, inside) = parted(whole);
    sheet.settles();
    sheet.shot("on");
    sheet.browser.click("#baggage");
    sheet.is_switched("off");
    sheet.until("no edge across networks knows both of its parties", || {
        let lost = sheet.edges(".edge.lost");
        (sheet.edges(".edge.across").is_empty() && !lost.is_empty()).then_some(())
    });
    let lost = sheet.until("either side misses the other", || {
        let lost = sheet.edges(".edge.lost");
        let misses = |side: &str| lost.iter().any(|edge| edge.contains(side));
        (misses("unknown/network-a") && misses("unknown/network-b")).then_some(lost)
    });
    for edge in &lost {
        assert_eq!(
            edge.matches("unknown/").count(),
            1,
            "one party is known: {edge}"
        );
    }
    // Not by colour alone.
    assert!(sheet.text("#said").contains("unknown party"));
    assert!(sheet.text(".card.unknown").contains("unknown"));
    let label = sheet
        .browser
        .run("return document.querySelector('.edge.lost').getAttribute('aria-label')");
    assert!(
        label
            .as_str()
            .expect("a label")
            .contains("a party is unknown"),
        "{label}"
    );
    sheet.until(
        "within a network both parties are known all the same",
        || (sheet.edges(".edge.inside") == inside).then_some(()),
    );
    sheet.settles();
    sheet.shot("off");

    sheet.browser.click("#baggage");
    sheet.is_switched("on");
    sheet.settles();
    sheet.until("everything is back", || {
        (sheet.edges(".edge") == *whole && sheet.count(".card.unknown") == 0).then_some(())
    });
    assert!(sheet.text("#said").contains("every one knows both"));
}

fn a_stopped_endpoint_gets_nothing(picture: &Picture, sheet: &Sheet<'_>, whole: &BTreeSet<String>) {
    let name = sheet.endpoint(picture, "stock");
    let share = |name: &str| sheet.shares().into_iter().find(|(one, _)| one == name);
    sheet
        .browser
        .click(&format!("[data-endpoint='{name}'] button:first-child"));
    sheet.until("its share is nothing, and the others have it", || {
        let others = sheet
            .shares()
            .iter()
            .any(|(one, share)| *one != name && *share > 0.4);
        (share(&name)?.1 == 0.0 && others).then_some(())
    });
    assert!(
        sheet
            .text(&format!("[data-endpoint='{name}']"))
            .contains("stopped")
    );
    assert_eq!(sheet.count(".card.stopped"), 1);
    sheet
        .browser
        .click(&format!("[data-endpoint='{name}'] button:first-child"));
    sheet.until("it has its share again", || {
        (share(&name)?.1 > 0.1 && sheet.edges(".edge") == *whole).then_some(())
    });
}

fn a_slow_endpoint_is_seen_to_be_slow(picture: &Picture, sheet: &Sheet<'_>) {
    // What takes how long is measured where HTTP is understood: for each endpoint of it, what the table says.
    let name = sheet.endpoint(picture, "reviews");
    let switch = format!("[data-endpoint='{name}'] button:last-child");
    let took = || sheet.took(&name);
    let is_slow = |took: &[f64]| took.iter().all(|took| *took >= SLOW);
    sheet.until("it is fast", || {
        let took = took();
        (!took.is_empty() && !is_slow(&took)).then_some(())
    });
    sheet.browser.click(&switch);
    sheet.until(
        "the endpoint is said to be slow, and so is each edge that leads to it",
        || {
            let said = sheet.text(&format!("[data-endpoint='{name}']"));
            let drawn = sheet
                .find(".card.slow")
                .is_some_and(|card| card.contains(&name));
            let took = took();
            (said.contains("slow") && drawn && !took.is_empty() && is_slow(&took)).then_some(())
        },
    );
    sheet.browser.click(&switch);
    sheet.until("it is fast again", || {
        let gone = sheet.count(".card.slow") == 0;
        let took = took();
        (gone && !took.is_empty() && !is_slow(&took)).then_some(())
    });
}

/// What a slow endpoint holds its answers back for, in milliseconds, less what a mean over a change may lack.
const SLOW: f64 = 350.0;

fn it_fits_windows_wide_and_narrow_light_and_dark(sheet: &Sheet<'_>) {
    let mut grounds = BTreeSet::new();
    for scheme in ["light", "dark"] {
        for (width, height) in [(1280, 800), (1000, 700), (400, 800)] {
            sheet.browser.emulate(width, height, scheme);
            for baggage in ["off", "on"] {
                sheet.browser.run("scrollTo(0, 0)");
                sheet.browser.click("#baggage");
                sheet.is_switched(baggage);
                sheet.until("what it changes is drawn", || {
                    let lost = sheet.edges(".edge.lost").is_empty();
                    let across = sheet.edges(".edge.across").is_empty();
                    (lost != across && lost == (baggage == "on")).then_some(())
                });
                sheet.fits(
                    &format!("{width}x{height} {scheme}, baggage {baggage}"),
                    width,
                );
            }
            sheet.shot(&format!("{width}-{scheme}"));
            sheet.browser.click("#legs");
            sheet.until("legs are drawn, too", || {
                sheet
                    .edges(".edge")
                    .iter()
                    .any(|edge| edge.contains("-waypoint"))
                    .then_some(())
            });
            sheet.fits(&format!("{width}x{height} {scheme}, with legs"), width);
            sheet.browser.click("#legs");
        }
        let ground = sheet
            .browser
            .run("return getComputedStyle(document.body).backgroundColor");
        grounds.insert(ground.to_string());
    }
    assert_eq!(grounds.len(), 2, "light and dark differ: {grounds:?}");
}

fn nobody_else_may_switch(picture: &Picture) {
    let on = json!({ "on": true });
    let json = "content-type: application/json";
    let own = format!("origin: http://{}", picture.address);
    assert_eq!(picture.post("/baggage", &[json, &own], &on), 204);
    let foreign = [
        vec![json, "origin: http://attacker.example"],
        vec![json, "origin: null"],
        vec![json, "host: attacker.example"],
        vec!["content-type: text/plain"],
    ];
    for headers in foreign {
        assert_eq!(picture.post("/baggage", &headers, &on), 403, "{headers:?}");
    }
    let rebound = request(
        &picture.address,
        "GET",
        "/state",
        &["host: attacker.example"],
        "",
    );
    assert_eq!(rebound.status, 403);
    for (path, body, status) in [
        ("/baggage", json!({ "on": 1 }), 400),
        (
            "/baggage",
            json!({ "on": true, "more": "x".repeat(2000) }),
            400,
        ),
        (
            "/endpoint",
            json!({ "name": "nobody", "stopped": true, "slow": false }),
            404,
        ),
        ("/elsewhere", on.clone(), 404),
        ("/", on.clone(), 405),
    ] {
        assert_eq!(picture.post(path, &[json], &body), status, "{path} {body}");
    }
    assert_eq!(
        request(&picture.address, "GET", "/baggage", &[], "").status,
        405
    );
    let page = request(&picture.address, "GET", "/", &[], "");
    assert!(
        page.head
            .contains("content-security-policy: default-src 'none';"),
        "{}",
        page.head
    );
}
