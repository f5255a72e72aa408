// Asks for the state again and again, and has it drawn.

const at = (id) => document.getElementById(id);
const EVERY = 1000;
let told;
let state;
let chosen;
let numbers = new Map();
let withLegs = false;
let hopsShown;

async function look() {
  try {
    const response = await fetch("/state");
    if (!response.ok) throw new Error(await response.text());
    told = await response.json();
    show();
    if (chosen) await lookAtHops();
  } catch (error) {
    at("said").classList.add("lost");
    say(at("said"), `The demo does not answer: ${error.message}`);
  }
}

async function follow() {
  await look();
  setTimeout(follow, EVERY);
}

function show() {
  const edges = told.graph.edges.filter((edge) => withLegs || !isLeg(edge, told.picture));
  state = { ...told, graph: { ...told.graph, edges } };
  const svg = at("graph");
  const plan = layout(state, Math.max(300, svg.clientWidth - 2));
  for (const card of plan.cards) card.numbers = [...numbers].filter(([proxy]) => card.proxies.includes(proxy)).flatMap(([, of]) => of);
  drawGraph(svg, plan, chosen, choose);
  drawSummary(at("said"), state);
  drawSwitch(at("baggage"), state);
  drawEndpoints(at("endpoints"), state, (wanted) => turn("/endpoint", wanted));
  drawTable(at("rows"), state, choose);
  showChosen();
}

/** Shows an edge; again, and it is shown no more. From the table, the reader is taken to it. */
function choose(id, goes = false) {
  chosen = chosen === id && !goes ? undefined : id;
  hopsShown = undefined;
  numbers = new Map();
  at("details-body").replaceChildren();
  show();
  if (!chosen) return;
  lookAtHops();
  const { top } = at("details").getBoundingClientRect();
  if (top < 0 || top > innerHeight - 160) at("details").scrollIntoView();
  if (goes) at("details").focus({ preventScroll: true });
}

function showChosen() {
  const body = at("details-body");
  const edge = told.graph.edges.find((one) => one.id === chosen);
  if (!chosen) {
    say(at("details-title"), "Hops of an edge");
    if (!body.querySelector(".hint")) body.replaceChildren(at("hint").content.cloneNode(true));
    return;
  }
  const [source, destination] = chosen.split(">").map(parse);
  say(at("details-title"), `${source.name} → ${destination.name}`);
  if (!body.querySelector(".facts")) body.replaceChildren(make("dl", { class: "facts" }), make("div", { id: "hops", "aria-live": "off" }));
  const facts = body.querySelector(".facts");
  if (edge) drawFacts(facts, edge, state);
  else facts.replaceChildren(make("dt", {}, "Rate"), make("dd", {}, "the metrics no longer show this edge: there is no traffic now, or they no longer name both of its parties"));
}

async function lookAtHops() {
  const [source, destination] = chosen.split(">");
  const asked = chosen;
  const response = await fetch(`/hops?source=${encodeURIComponent(source)}&destination=${encodeURIComponent(destination)}`);
  if (!response.ok || asked !== chosen) return;
  const text = await response.text();
  // What has not changed stays, so that it can be read and marked.
  if (text === hopsShown) return;
  hopsShown = text;
  const ways = JSON.parse(text);
  at("hops").replaceChildren(...newHops(ways, state));
  numbers = new Map();
  ways.flatMap((way) => way.connects).forEach(({ answered }, index) => {
    if (answered) numbers.set(answered.proxy, [...(numbers.get(answered.proxy) ?? []), index + 1]);
  });
  show();
}

async function turn(path, wanted) {
  const response = await fetch(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(wanted) });
  if (!response.ok) say(at("said"), `The demo refuses: ${await response.text()}`);
  await look();
}

at("baggage").addEventListener("click", () => turn("/baggage", { on: !state.baggage }));
at("legs").addEventListener("click", () => {
  withLegs = !withLegs;
  at("legs").setAttribute("aria-pressed", String(withLegs));
  if (told) show();
});
addEventListener("resize", () => state && show());
follow();
