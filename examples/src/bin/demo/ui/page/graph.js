// The drawing. Lines and cards keep their elements from one state to the next, so that focus and animation go on.

const kept = new Map();

/** Draws a layout; `choose` is called with the id of an edge. */
function drawGraph(svg, plan, chosen, choose) {
  svg.setAttribute("viewBox", `-1 -1 ${plan.width + 2} ${plan.height + 2}`);
  const groups = ["frames", "edges", "cards"].map((name) => layer(svg, name));
  groups[0].replaceChildren(...plan.frames.flatMap(drawFrame));
  keep(groups[1], plan.edges, (line) => newEdge(line, choose), updateEdge);
  keep(groups[2], plan.cards, () => draw("g"), updateCard);
  for (const line of plan.edges) {
    const group = kept.get(`edges ${line.id}`);
    group.classList.toggle("chosen", line.id === chosen);
    group.setAttribute("aria-pressed", String(line.id === chosen));
  }
  svg.classList.toggle("choice", plan.edges.some((line) => line.id === chosen));
}

function layer(svg, name) {
  return svg.querySelector(`:scope > .${name}`) ?? svg.appendChild(draw("g", { class: name, role: name === "edges" ? "group" : undefined, "aria-label": name === "edges" ? "Edges" : undefined, "aria-hidden": name === "edges" ? undefined : "true" }));
}

function keep(group, items, create, update) {
  const name = group.classList[0];
  const present = new Set();
  for (const item of items) {
    const key = `${name} ${item.id}`;
    present.add(key);
    let element = kept.get(key);
    if (!element) {
      element = create(item);
      kept.set(key, element);
      group.append(element);
    }
    update(element, item);
  }
  for (const [key, element] of kept) {
    if (key.startsWith(`${name} `) && !present.has(key)) {
      element.remove();
      kept.delete(key);
    }
  }
}

function drawFrame(frame) {
  const odd = frame.odd ? " odd" : "";
  const box = draw("rect", { class: (frame.network ? "network" : "cluster") + odd, x: frame.x, y: frame.y, width: frame.w, height: frame.h, rx: frame.network ? 12 : 8 });
  const name = draw("text", { class: frame.network ? "place" : "quiet", x: frame.left ?? frame.x + 12, y: frame.y + (frame.network ? 19 : 17) }, frame.name);
  const note = frame.note && draw("text", { class: "quiet", x: frame.x + frame.w - 12, y: frame.y + 18, "text-anchor": "end" }, frame.note);
  return [box, name, note].filter(Boolean);
}

function newEdge(line, choose) {
  const pressed = (event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    choose(line.id);
  };
  const parts = ["path.reach", "path.line", "path.flow", "path.head", "rect.pill", "text.label"].map((part) => {
    const [name, kind] = part.split(".");
    return draw(name, { class: kind, rx: name === "rect" ? PILL.height / 2 : undefined });
  });
  const button = draw("g", { role: "button", tabindex: "0", class: "edge", "data-edge": line.id, onclick: () => choose(line.id), onkeydown: pressed }, draw("title"), parts);
  return button;
}

function updateEdge(group, line) {
  const { edge, label } = line;
  const [title, reach, path, flow, head, pill, text] = group.children;
  const [from, to] = [parse(edge.source), parse(edge.destination)];
  const lost = isLost(edge);
  const kind = fails(edge) ? "failing" : lost ? "lost" : edge.crosses_networks ? "across" : "inside";
  for (const one of ["failing", "lost", "across", "inside"]) group.classList.toggle(one, one === kind);
  const nature = { failing: "every call fails", lost: "a party is unknown", across: "across networks", inside: "inside a network" }[kind];
  const spoken = `${from.name} to ${to.name}, ${spokenRate(edge.rate)}, ${nature}`;
  if (group.getAttribute("aria-label") !== spoken) group.setAttribute("aria-label", spoken);
  say(title, spoken);
  for (const one of [reach, path, flow]) one.setAttribute("d", line.path);
  head.setAttribute("d", line.head);
  for (const [name, value] of [["x", label.x], ["y", label.y], ["width", label.w], ["height", label.h]]) pill.setAttribute(name, value);
  text.setAttribute("x", label.x + label.w / 2);
  text.setAttribute("y", label.y + 14);
  say(text, line.pill);
}

function updateCard(group, card) {
  const { x, y, w, h } = card;
  const shape = card.kind
    ? draw("path", { d: `M${x + 9} ${y}h${w - 18}l9 9v${h - 18}l-9 9h${18 - w}l-9 -9v${18 - h}z` })
    : draw("rect", { x, y, width: w, height: h, rx: card.unknown ? 0 : 9 });
  const lowest = Math.max(...card.text.map((one) => one.y));
  const top = y + (h - (lowest + (card.bar ? 18 : 8))) / 2;
  const texts = card.text.map(({ line, kind, end, y: at }) =>
    draw("text", { class: kind, x: end ? x + w - 12 : x + 12, y: top + at, "text-anchor": end && "end" }, line));
  const bars = card.bar && [
    draw("rect", { class: "bar", x: x + 12, y: top + card.bar.y, width: card.bar.width, height: 5, rx: 2.5 }),
    draw("rect", { class: "share", x: x + 12, y: top + card.bar.y, width: card.bar.width * card.endpoint.share, height: 5, rx: 2.5 }),
  ];
  const badges = (card.numbers ?? []).map((value, index) =>
    draw("g", { class: "badge" }, draw("circle", { cx: x + w - 12 - index * 22, cy: y, r: 9 }), draw("text", { x: x + w - 12 - index * 22, y: y + 4 }, value)));
  const state = card.endpoint?.stopped ? " stopped" : card.endpoint?.slow ? " slow" : "";
  group.setAttribute("class", `card${card.kind ? " proxy" : ""}${card.unknown ? " unknown" : ""}${state}${badges.length > 0 ? " on-way" : ""}`);
  group.setAttribute("data-node", card.id);
  group.replaceChildren(shape, ...texts, ...(bars || []), ...badges);
}
