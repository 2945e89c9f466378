// Numbers, types and elements as the page shows them.
"use strict";

const byId = id => document.getElementById(id);
const NS = "http://www.w3.org/2000/svg";

/** Three significant digits and a decimal prefix: `1.23 GFLOP`. */
function amount(value, unit) {
  const prefixes = ["", "k", "M", "G", "T", "P"];
  let i = 0;
  while (value >= 999.5 && i < prefixes.length - 1) { value /= 1000; i++; }
  return `${i ? Number(value.toPrecision(3)) : Math.round(value)} ${prefixes[i]}${unit}`.trimEnd();
}

/** `4.39 s`, `12.3 ms`, `6.7 µs`. */
function duration(seconds) {
  const [scale, unit] = seconds >= 0.9995 ? [1, "s"] : seconds >= 0.9995e-3 ? [1e3, "ms"] : [1e6, "µs"];
  return `${Number((seconds * scale).toPrecision(3))} ${unit}`;
}

const percent = part => `${Number((100 * part).toPrecision(part < 0.1 ? 2 : 3))} %`;

/** `256×28×28×64`, after the dtype unless it is float32; `scalar` for a number. */
function shapeOf(type) {
  const dtype = type.slice(0, type.indexOf("[")), dims = type.slice(type.indexOf("[") + 1, -1).replaceAll(",", "×");
  return dtype === "float32" ? dims || "scalar" : `${dtype} ${dims || "scalar"}`;
}

/** An SVG element in `parent`. */
function draw(name, attributes, parent, text) {
  const element = document.createElementNS(NS, name);
  for (const key in attributes) element.setAttribute(key, attributes[key]);
  if (text !== undefined) element.textContent = text;
  parent?.appendChild(element);
  return element;
}

/** An HTML element in `parent`; its text may break after a slash and a times sign. */
function add(name, parent, text, className) {
  const element = document.createElement(name);
  if (text !== undefined) setText(element, String(text));
  if (className) element.className = className;
  parent.appendChild(element);
  return element;
}

function setText(element, text) {
  const parts = element.localName === "pre" ? [text] : text.split(/(?<=[/×])/);
  element.replaceChildren(...parts.flatMap((part, i) => i ? [document.createElement("wbr"), part] : [part]));
}

const ruler = document.createElement("canvas").getContext("2d");
function widthOf(text, size, bold) {
  ruler.font = `${bold ? "600 " : ""}${size}px system-ui, "Segoe UI", Helvetica, Arial, sans-serif`;
  return ruler.measureText(text).width;
}

/** The bytes behind a base64 text that holds raw deflate. */
async function inflate(text) {
  const bytes = Uint8Array.fromBase64?.(text) ?? Uint8Array.from(atob(text), c => c.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** The bytes in an element of the page. */
const packed = id => inflate(byId(id).textContent);

/** The data in an element of the page. */
const unpacked = async id => JSON.parse(new TextDecoder().decode(await packed(id)));
