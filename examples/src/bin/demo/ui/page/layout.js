// Where everything is drawn. Wide: networks beside one another, two columns of cards in each, unknown parties between them. The pills
// of the lines that arrive at a column stand in a zone on its left, each as high as its card, and whatever passes by keeps to the
// gaps between cards there: so no line runs over a card or over another one's pill. Narrow: one column of cards, and lines in
// lanes of their own on its left.

const PILL = { height: 20, gap: 12 };
const PORT = 25;
const WIDE = { card: 166, stranger: 124, channel: 34, gap: 24, pad: 10, head: 28, strip: 248 };

/** Cards, frames and lines for a state, in a drawing of at least this width. */
function layout(state, width) {
  const cards = cardsOf(state);
  const byId = new Map(cards.map((card) => [card.id, card]));
  const edges = state.graph.edges
    .map((edge) => ({ edge, id: edge.id, from: byId.get(edge.source), to: byId.get(edge.destination), pill: briefRate(edge.rate) }))
    .filter((line) => line.from && line.to);
  for (const line of edges) line.pillWidth = Math.ceil(widthOf(line.pill, 11, isLost(line.edge) || fails(line.edge) ? 650 : 400)) + 16;
  return width < 860 ? narrow(state, cards, edges, width) : wide(state, cards, edges, width);
}

/** All that is drawn as a card: what the picture has, and whom the metrics name besides. */
function cardsOf(state) {
  const { picture, graph, conditions } = state;
  const networkOf = new Map(picture.networks.flatMap((network) => network.clusters.map((cluster) => [cluster.name, network.name])));
  const cards = new Map();
  const add = (card) => cards.has(card.id) || cards.set(card.id, card);
  for (const { cluster, namespace, name, identity } of picture.workloads) {
    const id = `${cluster}/${namespace}/${name}`;
    const proxy = picture.proxies.find((one) => one.kind === "node-proxy" && one.cluster === cluster && one.namespace === namespace && one.workload === name);
    const at = picture.endpoints.findIndex((one) => one.proxy === proxy?.name);
    const endpoint = at >= 0 && { ...picture.endpoints[at], ...conditions[at], ...graph.shares[at] };
    add({ id, name, identity: short(identity), cluster, network: networkOf.get(cluster), address: proxy?.address, proxies: proxy ? [proxy.name] : [], endpoint, column: endpoint ? 1 : 0, rank: endpoint ? 1 : 0 });
  }
  for (const { name: proxy, kind, cluster, namespace, workload, address } of picture.proxies) {
    if (kind === "node-proxy") continue;
    const network = networkOf.get(cluster);
    const first = picture.networks[0]?.name === network;
    const column = kind !== "ingress-gateway" && first ? 1 : 0;
    add({ id: `${cluster}/${namespace}/${workload}`, name: workload, kind, address, cluster, network, proxies: [proxy], column, rank: kind === "ingress-gateway" ? 1 : 2 });
  }
  for (const id of graph.edges.flatMap((edge) => [edge.source, edge.destination])) {
    const { unknown, network, name, cluster, where } = parse(id);
    if (unknown) add({ id, name, unknown, where, seenBy: network, proxies: [] });
    else add({ id, name, cluster, network: networkOf.get(cluster), other: true, where, proxies: [], column: 0, rank: 3 });
  }
  const all = [...cards.values()];
  for (const card of all) if (!card.network) card.unknown = true;
  return all.sort((a, b) => (a.rank ?? 0) - (b.rank ?? 0));
}

/** The texts of a card of this width, and how high it is at least. */
function compose(card, width) {
  const inner = width - 24;
  const text = [];
  const put = (value, size, kind, weight) => {
    for (const line of lines(value, inner, size, weight)) text.push({ line, size, kind });
  };
  if (card.kind) put(KINDS[card.kind], 11, "kind");
  const name = card.unknown && !card.where.includes("·") ? "? unknown" : card.name;
  put(name, 13, "name", 650);
  if (card.where) put(card.where, 11, "quiet");
  if (card.identity) put(card.identity, 11, "quiet");
  if (card.address) put(card.kind ? card.address : `node proxy ${card.address.replace(/:\d+$/, "")}`, 11, "quiet");
  let y = 7;
  for (const one of text) {
    y += one.size + 4;
    one.y = y - 2;
  }
  if (card.endpoint) {
    // Behind the name if there is room, else below everything.
    const line = condition(card.endpoint);
    const beside = text[0].kind === "name" && widthOf(name, 13, 650) + widthOf(line, 11, 650) + 8 <= inner;
    text.push({ line, kind: "state quiet", end: true, y: beside ? text[0].y : (y += 15) - 2 });
  }
  card.text = text;
  card.w = width;
  card.bar = card.endpoint && { y: y + 5, width: inner };
  card.h = y + (card.bar ? 16 : 9);
}

