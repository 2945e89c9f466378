// The page: its state, and what the reader does.

const IDLE = 500;  // ms without a new picture, after which the page prepares stages
const PATHS = { layers: "layer", ops: "scope" };

/** What the page shows first. */
function beginning(data, values) {
  return {
    stage: data.start, changes: data.diff, view: "layers", query: "", at: -1, picked: "", values: values.recorded,
    open: { layers: new Set(data.open.layers), ops: new Set(data.open.ops) },
  };
}

class App {
  constructor(data, engine, pixels) {
    const values = new Values(data, pixels);
    Object.assign(this, { data, engine, values, shown: null, turn: 0, graphs: new Map(), svg: byId("graph") });
    this.state = beginning(data, values);
    this.view = new View(this.svg, byId("map"));
    this.panel = new Panel(byId("panel"), data, values, id => this.select(id));
    this.stages = new Stages(byId("stages"), data, i => this.set({ stage: i }), on => this.set({ changes: on }), stage => this.foresee({ stage }));
    this.timeline = new Timeline(byId("timeline"), data, id => this.select(id));
    readAddress(this.state, data);
    this.listen();
  }

  get timed() { return this.timedIn(this.state); }

  timedIn({ stage, changes }) { return this.data.launches.length > 0 && stage === this.data.stages.length - 1 && !changes; }

  get opened() { return this.state.open[this.state.view]; }

  set(changes, keep = "place") {
    Object.assign(this.state, changes);
    return this.redraw(keep);
  }

  /** The graph of the chosen stage, or of one in another state. */
  graph({ stage, changes } = this.state) {
    const key = `${stage} ${changes}`;
    if (!this.graphs.has(key)) this.graphs.set(key, stageGraph(this.data, stage, changes));
    return this.graphs.get(key);
  }

  /** What a state shows, with the sizes of its boxes. */
  shownIn(state, opened = state.open[state.view]) {
    const words = state.view === "layers" ? this.data.words : {};
    const shown = shownGraph(this.graph(state), PATHS[state.view], opened, words);
    measure(shown, this.timedIn(state), state.values ? this.values : null);
    return shown;
  }

  /** Prepares what a click would show that the pointer or the focus is about to make. */
  foresee(changes, opened) {
    if (!this.engine.asked) this.engine.foresee(this.shownIn({ ...this.state, ...changes }, opened));
  }

  /** Prepares the pictures of the other stages, one at a time, while the reader looks and each takes little time. */
  async prepare() {
    const quiet = this.turn, { stage: shown, changes } = this.state;
    await new Promise(done => setTimeout(done, IDLE));
    for (const [stage, { added, removed }] of this.data.stages.entries()) {
      if (stage === shown || (stage && !added && !removed && !changes)) continue;  // an idle one looks as that before it
      await this.engine.idle();
      if (quiet !== this.turn) return;
      const began = performance.now();
      await this.engine.layout(this.engine.describe(this.shownIn({ ...this.state, stage })).graph).catch(() => {});
      if (performance.now() - began >= PATIENCE) return;
    }
  }

  /** Lays out and draws anew. keep: "place" leaves the view alone, "fit" shows the beginning; an item stays where it is. */
  async redraw(keep = "place") {
    const turn = ++this.turn, started = performance.now(), shown = this.shownIn(this.state);
    const wait = setTimeout(() => { byId("wait").hidden = false; }, 150);
    try {
      await this.engine.place(shown);
    } finally {
      clearTimeout(wait);
      if (turn === this.turn) byId("wait").hidden = true;
    }
    if (turn !== this.turn) return;
    const longest = Math.max(...shown.boxes.map(b => b.seconds || 0));
    this.shown = shown;
    this.layer = picture(shown, box => this.colour(box, longest), this.values);
    this.svg.replaceChildren(this.layer);
    this.view.redraw(shown);
    if (keep === "fit" || !this.view.drawn) this.view.fit(true);
    else if (keep.key !== undefined) this.hold(keep);
    this.view.drawn = true;
    this.view.show();
    this.head(longest);
    this.search();
    this.mark();
    this.svg.dataset.boxes = shown.boxes.length;
    this.svg.dataset.drawn = (performance.now() - started).toFixed(1);
    this.svg.dataset.turn = turn;
    this.prepare();
  }

