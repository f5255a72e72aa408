use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use data_encoding::BASE64;
use serde_json::{Value, json};

use crate::http::request;
use crate::process::Process;

/// A headless Chromium, driven by the WebDriver protocol. It ends with the test.
pub(crate) struct Browser {
    session: String,
    driver: String,
    folder: PathBuf,
    _process: Process,
}

/// How long an element may take to be there.
const PATIENCE: Duration = Duration::from_secs(180);

impl Browser {
    /// `None`, said aloud, where there is no Chromium; a failure if it is required.
    pub(crate) fn start() -> Option<Self> {
        let found = |program| Command::new(program).arg("--version").output().is_ok();
        if !found("chromedriver") || !found("chromium") {
            let required = std::env::var_os("HBONE_REQUIRE_CHROMIUM").is_some();
            assert!(
                !required,
                "no chromium and chromedriver in PATH; .ci/chromium installs them"
            );
            eprintln!("skipped: no chromium and chromedriver in PATH; .ci/chromium installs them");
            return None;
        }
        let folder = std::env::temp_dir().join(format!("picture-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let (process, port) =
            Process::start(Command::new("chromedriver").arg("--port=0"), |line| {
                let (_, port) = line.split_once("started successfully on port ")?;
                port.trim_end_matches('.').parse::<u16>().ok()
            });
        let mut browser = Self {
            session: String::new(),
            driver: format!("127.0.0.1:{port}"),
            folder,
            _process: process,
        };
        let arguments = json!([
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-default-apps",
            "--disable-extensions",
            "--disable-sync",
            "--no-first-run",
            "--hide-scrollbars",
            // What the browser itself would ask its maker is no matter of the page, and cannot leave either.
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
            "--force-device-scale-factor=1",
            format!("--log-net-log={}", browser.log().display()),
        ]);
        let capabilities = json!({
            "goog:chromeOptions": { "args": arguments },
            "goog:loggingPrefs": { "browser": "ALL", "performance": "ALL" },
        });
        let body = json!({ "capabilities": { "alwaysMatch": capabilities } });
        let session = browser.call("POST", "/session", &body);
        let id = session["sessionId"].as_str().expect("a session");
        browser.session = format!("/session/{id}");
        Some(browser)
    }

    pub(crate) fn open(&self, url: &str) {
        self.post("/url", &json!({ "url": url }));
    }

    /// What a function's body returns in the page.
    pub(crate) fn run(&self, script: &str) -> Value {
        self.post("/execute/sync", &json!({ "script": script, "args": [] }))
    }

    /// Clicks with a mouse, in the middle of an element, once it is there and nothing covers it.
    pub(crate) fn click(&self, selector: &str) {
        let deadline = Instant::now() + PATIENCE;
        let by = json!({ "using": "css selector", "value": selector });
        loop {
            let clicked = self.try_post("/element", &by).and_then(|found| {
                let id = found.as_object().and_then(|one| one.values().next());
                let id = id.and_then(Value::as_str).expect("an id");
                self.try_post(&format!("/element/{id}/click"), &json!({}))
            });
            match clicked {
                Ok(_) => return,
                Err(error) => assert!(Instant::now() < deadline, "{selector}: {error:#}"),
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Presses keys, one after another.
    pub(crate) fn press(&self, keys: &[char]) {
        let strokes: Vec<_> = keys
            .iter()
            .flat_map(|key| ["keyDown", "keyUp"].map(|kind| json!({ "type": kind, "value": key })))
            .collect();
        let keyboard = json!({ "type": "key", "id": "keyboard", "actions": strokes });
        self.post("/actions", &json!({ "actions": [keyboard] }));
    }

    /// Moves the mouse to where nothing is.
    pub(crate) fn point_at_nothing(&self) {
        let moves = json!([{ "type": "pointerMove", "x": 1, "y": 1 }]);
        let mouse = json!({ "type": "pointer", "id": "mouse", "actions": moves });
        self.post("/actions", &json!({ "actions": [mouse] }));
    }

    /// A window of this size, and what its user prefers.
    pub(crate) fn emulate(&self, width: u32, height: u32, scheme: &str) {
        let metrics =
            json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.devtools("Emulation.setDeviceMetricsOverride", metrics);
        let features = json!([
            { "name": "prefers-color-scheme", "value": scheme },
            { "name": "prefers-reduced-motion", "value": "reduce" },
        ]);
        self.devtools(
            "Emulation.setEmulatedMedia",
            json!({ "features": features }),
        );
    }

    /// What can be seen, as PNG.
    pub(crate) fn screenshot(&self) -> Vec<u8> {
        let shot = self.devtools("Page.captureScreenshot", json!({ "format": "png" }));
        let data = shot["data"].as_str().expect("data");
        BASE64.decode(data.as_bytes()).expect("base64")
    }

    /// The names and roles that a screen reader is given.
    pub(crate) fn accessible(&self) -> Vec<(String, String)> {
        let tree = self.devtools("Accessibility.getFullAXTree", json!({}));
        let nodes = tree["nodes"].as_array().expect("nodes").iter();
        let text = |value: &Value| value["value"].as_str().unwrap_or_default().to_owned();
        nodes
            .filter(|node| node["ignored"] == false)
            .map(|node| (text(&node["role"]), text(&node["name"])))
            .collect()
    }

    /// What the page has written to its console, or the browser about it.
    pub(crate) fn console(&self) -> Vec<Value> {
        let log = self.post("/se/log", &json!({ "type": "browser" }));
        log.as_array().expect("a log").clone()
    }

    /// All URLs that the page has asked for.
    pub(crate) fn asked(&self) -> Vec<String> {
        let log = self.post("/se/log", &json!({ "type": "performance" }));
        let messages = log.as_array().expect("a log").iter();
        let messages = messages.filter_map(|entry| {
            let message: Value = serde_json::from_str(entry["message"].as_str()?).ok()?;
            let sent = message["message"]["method"] == "Network.requestWillBeSent";
            let url = message["message"]["params"]["request"]["url"].as_str()?;
            sent.then(|| url.to_owned())
        });
        messages.collect()
    }

    /// Ends the browser; all addresses that it has been connected with, on whosever behalf.
    pub(crate) fn end(mut self) -> Vec<String> {
        self.call("DELETE", &self.session, &json!({}));
        self.session.clear();
        let log = std::fs::read_to_string(self.log()).expect("the log of the network");
        let mut found = Vec::new();
        for part in log.split("\"remote_address\":\"").skip(1) {
            found.extend(part.split('"').next().map(str::to_owned));
        }
        found.sort();
        found.dedup();
        found
    }

    fn log(&self) -> PathBuf {
        self.folder.join("net.json")
    }

    fn devtools(&self, command: &str, parameters: Value) -> Value {
        let body = json!({ "cmd": command, "params": parameters });
        self.post("/goog/cdp/execute", &body)
    }

    fn post(&self, path: &str, body: &Value) -> Value {
        self.call("POST", &format!("{}{path}", self.session), body)
    }

    fn try_post(&self, path: &str, body: &Value) -> Result<Value, Value> {
        self.try_call("POST", &format!("{}{path}", self.session), body)
    }

    fn call(&self, method: &str, path: &str, body: &Value) -> Value {
        let said = self.try_call(method, path, body);
        said.unwrap_or_else(|error| panic!("{method} {path} {body}: {error:#}"))
    }

    fn try_call(&self, method: &str, path: &str, body: &Value) -> Result<Value, Value> {
        let kind = ["content-type: application/json"];
        let answer = request(&self.driver, method, path, &kind, &body.to_string());
        let mut said: Value = serde_json::from_str(&answer.body).expect("JSON");
        let value = said["value"].take();
        if answer.status == 200 {
            Ok(value)
        } else {
            Err(value)
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if !self.session.is_empty() {
            // Without a word, since the test may have failed already.
            let end = || self.call("DELETE", &self.session, &json!({}));
            let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(end));
        }
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
