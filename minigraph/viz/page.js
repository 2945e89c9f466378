const data = JSON.parse(document.getElementById("data").textContent);
const byId = id => document.getElementById(id);
const svg = byId("graph");
const NS = "http://www.w3.org/2000/svg";
const LONG = 32;  // letters of a name and an operation beyond which the operation gets lines of its own
const MANY = 3;  // arrows of one kind at one box, beyond which writes, and orders between all of two sets, hide
const GAP = 18, RISE = 34, PAD = 12, HEAD = 20;  // between boxes, between layers, inside a frame, a frame's title
const state = { stage: 0, changes: false, times: true, query: "", folded: new Set(data.folded), at: -1, picked: null };
let view = { x: 0, y: 0, w: 100, h: 100 };
let scene = null;

// numbers and names

const add = (a, b) => a === null ? b : b === null ? a : a + b;

function amount(value, unit) {
  const prefixes = ["", "k", "M", "G", "T", "P"];
  let i = 0;
  while (value >= 999.5 && i < prefixes.length - 1) { value /= 1000; i++; }
  return (i ? Number(value.toPrecision(3)) : value) + " " + prefixes[i] + unit;
}

function shapeOf(type) {
  const [dtype, rest] = [type.slice(0, type.indexOf("[")), type.slice(type.indexOf("[") + 1, -1)];
  const dims = rest.replaceAll(",", "×");
  return !dims ? "" : dtype === "float32" ? dims : dtype + " " + dims;
}

function costs(box, withTime = true) {
  const lines = [];
  if (withTime && box.seconds !== null && timed()) lines.push(milliseconds(box.seconds));
  if (box.count > 1 && !box.parameters) lines.push(box.count + " operations");
  if (["parameter", "state", "input", "constant"].includes(box.kind) && box.types.length)
    lines.push(shapeOf(box.types[0]) || box.types[0].split("[")[0] + " scalar");
  if (box.parameters) lines.push(box.parameters.toLocaleString("en") + " parameter" + (box.parameters > 1 ? "s" : ""));
  const parts = [];
  if (box.flops) parts.push((box.partial ? "≥ " : "") + amount(box.flops, "FLOP"));
  if (box.bytes) parts.push(amount(box.bytes, "B"));
  if (parts.length) lines.push(parts.join(", "));
  if (box.added || box.removed) lines.push("+" + box.added + " -" + box.removed);
  return lines;
}

/** `A+B+C…` in lines of about 40 letters. */
function wrap(op) {
  const lines = [""];
  for (const part of op.split(/(?<=\+)/)) {
    if (lines.at(-1) && (lines.at(-1) + part).length > 40) lines.push("");
    lines[lines.length - 1] += part;
  }
  return lines;
}

const ruler = document.createElement("canvas").getContext("2d");
function width(text, size, bold) {
  ruler.font = (bold ? "bold " : "") + size + "px Helvetica, Arial, sans-serif";
  return ruler.measureText(text).width;
}

// drawing

function make(name, attributes, parent, text) {
  const element = document.createElementNS(NS, name);
  for (const key in attributes) element.setAttribute(key, attributes[key]);
  if (text !== undefined) element.textContent = text;
  parent.appendChild(element);
  return element;
}

function draw(keepView) {
  const started = performance.now();
  const { root, boxes, arrows } = visible();
  flatten(root);
  lift(arrows);
  place(root);
  settle(root, 0, 0);
  const layer = document.createElementNS(NS, "g");
  const defs = make("defs", {}, layer);
  for (const [id, colour] of [["tip-kept", "#777"], ["tip-added", "#1e8449"], ["tip-removed", "#c0392b"], ["tip-write", "#7d3c98"]]) {
    const size = { viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 6, markerHeight: 6 };
    const marker = make("marker", { id, ...size, orient: "auto-start-reverse" }, defs);
    make("path", { d: "M0 0L8 4L0 8z", fill: colour }, marker);
  }
  scene = { root, boxes, layer, longest: Math.max(...boxes.map(b => b.seconds || 0)) };
  drawFrames(root, layer);
  for (const box of boxes) box.arrows = [];
  for (const arrow of arrows) {
    arrow.source.arrows.push(arrow);
    arrow.target.arrows.push(arrow);
    if (!arrow.hidden) drawArrow(arrow, layer);
  }
  for (const box of boxes) drawBox(box, layer);
  svg.replaceChildren(layer);
  if (!keepView) fit(true);
  head();
  search();
  markPicked();
  svg.dataset.boxes = boxes.length;
  svg.dataset.drawn = (performance.now() - started).toFixed(1);
}