  /** Keeps the box or frame of a scope where it was on the screen. */
  hold({ key, left, top }) {
    const item = this.shown.boxes.find(b => b.key === key) || framesOf(this.shown.root).find(f => f.scope === key);
    if (!item) return;
    this.view.x += item.left - left;
    this.view.y += item.top - top;
  }

  colour(box, longest) {
    const name = this.state.changes && this.state.stage ? (box.status === "changed" ? "added" : box.status) : box.kind;
    const pair = { fill: `var(--${name})`, line: `var(--${name}-line)` };
    if (this.state.changes && box.status === "changed") pair.fill = "var(--kept)";
    if (this.timed) pair.fill = `color-mix(in srgb, var(--hot) ${Math.round(100 * Math.sqrt((box.seconds || 0) / (longest || 1)))}%, var(--cold))`;
    return pair;
  }

  head(longest) {
    const { state, data } = this, { boxes } = this.graph();
    const total = name => boxes.reduce((s, b) => s + (b.status !== "removed" && b[name] || 0), 0);
    byId("facts").textContent = `${boxes.length.toLocaleString("en")} operations · ${amount(total("parameters"), "")} parameters · `
      + (boxes.some(b => b.partial) ? "≥ " : "") + amount(total("flops"), "FLOP");
    for (const name of ["layers", "ops"]) byId(name).classList.toggle("on", state.view === name);
    byId("values").classList.toggle("on", state.values);
    this.stages.show(state.stage, state.changes);
    this.legend(longest);
    writeAddress(state, data);
  }

  legend(longest) {
    const legend = byId("legend");
    legend.replaceChildren();
    const entry = (text, fill, line) => {
      const span = add("span", legend, text);
      span.style.background = fill;
      span.style.borderColor = line;
    };
    const changes = this.state.changes && this.state.stage > 0;
    const present = changes ? ["kept", "added", "removed"] : Object.keys(this.data.meanings).filter(k => this.shown.boxes.some(b => b.kind === k));
    for (const k of present) entry(this.data.meanings[k] || k, this.timed ? "var(--panel)" : `var(--${k})`, `var(--${k}-line)`);
    if (this.timed) for (const part of [0, 0.25, 1])
      entry(duration(part * longest), `color-mix(in srgb, var(--hot) ${100 * Math.sqrt(part)}%, var(--cold))`, "var(--line)");
  }

  /** Goes to the next stage or back, and prepares the one after it. */
  async step(by) {
    const to = by => Math.min(this.data.stages.length - 1, Math.max(0, this.state.stage + by));
    await this.set({ stage: to(by) });
    this.foresee({ stage: to(by) });
  }

  // opening and closing

  /** Opens a scope by one level, and further where there is only one thing in it. */
  open(key) {
    const item = this.shown.boxes.find(b => b.key === key);
    this.state.open[this.state.view] = this.withOpen(key);
    return this.redraw(item || "place");
  }

  withOpen(key) {
    const path = PATHS[this.state.view], depth = key.split("/").length, opened = new Set(this.opened).add(key);
    const inner = new Set(this.graph().boxes.filter(b => b[path].slice(0, depth).join("/") === key)
      .map(b => b[path].length > depth ? b[path].slice(0, depth + 1).join("/") : ""));
    const [only] = inner;
    return inner.size === 1 && only ? opened.add(only) : opened;
  }

  close(key) {
    const item = framesOf(this.shown.root).find(f => f.scope === key);
    for (const scope of [...this.opened]) if (scope === key || scope.startsWith(`${key}/`)) this.opened.delete(scope);
    return this.redraw(item ? { key, left: item.left, top: item.top } : "place");
  }