function condition({ stopped, slow, share }) {
  return (stopped ? "stopped " : slow ? "slow " : "") + percent(share);
}

function wide(state, cards, edges, width) {
  const { card, stranger, channel, gap, pad, head } = WIDE;
  const zone = zoneFor(edges);
  const gutter = zone + channel;
  const networks = state.picture.networks.map((network) => ({ ...network, x: 0, y: 0 }));
  // Whoever stands on the left of a network has pills before him, too, if anybody calls him.
  const called = networks.map(({ name }) => edges.some(({ to }) => to.column === 0 && to.network === name));
  const lead = called[0] ? gutter : 0;
  const strip = Math.max(WIDE.strip, (called.slice(1).includes(true) ? 2 : 1) * zone + stranger);
  const natural = lead + networks.length * (2 * card + gutter + 4 * pad) + Math.max(0, networks.length - 1) * strip;
  const spare = Math.max(0, width - natural) / Math.max(1, 2 * networks.length - 1);
  for (const one of cards) compose(one, one.unknown ? stranger : card);
  for (const one of cards) {
    const arriving = edges.filter((line) => line.to === one).length;
    const leaving = edges.filter((line) => line.from === one).length;
    one.h = Math.max(one.h, Math.max(arriving * PORT, leaving * 8) + 10);
  }
  const stackHeight = (column) => column.reduce((sum, one) => sum + one.h + gap, -gap);
  const columnsOf = (cluster) => [0, 1].map((column) => cards.filter((one) => one.cluster === cluster.name && !one.unknown && one.column === column));
  for (const network of networks) {
    network.inner = network.clusters.map((cluster) => ({ ...cluster, columns: columnsOf(cluster) }));
    for (const cluster of network.inner) cluster.h = Math.max(60, ...cluster.columns.map(stackHeight)) + 2 * pad + head;
    network.h = network.inner.reduce((sum, cluster) => sum + cluster.h + pad, pad + head);
  }
  const strangers = cards.filter((one) => one.unknown);
  const height = Math.max(380, ...networks.map((network) => network.h), stackHeight(strangers) + 40);
  const frames = [];
  let x = 0;
  for (const [index, network] of networks.entries()) {
    const before = index === 0 ? lead : 0;
    const w = before + 2 * card + gutter + spare + 4 * pad;
    const odd = index % 2 === 1;
    frames.push({ network: true, name: network.name, x, y: 0, w, h: height, odd });
    const extra = (height - network.h) / network.inner.length;
    let y = head;
    for (const cluster of network.inner) {
      const h = cluster.h + extra;
      frames.push({ name: cluster.name, x: x + pad, y, w: w - 2 * pad, h, odd });
      cluster.columns.forEach((column, at) => stack(column, x + before + 2 * pad + at * (card + gutter + spare), y + head, h - head - pad));
      y += h + pad;
    }
    x += w + (index < networks.length - 1 ? strip + spare : 0);
  }
  // Unknown parties stand between the first two networks, or behind the only one.
  const first = frames.find((frame) => frame.network);
  const room = networks.length > 1 ? strip + spare : stranger + 2 * gutter;
  stack(strangers, (first?.w ?? 0) + (called[1] ? zone : Math.max(zone, (room - stranger) / 2 + 24)), 0, height);
  if (networks.length === 1 && strangers.length > 0) x += room;
  connect(edges, cards, height, zone);
  return { width: Math.max(x, width), height, frames, cards, edges };
}

/** How wide the zone of pills before a column is: in large steps, so that nothing moves whenever a rate gets another digit. */
function zoneFor(edges) {
  const widest = Math.max(0, ...edges.map((line) => line.pillWidth));
  return Math.max(96, Math.ceil((PILL.gap + widest + 10) / 16) * 16);
}

/** Puts cards below one another, spread over a height. */
function stack(column, x, y, height) {
  const used = column.reduce((sum, one) => sum + one.h, 0);
  const between = Math.max(WIDE.gap, Math.min(64, (height - used) / (column.length + 1)));
  let at = y + (height - used - between * (column.length - 1)) / 2;
  for (const one of column) {
    one.x = x;
    one.y = at;
    at += one.h + between;
  }
}

