// What stands in words: the sentence above the graph, the hops of an edge, the endpoints, the table.

/** What is to be known at a glance; it is read out when it changes. */
function drawSummary(said, state) {
  const { edges } = state.graph;
  const lost = edges.filter(isLost).length;
  const failing = edges.filter(fails).length;
  const stopped = state.picture.endpoints.filter((_, index) => state.conditions[index].stopped).map(({ proxy }) => proxy);
  const silent = state.silent.map(({ proxy }) => proxy).filter((proxy) => !stopped.includes(proxy)).join(", ");
  const many = (count) => (count === 1 ? "1 edge" : `${count} edges`);
  let text = "No traffic has been counted yet.";
  if (edges.length > 0 && lost === 0) text = failing > 0 ? `${many(edges.length)}.` : `${many(edges.length)}, and every one knows both of its parties.`;
  if (lost > 0) text = `${many(lost)} of ${edges.length} ${lost === 1 ? "has" : "have"} an unknown party${state.baggage ? "" : ": with baggage off, answers carry none and nobody heeds that of requests, and across networks nothing else says who is at the other end"}.`;
  if (failing > 0) text += ` On ${many(failing)} every call fails.`;
  if (silent !== "") text += ` Not answering: ${silent}.`;
  if (state.settling) text += " A switch was turned just now, and what was counted before is still in the picture.";
  said.classList.toggle("lost", lost > 0 || failing > 0 || silent !== "");
  say(said, text);
}

function drawSwitch(button, state) {
  button.disabled = false;
  button.setAttribute("aria-checked", String(state.baggage));
  say(button.querySelector("strong"), state.baggage ? "on" : "off");
}

/** Each endpoint, its share, and its two switches. `turn` is called with what it is to be. */
function drawEndpoints(list, state, turn) {
  state.picture.endpoints.forEach((endpoint, index) => {
    const now = { ...state.conditions[index], ...state.graph.shares[index] };
    const item = list.children[index] ?? list.appendChild(newEndpoint(endpoint));
    const [words, buttons] = item.children;
    item.className = `endpoint${now.stopped ? " stopped" : now.slow ? " slow" : ""}`;
    item.dataset.share = now.share;
    const what = [now.stopped && "stopped", now.slow && "slow", `${percent(now.share)} of ${endpoint.service.split(".")[0]}`, `${rate(now.rate)}`];
    say(words.querySelector(".what"), what.filter(Boolean).join(" · "));
    words.querySelector(".meter div").style.width = `${now.share * 100}%`;
    const [stop, slow] = buttons.children;
    say(stop, now.stopped ? "Start" : "Stop");
    stop.setAttribute("aria-label", `${now.stopped ? "Start" : "Stop"} ${endpoint.name}`);
    stop.onclick = () => turn({ name: endpoint.name, stopped: !now.stopped });
    say(slow, now.slow ? "Speed up" : "Slow");
    slow.setAttribute("aria-label", `${now.slow ? "Speed up" : "Slow"} ${endpoint.name}`);
    slow.onclick = () => turn({ name: endpoint.name, slow: !now.slow });
  });
}

function newEndpoint(endpoint) {
  const words = make("div", {}, make("div", { class: "name" }, endpoint.name), make("div", { class: "what" }), make("div", { class: "meter", "aria-hidden": "true" }, make("div")));
  const buttons = make("div", { class: "buttons" }, make("button", { type: "button" }), make("button", { type: "button" }));
  return make("li", { "data-endpoint": endpoint.name }, words, buttons);
}

/** The graph in words. */
function drawTable(body, state, choose) {
  const rows = new Map([...body.children].map((row) => [row.dataset.edge, row]));
  const edges = [...state.graph.edges].sort((a, b) => a.id.localeCompare(b.id));
  edges.forEach((edge, index) => {
    const row = rows.get(edge.id) ?? newRow(edge, choose);
    rows.delete(edge.id);
    if (body.children[index] !== row) body.insertBefore(row, body.children[index] ?? null);
    const [from, to, networks, much, size, failed, took, by] = row.children;
    drawParty(from, edge.source, edge.source_principals);
    drawParty(to, edge.destination, edge.destination_principals);
    say(networks, acrossOrInside(edge));
    say(much, rate(edge.rate));
    say(size, bytes(edge.rate.bytes));
    say(failed, edge.rate.failed > 0 ? `${number(edge.rate.failed)}/s${fails(edge) ? ", all" : ""}` : "none");
    say(took, edge.rate.milliseconds === null ? "–" : `${number(edge.rate.milliseconds)} ms`);
    say(by, Object.keys(edge.reporters).join(", "));
  });
  for (const row of rows.values()) row.remove();
}