  openMore() {
    for (const box of this.shown.boxes) if (box.canOpen) this.opened.add(box.key);
    return this.redraw();
  }

  foldAgain() {
    this.state.open[this.state.view] = new Set(this.data.open[this.state.view]);
    return this.redraw("fit");
  }

  // selecting

  /** Selects the box that shows an operation, given as `id` or `id stage`; opens what hides it. */
  async select(target) {
    const [id, stage] = target.split(" ");
    if (stage !== undefined) Object.assign(this.state, { stage: +stage, changes: false });
    let box = this.graph().boxes.find(b => b.id === id);
    if (!box) return;
    const path = box[PATHS[this.state.view]];
    const hidden = path.map((_, i) => path.slice(0, i + 1).join("/")).filter(key => !this.opened.has(key));
    const whole = this.shown.boxes.find(b => b.members.some(m => m.id === id));
    const asFolded = hidden.length && whole && stage === undefined && whole.id !== this.state.picked;
    if (asFolded) this.state.picked = whole.id;
    else {
      hidden.forEach(key => this.opened.add(key));
      this.state.picked = id;
      await this.redraw();
    }
    this.mark();
    box = this.shown.boxes.find(b => b.id === this.state.picked);
    if (box && !this.view.sees(box)) this.view.bring(box);
  }

  pick(box) {
    this.state.picked = box ? box.id : "";
    this.mark();
    if (box && !this.view.sees(box)) this.view.bring(box);
    if (box?.canOpen) this.foresee({}, this.withOpen(box.key));
  }

  get picked() { return this.shown?.boxes.find(b => b.id === this.state.picked); }

  mark() {
    const box = this.picked;
    for (const b of this.shown.boxes) {
      b.group.classList.toggle("picked", b === box);
      b.group.classList.remove("near");
    }
    for (const arrow of this.shown.arrows) {
      const near = box && (arrow.source === box || arrow.target === box);
      for (const element of arrow.elements || []) element.classList.toggle("near", Boolean(near));
      if (near) (arrow.source === box ? arrow.target : arrow.source).group.classList.add("near");
    }
    this.panel.show(box, this.shown);
    this.timeline.mark(new Set(box ? box.members.map(b => b.id) : []));
    writeAddress(this.state, this.data);
  }

  /** The box at the other end of an arrow: up, down; or the nearest at a side. */
  neighbour(key) {
    const box = this.picked || this.shown.boxes[0];
    if (!box) return null;
    const x = b => b.left + b.w / 2, y = b => b.top + b.h / 2;
    const sides = { ArrowLeft: b => x(box) - x(b), ArrowRight: b => x(b) - x(box), ArrowUp: b => y(box) - y(b), ArrowDown: b => y(b) - y(box) };
    const linked = new Set(this.shown.arrows.filter(a => !a.hidden).flatMap(a => a.source === box ? [a.target] : a.target === box ? [a.source] : []));
    const ahead = this.shown.boxes.filter(b => b !== box && sides[key](b) > 5);
    const near = b => Math.hypot(x(b) - x(box), y(b) - y(box)) * (linked.has(b) ? 1 : 3);
    return ahead.sort((a, b) => near(a) - near(b))[0] || box;
  }

  // searching

  search() {
    const query = this.state.query.trim().toLowerCase();
    let count = 0;
    for (const box of this.shown.boxes) {
      const matches = b => `${b.name}\n${b.op}\n${b.title}`.toLowerCase().includes(query);
      const hits = query ? box.members.filter(matches) : [];
      count += hits.length;
      box.found = hits;
      box.group.classList.toggle("hit", hits.length > 0);
    }
    this.hits = this.shown.boxes.filter(b => b.found.length);
    byId("found").textContent = query ? `${count.toLocaleString("en")} in ${this.hits.length} box${this.hits.length === 1 ? "" : "es"}` : "";
    this.svg.dataset.found = count;
  }