function drawFrames(frame, layer) {
  for (const item of frame.items) {
    if (!item.frame) continue;
    const place = { x: item.left, y: item.top, width: item.w, height: item.h, rx: 8 };
    const rect = make("rect", { ...place, class: "frame", "data-scope": item.scope }, layer);
    rect.addEventListener("click", () => toggle(item.scope, item));
    const outer = item.parent.scope ? item.parent.scope.length + 1 : 0;
    make("text", { x: item.left + 8, y: item.top + 15, class: "framename" }, layer, item.scope.slice(outer));
    drawFrames(item, layer);
  }
}

function drawArrow(arrow, layer) {
  const a = arrow.source, b = arrow.target;
  const { d, x, y } = a.side === b.side ? upright(a, b) : across(a, b);
  const changed = arrow.status !== "kept";
  const style = changed ? arrow.status : arrow.kind === "write" ? "write" : "kept";
  const path = make("path", { d, class: "arrow", "marker-end": `url(#tip-${style})` }, layer);
  if (changed) path.setAttribute("style", `stroke:${data.changes[arrow.status][1]};stroke-width:1.8`);
  else if (arrow.kind === "write") path.setAttribute("style", "stroke:#7d3c98;stroke-opacity:.45");
  if (arrow.kind === "control") path.setAttribute("stroke-dasharray", "1.5 3");
  else if (arrow.kind === "write" || arrow.status === "removed") path.setAttribute("stroke-dasharray", "5 3");
  if (arrow.kind === "write") path.setAttribute("marker-start", "url(#tip-write)"), path.removeAttribute("marker-end");
  arrow.path = path;
  const label = arrow.kind !== "data" ? "" : arrow.tensors.size > 1 ? arrow.tensors.size + " tensors" : shapeOf(arrow.type || "[]");
  if (label && !arrow.hidden) make("text", { x, y: y + 3, class: "shape" }, layer, label);
}

/** Up or down; a long way is bent outwards, past what stands between. */
function upright(a, b) {
  const down = b.top > a.top;
  const x1 = a.left + a.w / 2, y1 = down ? a.top + a.h : a.top, x2 = b.left + b.w / 2, y2 = down ? b.top : b.top + b.h;
  const length = Math.abs(y2 - y1), bend = Math.max(16, Math.min(90, length / 2)) * (down ? 1 : -1);
  const out = length > 140 ? (a.side ? 1 : -1) * Math.min(260, 50 + length / 8) : 0;
  const c1 = [x1 + out, y1 + bend], c2 = [x2 + out, y2 - bend];
  return { d: `M${x1} ${y1}C${c1} ${c2} ${x2} ${y2}`, x: (x1 + x2) / 2 + out * 0.75, y: (y1 + y2) / 2 };
}

/** From one column to the other. */
function across(a, b) {
  const right = b.left > a.left;
  const x1 = right ? a.left + a.w : a.left, y1 = a.top + a.h / 2, x2 = right ? b.left : b.left + b.w, y2 = b.top + b.h / 2;
  const bend = (x2 - x1) / 2;
  return { d: `M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`, x: (x1 + x2) / 2, y: (y1 + y2) / 2 };
}