/** Lines from one card to the left of another, around what stands between and around the pills before it. */
function connect(edges, cards, height, zone) {
  const arriving = new Set(edges.map((line) => line.to.x));
  const bands = bandsOf(cards, (card) => (arriving.has(card.x) ? zone : 10));
  const back = (line) => line.to.x <= line.from.x;
  ports(edges.filter((line) => !back(line)), "from", (line) => line.to.y + line.to.h / 2, 12);
  ports(edges, "to", (line) => line.from.y + line.from.h / 2, PORT);
  const turns = new Map();
  for (const line of [...edges].sort((a, b) => (a.fromY ?? a.from.y) - (b.fromY ?? b.from.y))) {
    const end = { x: line.to.x, y: line.toY };
    const stop = { x: end.x - PILL.gap - line.pillWidth, y: end.y };
    if (back(line)) {
      const turn = turns.get(line.to.x) ?? 0;
      turns.set(line.to.x, turn + 1);
      line.path = rounded(wayBack(line, bands, height, turn));
    } else {
      const start = { x: line.from.x + line.from.w, y: line.fromY };
      const between = bands.filter((band) => band.left >= start.x && band.right <= line.to.x);
      line.path = curve([start, ...detours(line, start, between, height), { x: end.x - zone, y: end.y }]) + `H${end.x - 6}`;
    }
    place(line, stop, end);
  }
}

/** The columns, each with the zone on its left; what overlaps is one. */
function bandsOf(cards, zoneOf) {
  const bands = [];
  for (const card of [...cards].sort((a, b) => a.x - b.x)) {
    const [left, right] = [card.x - zoneOf(card), card.x + card.w + 10];
    const last = bands.at(-1);
    if (last && left < last.right) {
      last.right = Math.max(last.right, right);
      last.cards.push(card);
    } else {
      bands.push({ left, right, cards: [card], taken: [] });
    }
  }
  return bands;
}

/** From above or below a card through the gaps to the left, to where the pills of the other one's column begin. */
function wayBack(line, bands, height, turn) {
  const { from, to, toY } = line;
  const goesUp = toY < from.y + from.h / 2;
  const x = from.x + 16 + (turn % 8) * 12;
  const points = [{ x, y: goesUp ? from.y : from.y + from.h }];
  const passed = bands.filter((band) => band.left < x && band.right > to.x).reverse();
  let y = goesUp ? from.y - 12 : from.y + from.h + 12;
  let left = x;
  for (const band of passed) {
    // The first gap is the one beside the card itself, however full it is.
    y = passage(band, y, left === x ? 8 : height, height);
    points.push({ x: Math.min(left, band.right), y }, { x: band.left, y });
    left = band.left;
  }
  const channel = left - 4 - (turn % 4) * 5;
  return [...points, { x: channel, y }, { x: channel, y: toY }, { x: to.x - 6, y: toY }];
}

/** Where on a card its lines begin or end, in the order of where they lead. */
function ports(edges, end, order, most) {
  for (const card of new Set(edges.map((line) => line[end]))) {
    const own = edges.filter((line) => line[end] === card).sort((a, b) => order(a) - order(b));
    const step = Math.min(most, (card.h - 10) / own.length);
    own.forEach((line, index) => {
      line[`${end}Y`] = card.y + card.h / 2 + (index - (own.length - 1) / 2) * step;
    });
  }
}

/** Points at which a line passes the columns between its ends. */
function detours(line, start, between, height) {
  const points = [];
  let y = start.y;
  for (const band of between) {
    const wanted = y + ((line.toY - y) * (band.left - start.x)) / (line.to.x - start.x);
    y = passage(band, wanted, height, height);
    points.push({ x: band.left, y }, { x: band.right, y });
  }
  return points;
}

/** The height within reach of the wanted one at which a line passes a column between its cards, and apart from other lines if there is room. */
function passage(band, wanted, reach, height) {
  const clear = (at, room) =>
    band.cards.every((card) => at < card.y - 4 || at > card.y + card.h + 4) && band.taken.every((other) => Math.abs(other - at) >= room);
  for (const room of [6, 3, 0]) {
    for (let step = 0; step <= reach; step += 1) {
      const found = [wanted - step, wanted + step].find((at) => at > 36 && at < height - 22 && clear(at, room));
      if (found === undefined) continue;
      band.taken.push(found);
      return found;
    }
  }
  return wanted;
}

/** A line through points that is level at each of them. */
function curve(points) {
  let path = `M${points[0].x} ${points[0].y}`;
  for (let index = 1; index < points.length; index += 1) {
    const [p, q] = [points[index - 1], points[index]];
    const reach = (q.x - p.x) / 2;
    path += p.y === q.y ? `H${q.x}` : `C${p.x + reach} ${p.y} ${q.x - reach} ${q.y} ${q.x} ${q.y}`;
  }
  return path;
}

