// The curves and histograms of a training run, drawn anew whenever there is more.

const EVERY = 1000;  // ms between two questions
const [WIDE, HIGH] = [430, 190];
const COLOURS = { train: "var(--input-line)", validation: "var(--mark)" };
const ORDER = ["loss", "accuracy", "learning_rate"];
let version = -1;

async function ask() {
  try {
    const answer = await fetch(`state?${version}`), state = answer.ok ? await answer.json() : "failed";
    if (state === "failed") byId("facts").textContent = await answer.text();
    else if (state !== "unchanged") take(state);
  } catch {
    byId("facts").textContent = "the server has ended";
  }
  setTimeout(ask, EVERY);
}

function take(state) {
  byId("title").textContent = state.folder;
  document.title = `${state.folder} – minigraph`;
  const steps = Object.values(state.scalars).flatMap(parts => Object.values(parts).map(points => points.at(-1)[0]));
  byId("facts").textContent = steps.length ? `step ${Math.max(...steps).toLocaleString("en")}` : "waiting for the run to begin";
  show(state);
  version = state.version;
  document.body.dataset.version = version;
}

function show(state) {
  const charts = byId("charts");
  charts.replaceChildren();
  const known = name => ORDER.indexOf(name) < 0 ? ORDER.length : ORDER.indexOf(name);
  const tags = Object.keys(state.scalars).sort((a, b) => known(a) - known(b) || a.localeCompare(b));
  if (tags.length) section(charts, "curves", tags, (tag, figure) => curves(state.scalars[tag], figure));
  const groups = Map.groupBy ? Map.groupBy(Object.keys(state.histograms), t => t.split("/")[0]) : new Map([["histograms", Object.keys(state.histograms)]]);
  for (const [name, found] of groups) section(charts, name, found, (tag, figure) => ridges(state.histograms[tag], figure));
}

function section(parent, title, tags, fill) {
  add("h2", parent, title);
  const row = add("div", parent, undefined, "row");
  for (const tag of tags) {
    const figure = add("figure", row);
    figure.dataset.tag = tag;
    add("figcaption", figure, tag.includes("/") ? tag.slice(tag.indexOf("/") + 1) : tag.replaceAll("_", " "));
    fill(tag, figure);
  }
}

/** Round numbers between two ends, at most six. */
function ticks(low, high) {
  const rough = (high - low) / 5 || 1, power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map(m => m * power).find(s => s >= rough) || rough;
  const first = Math.ceil(low / step), count = Math.max(0, Math.min(6, Math.floor(high / step + 1e-9) - first + 1));
  return Array.from({ length: count }, (_, i) => Number(((first + i) * step).toPrecision(6)));
}

function axes(svg, x, y, xs, ys) {
  for (const t of xs) draw("text", { x: x(t), y: HIGH - 4, "text-anchor": "middle" }, svg, t >= 1e4 ? amount(t, "") : t);
  for (const t of ys) {
    draw("path", { d: `M${x(xs.low)} ${y(t)}H${WIDE - 8}`, class: "rule" }, svg);
    draw("text", { x: x(xs.low) - 6, y: y(t) + 4, "text-anchor": "end" }, svg, Math.abs(t) >= 1e-3 || !t ? t : t.toExponential(0));
  }
}

const plot = figure => draw("svg", { viewBox: `0 0 ${WIDE} ${HIGH}`, class: "plot" }, figure);

/** The curves of a tag: pale points of batches with a bold mean of several; validation with its points. */
function curves(parts, figure) {
  const svg = plot(figure), all = Object.values(parts).flat().filter(p => p[1] !== null);
  if (!all.length) return;
  const extent = i => [Math.min(...all.map(p => p[i])), Math.max(...all.map(p => p[i]))];
  let [[left, right], [low, high]] = [extent(0), extent(1)];
  if (low === high) [low, high] = [low - Math.abs(low) / 2 - 1e-9, high + Math.abs(high) / 2 + 1e-9];
  if (left === right) [left, right] = [left - 1, right + 1];
  const x = step => 48 + (step - left) * (WIDE - 60) / (right - left), y = v => HIGH - 22 - (v - low) * (HIGH - 34) / (high - low);
  axes(svg, x, y, Object.assign(ticks(left, right), { low: left }), ticks(low, high));
  const line = (points, colour, width, opacity) => draw("path", {
    d: points.map((p, i) => `${i ? "L" : "M"}${x(p[0]).toFixed(1)} ${y(p[1]).toFixed(1)}`).join(""),
    style: `fill:none;stroke:${colour};stroke-width:${width};stroke-opacity:${opacity}`, "stroke-linejoin": "round",
  }, svg);
  const legend = add("p", figure, undefined, "soft");
  for (const [part, points] of Object.entries(parts)) {
    const finite = points.filter(p => p[1] !== null), colour = COLOURS[part] || colourOf(part, parts), many = finite.length > 40 && new Set(finite.map(p => p[1])).size > finite.length / 2;
    line(finite, colour, many ? 1 : 2, many ? 0.35 : 1);
    if (many) line(smooth(finite), colour, 2, 1);
    else if (finite.length <= 40) for (const p of finite) draw("circle", { cx: x(p[0]), cy: y(p[1]), r: 2.4, style: `fill:${colour}` }, svg);
    const entry = add("span", legend, `${part} ${Number(points.at(-1)[1]?.toPrecision(4) ?? NaN)}  `);
    entry.style.color = colour;
  }
}

/** A colour for the curve of a part that is neither `train` nor `validation`. */
function colourOf(part, parts) {
  return `hsl(${Math.round(210 + 137.5 * Object.keys(parts).indexOf(part)) % 360} 60% 50%)`;
}

/** Means over a fortieth of the curve. */
function smooth(points) {
  const reach = Math.max(1, points.length >> 6);
  return points.map((p, i) => {
    const near = points.slice(Math.max(0, i - reach), i + reach + 1);
    return [p[0], near.reduce((s, q) => s + q[1], 0) / near.length];
  });
}

/** Histograms one behind the other, the latest in front. */
function ridges(rows, figure) {
  const svg = plot(figure), low = Math.min(...rows.map(r => r[1])), high = Math.max(...rows.map(r => r[2])) || low + 1;
  const x = v => 12 + (v - low) * (WIDE - 64) / (high - low || 1), top = 40, step = Math.min(14, (HIGH - 24 - top) / Math.max(1, rows.length - 1));
  const tall = 36 + 84 / rows.length;  // few histograms use the height, too
  rows.forEach(([number, from, to, counts], i) => {
    const base = HIGH - 22 - (rows.length - 1 - i) * step, most = Math.max(...counts) || 1, width = (to - from) / counts.length;
    const points = counts.map((n, j) => `${x(from + (j + 0.5) * width).toFixed(1)} ${(base - tall * n / most).toFixed(1)}`);
    draw("path", { d: `M${x(from).toFixed(1)} ${base}L${points.join("L")}L${x(to).toFixed(1)} ${base}z`, class: "ridge" }, svg);
    if (i === rows.length - 1 || (!i && rows.length > 2)) draw("text", { x: WIDE - 2, y: base - 2, "text-anchor": "end" }, svg, `step ${number}`);
  });
  for (const t of ticks(low, high)) draw("text", { x: x(t), y: HIGH - 4, "text-anchor": "middle" }, svg, t);
}

if (matchMedia("(prefers-color-scheme: dark)").matches) document.documentElement.classList.add("dark");
byId("dark").onclick = () => document.documentElement.classList.toggle("dark");
document.addEventListener("keydown", e => { if (e.key === "d") byId("dark").click(); });
ask();