  next(step) {
    if (!this.hits.length) return;
    this.state.at = (this.state.at + step + this.hits.length) % this.hits.length;
    this.pick(this.hits[this.state.at]);
    this.view.bring(this.picked);
  }

  // listening

  listen() {
    byId("title").textContent = this.data.title || "graph";
    document.title = this.data.title ? `${this.data.title} – minigraph` : "minigraph";
    const on = (id, event, act) => byId(id).addEventListener(event, act);
    for (const view of ["layers", "ops"]) on(view, "click", () => this.set({ view }, "fit"));
    on("search", "input", e => { Object.assign(this.state, { query: e.target.value, at: -1 }); this.search(); });
    on("search", "keydown", e => {
      if (e.key === "Enter") this.next(e.shiftKey ? -1 : 1);
      if (e.key === "Escape") e.target.blur();
    });
    byId("search").value = this.state.query;
    byId("values").hidden = !this.values.recorded;
    on("values", "click", () => this.set({ values: this.values.recorded && !this.state.values }));
    on("fewer", "click", () => this.foldAgain());
    on("more", "click", () => this.openMore());
    on("fit", "click", () => this.view.fit(false));
    on("svg", "click", () => saveSvg(this.data.title || "graph", svgText(this.shown, this.layer)));
    on("png", "click", () => savePng(this.data.title || "graph", svgText(this.shown, this.layer), this.shown.root));
    on("dark", "click", () => document.documentElement.classList.toggle("dark"));
    this.svg.addEventListener("click", e => this.click(e));
    this.svg.addEventListener("dblclick", e => {
      const box = this.boxAt(e);
      if (box?.canOpen) this.open(box.key);
    });
    this.svg.addEventListener("pointerover", e => {
      const { open } = e.target.closest(".button")?.dataset || {};
      if (open) this.foresee({}, this.withOpen(open));
    });
    document.addEventListener("keydown", e => this.key(e));
    addEventListener("hashchange", () => { if (readAddress(this.state, this.data)) this.redraw(); });
  }

  boxAt(event) {
    const id = event.target.closest(".box")?.dataset.id;
    return id && this.shown.boxes.find(b => b.id === id);
  }

  click(event) {
    if (this.view.moved) return;
    const button = event.target.closest(".button");
    if (button?.dataset.open) this.open(button.dataset.open);
    else if (button?.dataset.close) this.close(button.dataset.close);
    else this.pick(this.boxAt(event));
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || /input|textarea/i.test(event.target.tagName)) return;
    const { state } = this;
    const acts = {
      "/": () => byId("search").focus(), "[": () => this.step(-1), "]": () => this.step(1),
      c: () => this.set({ changes: !state.changes }), v: () => this.set({ view: state.view === "ops" ? "layers" : "ops" }, "fit"),
      n: () => byId("values").click(), f: () => this.view.fit(false), r: () => this.foldAgain(), m: () => this.openMore(), d: () => byId("dark").click(),
      "+": () => this.view.zoom(0.8), "-": () => this.view.zoom(1.25), Escape: () => this.pick(null),
      Backspace: () => this.picked?.parent.scope && this.close(this.picked.parent.scope),
    };
    if (event.target === this.svg || event.target === document.body) {
      acts.Enter = () => this.picked?.canOpen && this.open(this.picked.key);
      for (const arrow of ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"]) acts[arrow] = () => this.pick(this.neighbour(arrow));
    }
    const act = acts[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  }
}

async function start() {
  if (matchMedia("(prefers-color-scheme: dark)").matches) document.documentElement.classList.add("dark");
  const read = document.readyState !== "loading" || new Promise(done => document.addEventListener("DOMContentLoaded", done));
  const engine = new Engine(await packed("engine"));  // its worker starts while the rest of the page is read
  await read;
  const [data, pixels] = await Promise.all([unpacked("data"), packed("pixels")]);
  window.app = new App(decode(data), engine, pixels);
  await app.redraw("fit");
  app.svg.dataset.opened = performance.now().toFixed(1);
}

start();
