// Two charts over the launches of a run: the memory in use, and the times.

class Timeline {
  constructor(element, data, select) {
    Object.assign(this, { element, data, select, kind: "", chart: byId("chart"), picked: new Set() });
    const tabs = { memory: byId("memorytab"), run: byId("runtab") };
    for (const [kind, tab] of Object.entries(tabs)) tab.onclick = () => this.show(kind);
    const last = data.stages.at(-1).boxes.map(i => data.boxes[i]);
    this.boxes = new Map(last.map(b => [b.id, b]));
    tabs.memory.hidden = !data.memory.places.length;
    tabs.run.hidden = !data.launches.length;
    this.tabs = tabs;
    element.hidden = tabs.memory.hidden && tabs.run.hidden;
    addEventListener("resize", () => this.redraw());
    if (!element.hidden) this.show(tabs.memory.hidden ? "run" : "memory");
  }

  show(kind) {
    this.kind = kind;
    for (const [name, tab] of Object.entries(this.tabs)) tab.classList.toggle("on", name === kind);
    byId("summary").textContent = kind === "memory" ? this.data.memory.summary : this.data.summary;
    this.redraw();
  }

  mark(ids) { this.picked = ids; this.redraw(); }

  redraw() {
    if (this.element.hidden) return;
    const { clientWidth: w, clientHeight: h } = this.chart;
    this.chart.replaceChildren();
    this.chart.setAttribute("viewBox", `0 0 ${w} ${h}`);
    if (this.kind === "memory") this.memory(w, h);
    else this.run(w, h);
  }

  nameOf(id) { return this.boxes.get(id)?.title; }

  rect(x, y, w, h, box, text) {
    const { kind } = this.boxes.get(box);
    const style = `fill:var(--${kind});stroke:var(--${this.picked.has(box) ? "mark" : `${kind}-line`});stroke-width:${this.picked.has(box) ? 2 : 0.6}`;
    const rect = draw("rect", { x, y, width: Math.max(w, 0.8), height: Math.max(h, 0.8), style, cursor: "pointer", "data-box": box }, this.chart);
    draw("title", {}, rect, text);
    rect.onclick = () => this.select(`${box} ${this.data.stages.length - 1}`);
    return rect;
  }

  /** The place of every value in the arena, over the launches during which it lives. */
  memory(w, h) {
    const { places, peak } = this.data.memory, launches = 1 + Math.max(...places.map(p => p.last)), left = 62, top = 6, bottom = 18;
    const x = i => left + i * (w - left - 12) / launches, y = bytes => h - bottom - bytes * (h - top - bottom) / peak;
    this.axis(left, w, y(0), y(peak), amount(peak, "B"));
    for (const p of places)
      this.rect(x(p.first), y(p.offset + p.bytes), x(p.last + 1) - x(p.first), y(p.offset) - y(p.offset + p.bytes), p.box,
        `${this.nameOf(p.box) || p.name}\n${amount(p.bytes, "B")}, launches ${p.first} to ${p.last}`);
    draw("text", { x: w - 12, y: h - 4, "text-anchor": "end", style: "font-size:10px;fill:var(--soft)" }, this.chart, `${launches} launches →`);
  }

  /** One bar for each launch, as wide as its time; below them a narrow one for each exchange with other ranks. */
  run(w, h) {
    const { launches } = this.data, total = launches.reduce((s, l) => s + l.seconds, 0) || 1, left = 12, top = 10;
    const ends = [], low = h - 30;
    let at = left;
    for (const launch of launches) {
      const width = launch.seconds / total * (w - left - 12);
      const title = this.nameOf(launch.box), name = title || launch.node.split("/").at(-1);
      this.rect(at, top, width, h - 44, launch.box, `${title || launch.op}\n${launch.node}\n${duration(launch.seconds)}, ${percent(launch.seconds / total)}`);
      const fits = clipped(name, width - 8);
      if (fits.length > 3) draw("text", { x: at + 4, y: top + 14, "pointer-events": "none", style: "font-size:10px;fill:var(--text)" }, this.chart, fits);
      at += width;
      ends.push(at);
      if (launch.begun !== null)
        this.rect(ends[launch.begun], low, at - ends[launch.begun], 8, launch.box,
          `exchange of ${amount(launch.bytes_read, "B")}\n${launch.node}\nunder way for ${duration((at - ends[launch.begun]) / (w - left - 12) * total)}, of it waited for ${duration(launch.seconds)}`);
    }
    draw("text", { x: w - 12, y: h - 8, "text-anchor": "end", style: "font-size:10px;fill:var(--soft)" }, this.chart, duration(total));
  }

  axis(left, right, low, high, text) {
    draw("path", { d: `M${left} ${high}V${low}H${right - 12}`, fill: "none", stroke: "var(--line)" }, this.chart);
    draw("text", { x: left - 6, y: high + 9, "text-anchor": "end", style: "font-size:10px;fill:var(--soft)" }, this.chart, text);
    draw("text", { x: left - 6, y: low, "text-anchor": "end", style: "font-size:10px;fill:var(--soft)" }, this.chart, "0");
  }
}

/** The beginning of a text that is at most `width` wide. */
function clipped(text, width) {
  if (widthOf(text, 10) <= width) return text;
  while (text && widthOf(`${text}…`, 10) > width) text = text.slice(0, -1);
  return `${text}…`;
}