function newRow(edge, choose) {
  const [from, to] = [parse(edge.source), parse(edge.destination)];
  const label = `Hops from ${from.name} to ${to.name}`;
  const cells = Array.from({ length: 7 }, () => make("td"));
  const button = make("button", { type: "button", "aria-label": label, onclick: () => choose(edge.id, true) }, "Show");
  return make("tr", { "data-edge": edge.id }, make("th", { scope: "row" }), ...cells, make("td", {}, button));
}

function drawParty(cell, node, principals) {
  const { name, where, unknown } = parse(node);
  cell.classList.toggle("lost", unknown);
  if (cell.childElementCount === 0) cell.append(make("span"), make("small"), make("small"));
  const [title, place, identity] = cell.children;
  say(title, unknown ? "? unknown" : name);
  say(place, where);
  say(identity, principals.map(short).join(", "));
}

/** What an edge is, before its hops. */
function drawFacts(facts, edge, state) {
  const named = (reporter) => `${reporter.proxies.join(", ")} (${rate(reporter.rate)})`;
  const rows = [
    ["Rate", [rate(edge.rate), bytes(edge.rate.bytes), edge.rate.failed > 0 && `${number(edge.rate.failed)} failed/s`, edge.rate.milliseconds !== null && `${number(edge.rate.milliseconds)} ms`].filter(Boolean).join(" · ")],
    ["Service", edge.services.join(", ")],
    ["Source", edge.source_principals.join(", ")],
    ["Destination", edge.destination_principals.join(", ")],
    ...Object.entries(edge.reporters).map(([place, reporter]) => [`As ${place}`, named(reporter)]),
    fails(edge) && ["Failing", "every call: none came to an end that could name itself", "lost"],
    isLost(edge) && ["Unknown", edge.missing.join(", "), "lost"],
  ].filter(Boolean);
  while (facts.children.length > 2 * rows.length) facts.lastChild.remove();
  rows.forEach(([name, value, kind], index) => {
    if (!facts.children[2 * index]) facts.append(make("dt"), make("dd"));
    say(facts.children[2 * index], name);
    const cell = facts.children[2 * index + 1];
    say(cell, value);
    cell.className = kind ?? "";
  });
}

/** The CONNECTs of the latest connection, in the order of the way. */
function newHops(ways, state) {
  const connects = ways.flatMap((way) => way.connects);
  if (connects.length === 0) return [make("p", { class: "hint" }, "No CONNECT of this edge has been seen; what is plain TCP has none.")];
  return [make("ol", {}, connects.map((connect, index) => newConnect(connect, index + 1, state)))];
}

function newConnect({ asked, answered, is_older }, count, state) {
  const title = (hop) => (hop ? proxyTitle(hop.proxy, state) : "a proxy that did not tell");
  const known = asked ?? answered;
  const position = (asked ?? answered).position;
  const same = (of) => asked && answered && JSON.stringify(asked[of]) === JSON.stringify(answered[of]);
  const headers = (name, of, sender, receiver) => {
    if (same(of)) return [[name, newFields(asked[of])]];
    return [sender && [`${name} sent`, newFields(sender[of])], receiver && [`${name} received`, newFields(receiver[of])]].filter(Boolean);
  };
  const rows = [
    ["Authority", make("code", {}, known.authority)],
    ["Status", String(known.status || "none")],
    asked && ["TLS proved the server", make("code", {}, asked.peer || "nobody")],
    answered && ["TLS proved the client", make("code", {}, answered.peer || "nobody")],
    ...headers("Request", "request", asked, answered),
    ...headers("Answer", "response", answered, asked),
  ].filter(Boolean);
  const kind = position ? `${position} CONNECT` : "CONNECT";
  return make("li", { class: "connect" },
    make("h3", {}, make("span", { class: "number" }, String(count)), make("span", {}, `${kind}: ${title(asked)} → ${title(answered)}${is_older ? " (there since an earlier connection)" : ""}`)),
    make("dl", { class: "facts" }, rows.flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value)])));
}

/** Header lines; the members of a baggage below one another. */
function newFields(fields) {
  if (fields.length === 0) return "no headers";
  return make("ul", { class: "fields" }, fields.flatMap(([name, value]) => {
    const members = name === "baggage" ? value.split(",") : [value];
    return members.map((member) => make("li", {}, make("code", {}, make("span", { class: "key-name" }, `${name}: `), member.trim())));
  }));
}

function proxyTitle(name, state) {
  const proxy = state.picture.proxies.find((one) => one.name === name);
  if (!proxy) return name;
  return proxy.kind === "node-proxy" ? `node proxy of ${proxy.workload}` : `${KINDS[proxy.kind]} ${proxy.workload}`;
}