/** A line along points, with round corners. */
function rounded(points) {
  const kept = points.filter((p, index) => index === 0 || p.x !== points[index - 1].x || p.y !== points[index - 1].y);
  let path = `M${kept[0].x} ${kept[0].y}`;
  for (let index = 1; index < kept.length - 1; index += 1) {
    const [before, corner, after] = kept.slice(index - 1, index + 2);
    const near = (end) => {
      const long = Math.hypot(end.x - corner.x, end.y - corner.y);
      const share = Math.min(8, long / 2) / long;
      return `${corner.x + (end.x - corner.x) * share} ${corner.y + (end.y - corner.y) * share}`;
    };
    path += `L${near(before)}Q${corner.x} ${corner.y} ${near(after)}`;
  }
  const last = kept.at(-1);
  return path + `L${last.x} ${last.y}`;
}

function place(line, stop, end) {
  line.label = { x: stop.x, y: end.y - PILL.height / 2, w: line.pillWidth, h: PILL.height };
  line.head = `M${end.x} ${end.y}l-9 -5v10z`;
}

function narrow(state, cards, edges, width) {
  const pad = 8;
  const head = 24;
  const networks = state.picture.networks.map((network) => network.name);
  const strangers = cards.filter((one) => one.unknown);
  const order = [];
  for (const [index, network] of networks.entries()) {
    order.push(...cards.filter((one) => one.network === network && !one.unknown).sort((a, b) => index === 0 ? a.rank - b.rank : b.rank - a.rank));
    if (index === 0) order.push(...strangers);
  }
  order.forEach((card, index) => (card.at = index));
  const count = lanes(edges);
  const widest = Math.max(0, ...edges.map((line) => line.pillWidth));
  const step = Math.min(8, 64 / Math.max(1, count));
  const left = 2 * pad + 4 + count * step + widest + PILL.gap + 4;
  const frames = [];
  let y = 0;
  let frame;
  for (const card of order) {
    const network = card.unknown ? undefined : card.network;
    if (frame?.name !== network) {
      if (frame?.network) y += pad;
      frame = { name: network, network: network !== undefined, x: 0, y, w: width, odd: networks.indexOf(network) % 2 === 1 };
      if (network !== undefined) {
        frames.push(frame);
        const clusters = state.picture.networks.find((one) => one.name === network).clusters.map((one) => one.name);
        frame.left = left;
        frame.note = clusters.join(", ");
        y += head;
      }
    }
    compose(card, width - left - 2 * pad);
    const arriving = edges.filter((line) => line.to === card);
    const leaving = edges.filter((line) => line.from === card);
    card.h = Math.max(card.h, arriving.length * 23 + leaving.length * 8 + 8);
    card.x = left;
    card.y = y;
    arriving.forEach((line, index) => (line.toY = y + 15 + index * 23));
    leaving.forEach((line, index) => (line.fromY = y + card.h - 8 - index * 8));
    y += card.h + pad + 2;
    if (frame.network) frame.h = y - frame.y;
  }
  for (const line of edges) {
    const x = pad + 6 + line.lane * step;
    const end = { x: left, y: line.toY };
    const stop = { x: end.x - PILL.gap - line.pillWidth, y: end.y };
    const turn = line.toY > line.fromY ? 5 : -5;
    line.path = `M${left} ${line.fromY}H${x + 5}Q${x} ${line.fromY} ${x} ${line.fromY + turn}V${line.toY - turn}Q${x} ${line.toY} ${x + 5} ${line.toY}H${end.x - 6}`;
    place(line, stop, end);
  }
  return { width, height: y + 2, frames, cards: order, edges };
}

/** Gives each line the first lane in which no other runs beside it; the number of lanes. */
function lanes(edges) {
  const taken = [];
  const span = (line) => [Math.min(line.from.at, line.to.at), Math.max(line.from.at, line.to.at)];
  const length = (line) => span(line)[1] - span(line)[0];
  for (const line of [...edges].sort((a, b) => length(a) - length(b))) {
    const [low, high] = span(line);
    const free = taken.findIndex((lane) => lane.every(([from, to]) => high < from || low > to));
    line.lane = free < 0 ? taken.length : free;
    (taken[line.lane] ??= []).push([low, high]);
  }
  // The shortest stand nearest to the cards.
  for (const line of edges) line.lane = taken.length - 1 - line.lane;
  return taken.length;
}