function drawBox(box, layer) {
  const mark = state.changes && state.stage > 0;
  let [fill, line] = mark ? data.changes[box.status] : data.colours[box.kind];
  if (timed()) fill = heatOf(box);
  const known = { class: box.fold ? "box scope" : "box", "data-id": box.id, "data-kind": box.kind };
  const group = make("g", { ...known, transform: `translate(${box.left} ${box.top})` }, layer);
  if (box.fold) make("rect", { x: -3, y: -3, width: box.w + 6, height: box.h + 6, rx: 9, fill: "none", stroke: line }, group);
  const rect = make("rect", { width: box.w, height: box.h, rx: 7, fill, stroke: line }, group);
  if (box.status === "removed") rect.setAttribute("stroke-dasharray", "5 3");
  const name = make("text", { x: 9, y: 15, class: "name" }, group, box.label);
  if (box.kindLabel) make("tspan", { dx: 6, fill: "#555", "font-weight": "normal" }, name, box.kindLabel);
  box.lines.forEach((l, i) => make("text", { x: 9, y: 28 + 12 * i, class: "cost" }, group, l));
  group.addEventListener("mouseenter", () => point(box, true));
  group.addEventListener("mouseleave", () => point(box, false));
  group.addEventListener("click", () => {
    if (box.fold) toggle(box.fold, box);
    else if (!moved) { state.picked = box.id; markPicked(); }
  });
  box.group = group;
}

function head() {
  const stage = data.stages[state.stage];
  byId("title").textContent = data.title || "graph";
  const now = stage.boxes.map(i => data.boxes[i]);
  const total = name => now.reduce((s, b) => s + (b[name] || 0), 0);
  byId("facts").textContent = `${now.length.toLocaleString("en")} operations, ${total("parameters").toLocaleString("en")} parameters, `
    + (now.some(b => b.partial) ? "≥ " : "") + amount(total("flops"), "FLOP");
  let text = state.stage ? `after ${stage.name}` : "before all passes";
  if (state.stage) text += ` (+${stage.added} -${stage.removed})`;
  byId("stagename").textContent = text;
  const legend = byId("legend");
  legend.replaceChildren();
  const entry = (text, fill, line) => {
    const span = legend.appendChild(document.createElement("span"));
    span.textContent = text;
    span.style.background = fill;
    span.style.borderColor = line;
  };
  const entries = state.changes && state.stage ? data.changes : data.colours;
  for (const key in entries) {
    if (entries === data.colours && !now.some(b => b.kind === key)) continue;
    entry(data.meanings[key] || key, timed() ? "#fff" : entries[key][0], entries[key][1]);
  }
  byId("launches").hidden = !timed();
  if (timed()) for (const part of [0, 0.25, 1]) entry(milliseconds(part * scene.longest), data.heat[20 * part], "#bbb");
}

// what the reader does

function point(box, on) {
  const tip = byId("tip");
  for (const arrow of box.arrows) {
    if (arrow.hidden && on) drawArrow(arrow, scene.layer);
    if (arrow.hidden && !on) arrow.path.remove();
    else arrow.path.classList.toggle("near", on);
  }
  tip.style.display = on ? "block" : "none";
  if (!on) return;
  const kind = box.inner.length ? box.inner : [box.op ? `${box.op} ${box.attributes}` : ""];
  const facts = [box.name, ...kind, box.types.join(", "), data.meanings[box.kind], box.source];
  facts.push(...costs(box, false), ...(timed() ? measured(box) : []));
  tip.textContent = [...facts, box.fold ? "click to unfold" : ""].filter(Boolean).join("\n");
}

document.addEventListener("mousemove", event => {
  const tip = byId("tip");
  if (tip.style.display !== "block") return;
  tip.style.left = Math.min(event.clientX + 14, innerWidth - tip.offsetWidth - 6) + "px";
  tip.style.top = Math.min(event.clientY + 14, innerHeight - tip.offsetHeight - 6) + "px";
});

/** Fold or unfold a scope, and keep it where it was on the screen. */
function toggle(scope, item) {
  if (moved) return;
  byId("tip").style.display = "none";
  const was = { x: item.left, y: item.top };
  if (!state.folded.delete(scope)) state.folded.add(scope);
  draw(true);
  const now = find(scope);
  if (now) { view.x += now.left - was.x; view.y += now.top - was.y; }
  show();
}

function find(scope) {
  const stack = [scene.root];
  while (stack.length) {
    for (const item of stack.pop().items) {
      if (item.fold === scope || (item.frame && item.scope === scope)) return item;
      if (item.frame) stack.push(item);
    }
  }
  return null;
}

