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

/** Requests and connections where there are any, else bytes. */
function rate(of) {
  const counted = [of.requests > 0 && `${number(of.requests)} req`, of.connections > 0 && `${number(of.connections)} conn`].filter(Boolean);
  return counted.length > 0 ? `${counted.join(" + ")}/s` : bytes(of.bytes);
}

/** What a line is labelled with: where there are both, there is no room to say that requests come first and connections second. */
function briefRate(of) {
  return of.requests > 0 && of.connections > 0 ? `${number(of.requests)} + ${number(of.connections)}/s` : rate(of);
}

function spokenRate(of) {
  const counted = [of.requests > 0 && `${number(of.requests)} requests`, of.connections > 0 && `${number(of.connections)} connections`].filter(Boolean);
  return counted.length > 0 ? `${counted.join(" and ")} a second` : bytes(of.bytes).replace("/s", " a second");
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

/** Whether all calls fail: then nobody is there who could tell who it is. */
const fails = ({ rate }) => rate.failed > 0 && rate.failed >= 0.99 * (rate.requests + rate.connections);
const isLost = (edge) => edge.missing.length > 0 && !fails(edge);
const acrossOrInside = (edge) => (edge.crosses_networks === null ? "unknown" : edge.crosses_networks ? "across" : "inside");
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
