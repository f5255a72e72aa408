use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::browser::Browser;
use crate::picture::Picture;

/// The page, as a reader sees it.
pub(crate) struct Sheet<'a> {
    pub(crate) browser: &'a Browser,
}

/// How long the mesh and the page may take for a change to be seen.
const PATIENCE: Duration = Duration::from_secs(180);

impl<'a> Sheet<'a> {
    pub(crate) const fn new(browser: &'a Browser) -> Self {
        Self { browser }
    }

    /// Waits until there is something.
    pub(crate) fn until<T>(&self, what: &str, look: impl Fn() -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(found) = look() {
                return found;
            }
            if Instant::now() > deadline {
                let edges = self.edges(".edge");
                let said = self.text("#said");
                panic!("{what}: not so; {said:?}, {edges:#?}, {:?}", self.shares());
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// The ids of the edges that these elements stand for.
    pub(crate) fn edges(&self, selector: &str) -> BTreeSet<String> {
        let script = format!(
            "return [...document.querySelectorAll({selector:?})].map((one) => one.dataset.edge)"
        );
        let found = self.browser.run(&script);
        let ids = found.as_array().expect("a list").iter();
        ids.map(|id| id.as_str().expect("an id").to_owned())
            .collect()
    }

    pub(crate) fn count(&self, selector: &str) -> usize {
        let script = format!("return document.querySelectorAll({selector:?}).length");
        let count = self.browser.run(&script).as_u64().expect("a count");
        usize::try_from(count).expect("few")
    }

    /// What is written there, its parts apart.
    pub(crate) fn text(&self, selector: &str) -> String {
        let script = format!(
            "const at = document.querySelector({selector:?});
             return at.innerText ?? [...at.querySelectorAll('text')].map((one) => one.textContent).join('\\n')"
        );
        self.browser
            .run(&script)
            .as_str()
            .expect("a text")
            .to_owned()
    }

    /// The same, if it is there.
    pub(crate) fn find(&self, selector: &str) -> Option<String> {
        (self.count(selector) > 0).then(|| self.text(selector))
    }

    /// Each endpoint's share, from 0 to 1.
    pub(crate) fn shares(&self) -> Vec<(String, f64)> {
        let script = "return [...document.querySelectorAll('#endpoints li')].map((one) => [one.dataset.endpoint, Number(one.dataset.share)])";
        let found = self.browser.run(script);
        let pairs = found.as_array().expect("a list").iter();
        let pair = |pair: &Value| Some((pair[0].as_str()?.to_owned(), pair[1].as_f64()?));
        pairs
            .map(|one| pair(one).expect("a name and a share"))
            .collect()
    }

    /// The first endpoint of a service.
    pub(crate) fn endpoint(&self, picture: &Picture, service: &str) -> String {
        let state = picture.state();
        let endpoints = state["picture"]["endpoints"].as_array().expect("endpoints");
        let of_it = |one: &&Value| {
            one["service"]
                .as_str()
                .is_some_and(|name| name.starts_with(service))
        };
        let name = &endpoints.iter().find(of_it).expect("an endpoint")["name"];
        name.as_str().expect("a name").to_owned()
    }

    /// How many milliseconds answers of this workload take, as the rows of the table that lead to it have it.
    pub(crate) fn took(&self, workload: &str) -> Vec<f64> {
        let script = format!(
            "return [...document.querySelectorAll('#rows tr')]
               .filter((row) => row.dataset.edge.endsWith('/{workload}'))
               .map((row) => row.children[6].textContent)"
        );
        let found = self.browser.run(&script);
        let cells = found.as_array().expect("a list").iter();
        let milliseconds =
            cells.filter_map(|cell| cell.as_str()?.strip_suffix(" ms")?.parse().ok());
        milliseconds.collect()
    }

    pub(crate) fn is_switched(&self, baggage: &str) {
        self.until(
            &format!("the switch says that baggage is {baggage}"),
            || {
                let checked = if baggage == "on" { "true" } else { "false" };
                let both = format!("#baggage[aria-checked={checked}]");
                (self.count(&both) == 1 && self.text("#baggage").ends_with(baggage)).then_some(())
            },
        );
    }

    /// Waits until nothing is in the picture any more that was counted before a switch was turned.
    pub(crate) fn settles(&self) {
        self.until("the picture is of what the switches say", || {
            let said = self.text("#said");
            (!said.contains("A switch was turned just now")).then_some(())
        });
    }

    /// Nothing is wider than the window; no text of the graph is cut off, nor lies on another; no line runs over what another one
    /// is labelled with, nor over a card that it does not belong to.
    pub(crate) fn fits(&self, what: &str, width: u32) {
        let wrong = self.browser.run(
            "const wrong = [];
             if (document.documentElement.scrollWidth > innerWidth) wrong.push(`the page is ${document.documentElement.scrollWidth} wide`);
             const box = (one) => one.getBoundingClientRect();
             const apart = (a, b) => a.right <= b.left + 1 || b.right <= a.left + 1 || a.bottom <= b.top + 1 || b.bottom <= a.top + 1;
             const within = (a, b) => a.left >= b.left - 1 && a.right <= b.right + 1 && a.top >= b.top - 1 && a.bottom <= b.bottom + 1;
             const graph = document.querySelector('#graph');
             for (const card of graph.querySelectorAll('.card'))
               for (const text of card.querySelectorAll(':scope > text'))
                 if (!within(box(text), box(card.firstElementChild))) wrong.push(`cut off: ${text.textContent}`);
             for (const edge of graph.querySelectorAll('.edge'))
               if (!within(box(edge.querySelector('text')), box(edge.querySelector('.pill')))) wrong.push(`cut off: ${edge.textContent}`);
             const solid = [...graph.querySelectorAll('.card > :first-child, .pill, .frames text')];
             solid.forEach((one, index) => {
               if (!within(box(one), box(graph))) wrong.push(`outside: ${one.parentNode.textContent}`);
               for (const other of solid.slice(index + 1))
                 if (!apart(box(one), box(other))) wrong.push(`on one another: ${one.parentNode.textContent} and ${other.parentNode.textContent}`);
             });
             const tells = (one) => one.querySelector('.label, .name')?.textContent ?? one.textContent;
             for (const edge of graph.querySelectorAll('.edge')) {
               const line = edge.querySelector('.line');
               const ends = edge.dataset.edge.split('>');
               const foreign = [...graph.querySelectorAll('.edge')].filter((one) => one !== edge).map((one) => [one, one.querySelector('.pill').getBBox()]);
               for (const card of graph.querySelectorAll('.card'))
                 if (!ends.includes(card.dataset.node)) foreign.push([card, card.firstElementChild.getBBox()]);
               const crossed = new Set();
               for (let at = 0; at < line.getTotalLength(); at += 2) {
                 const { x, y } = line.getPointAtLength(at);
                 for (const [one, { x: left, y: top, width, height }] of foreign)
                   if (x > left && x < left + width && y > top && y < top + height) crossed.add(tells(one));
               }
               for (const one of crossed) wrong.push(`the line ${edge.dataset.edge} runs over ${one}`);
             }
             for (const one of document.querySelectorAll('button, h1, h2, h3, dd, dt, .name, .what, .legend li'))
               if (!one.closest('.scroll') && box(one).right > innerWidth) wrong.push(`beyond the edge: ${one.textContent}`);
             const sizes = [...graph.querySelectorAll('text')].map((one) => box(one).height);
             if (Math.min(...sizes) < 8) wrong.push(`a text is ${Math.min(...sizes)} high`);
             return wrong",
        );
        assert_eq!(wrong, Value::Array(Vec::new()), "{what}, {width} wide");
    }

    /// Leaves a picture, if they are wanted.
    pub(crate) fn shot(&self, name: &str) {
        if let Some(folder) = std::env::var_os("PICTURE_SCREENSHOTS") {
            self.browser.run("scrollTo(0, 0)");
            self.browser.point_at_nothing();
            let file = PathBuf::from(folder).join(format!("demo-{name}.png"));
            std::fs::write(&file, self.browser.screenshot()).expect("the folder is there");
        }
    }
}