function search() {
  const query = state.query.trim().toLowerCase();
  let count = 0;
  for (const box of scene.boxes) {
    const hits = query ? box.hits.filter(b => b.name.toLowerCase().includes(query) || b.op.toLowerCase().includes(query)).length : 0;
    count += hits;
    box.found = hits > 0;
    box.group.classList.toggle("hit", hits > 0);
  }
  byId("found").textContent = query ? `${count} found` : "";
  svg.dataset.found = count;
}

function show() { svg.setAttribute("viewBox", `${view.x} ${view.y} ${view.w} ${view.h}`); }

/** All of it; or with `readable` the top, at a size at which it can be read. */
function fit(readable) {
  const { clientWidth: w, clientHeight: h } = svg, { root } = scene;
  const scale = readable ? Math.max(0.7, Math.min(1.2, (root.w + 20) / w)) : Math.max((root.w + 20) / w, (root.h + 20) / h, 0.6);
  view = { w: w * scale, h: h * scale, x: 0, y: 0 };
  view.x = (root.w - view.w) / 2;
  view.y = Math.min(-10, (root.h - view.h) / 2);  // the top, where not all has room
  show();
}

function centre(box) {
  const scale = Math.min(1, view.w / svg.clientWidth);
  view.w = svg.clientWidth * scale;
  view.h = svg.clientHeight * scale;
  view.x = box.left + box.w / 2 - view.w / 2;
  view.y = box.top + box.h / 2 - view.h / 2;
  show();
}

let moved = false, grip = null;
svg.addEventListener("pointerdown", e => { grip = { x: e.clientX, y: e.clientY, vx: view.x, vy: view.y }; moved = false; });
addEventListener("pointermove", e => {
  if (!grip) return;
  if (Math.hypot(e.clientX - grip.x, e.clientY - grip.y) > 4) moved = true;
  if (!moved) return;
  svg.classList.add("moving");
  view.x = grip.vx - (e.clientX - grip.x) * view.w / svg.clientWidth;
  view.y = grip.vy - (e.clientY - grip.y) * view.h / svg.clientHeight;
  show();
});
addEventListener("pointerup", () => { grip = null; svg.classList.remove("moving"); });
svg.addEventListener("wheel", e => {
  e.preventDefault();
  const factor = Math.exp(e.deltaY * 0.0015), box = svg.getBoundingClientRect();
  const px = (e.clientX - box.left) / box.width, py = (e.clientY - box.top) / box.height;
  view.x += view.w * px * (1 - factor);
  view.y += view.h * py * (1 - factor);
  view.w *= factor;
  view.h *= factor;
  show();
}, { passive: false });

function allScopes() {
  const scopes = new Set();
  for (const i of data.stages[state.stage].boxes) {
    const { scope } = data.boxes[i];
    for (let d = 1; d <= scope.length; d++) scopes.add(scope.slice(0, d).join("/"));
  }
  return scopes;
}

byId("stage").max = data.stages.length - 1;
byId("stage").addEventListener("input", e => { state.stage = +e.target.value; draw(true); });
byId("changes").addEventListener("change", e => { state.changes = e.target.checked; draw(true); });
byId("times").addEventListener("change", e => { state.times = e.target.checked; draw(true); });
byId("search").addEventListener("input", e => { state.query = e.target.value; state.at = -1; search(); });
byId("search").addEventListener("keydown", e => {
  const hits = scene.boxes.filter(b => b.found);
  if (e.key !== "Enter" || !hits.length) return;
  state.at = (state.at + 1) % hits.length;
  centre(hits[state.at]);
});
byId("readable").addEventListener("click", () => { state.folded = new Set(data.folded); draw(); });
byId("foldall").addEventListener("click", () => { state.folded = allScopes(); draw(); });
byId("unfoldall").addEventListener("click", () => { state.folded = new Set(); draw(); });
byId("fit").addEventListener("click", () => fit(false));
addEventListener("resize", () => { view.h = view.w * svg.clientHeight / svg.clientWidth; show(); });

document.title = data.title ? data.title + " - minigraph" : "minigraph";
state.stage = data.start;
byId("stage").value = data.start;
state.changes = byId("changes").checked = data.diff;
byId("times").parentElement.hidden = !data.launches.length;
fillTable();
draw();
svg.dataset.opened = performance.now().toFixed(1);
