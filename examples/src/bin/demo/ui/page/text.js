const SVG = "http://www.w3.org/2000/svg";

/** An element with attributes and children; what is false or absent is left out. */
function make(name, attributes = {}, ...children) {
  return fill(document.createElement(name), attributes, children);
}

/** The same in SVG. */
function draw(name, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, name), attributes, children);
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== undefined && value !== false) element.setAttribute(name, value);
  }
  element.append(...children.flat().filter((child) => child !== undefined && child !== false));
  return element;
}

/** Sets what differs, so that what is read or focused is not disturbed. */
function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function number(value) {
  return value >= 100 ? String(Math.round(value)) : value >= 10 || value === 0 ? value.toFixed(0) : value.toFixed(1);
}

function bytes(value) {
  for (const unit of ["B", "KiB", "MiB"]) {
    if (value < 1000) return `${number(value)} ${unit}/s`;
    value /= 1024;
  }
  return `${number(value)} GiB/s`;
}

/** What a line is labelled with: requests where there are any, else connections, else bytes. */
function rate(of) {
  if (of.requests > 0) return `${number(of.requests)} req/s`;
  if (of.connections > 0) return `${number(of.connections)} conn/s`;
  return bytes(of.bytes);
}

function spokenRate(of) {
  if (of.requests > 0) return `${number(of.requests)} requests a second`;
  if (of.connections > 0) return `${number(of.connections)} connections a second`;
  return bytes(of.bytes).replace("/s", " a second");
}

function percent(share) {
  return `${Math.round(share * 100)} %`;
}

/** `cluster/namespace/workload`, or `unknown/network`. */
function parse(node) {
  const [first, second, third] = node.split("/");
  return third === undefined
    ? { unknown: true, network: second, name: "unknown", where: `as ${second} sees it` }
    : { unknown: false, cluster: first, namespace: second, name: third, where: `${second} · ${first}` };
}

/** Whether it begins or ends at a gateway or waypoint in the middle: a leg of the way of another edge. */
function isLeg(edge, picture) {
  const middle = picture.proxies.filter((proxy) => proxy.kind === "waypoint" || proxy.kind === "eastwest-gateway");
  return middle.map((proxy) => `${proxy.cluster}/${proxy.namespace}/${proxy.workload}`).some((node) => node === edge.source || node === edge.destination);
}

const isLost = (edge) => edge.missing.length > 0;
const short = (identity) => (identity === "unknown" ? "no identity seen" : identity.replace(/^spiffe:\/\/[^/]*\//, ""));
const KINDS = {
  "eastwest-gateway": "east-west gateway",
  "ingress-gateway": "ingress gateway",
  "node-proxy": "node proxy",
  waypoint: "waypoint",
};

const measuring = document.createElement("canvas").getContext("2d");

/** How wide a text is drawn. */
function widthOf(text, size, weight = 400) {
  measuring.font = `${weight} ${size}px ${getComputedStyle(document.body).fontFamily}`;
  return measuring.measureText(text).width;
}

/** A name in lines of at most this width, broken behind hyphens, dots and slashes. */
function lines(text, width, size, weight) {
  const parts = text.match(/[^-./]+[-./]*|[-./]+/g) ?? [text];
  const all = [""];
  for (const part of parts) {
    const longer = all.at(-1) + part;
    if (all.at(-1) === "" || widthOf(longer, size, weight) <= width) all[all.length - 1] = longer;
    else all.push(part);
  }
  return all;
}
