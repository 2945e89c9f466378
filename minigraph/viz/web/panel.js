// The panel: everything known about the selected box, or about the whole graph.

class Panel {
  /** select(id): selects a box of the data. */
  constructor(element, data, values, select) {
    Object.assign(this, { element, data, values, select });
    this.byName = data.stages.map(() => null);
  }

  /** What only the panel tells, which is read when it is asked for. */
  get notes() { return this.read ??= unpacked("notes"); }

  show(box, shown) {
    this.element.replaceChildren();
    this.element.scrollTop = 0;
    this.element.hidden = FRAMED && !box;  // a notebook is narrow
    if (!box) return this.overview();
    const { element } = this, only = box.single;
    add("h2", element, only ? only.name : box.key.replaceAll(" ", "/"));
    const badge = add("span", element, this.data.meanings[box.kind], "badge");
    badge.style.background = `var(--${box.kind})`;
    badge.style.borderColor = `var(--${box.kind}-line)`;
    if (box.words) add("p", element, box.words);
    this.table(this.facts(box));
    this.values.show(box, this);
    this.times(box);
    if (only) this.operation(only);
    this.neighbours(box, shown);
    if (!only) this.members(box);
    this.missed(box, add("div", element));
    if (only) this.story(only);
    this.kernel(box);
  }

  section(title, parent = this.element) { add("h3", parent, title); }

  table(rows) {
    const table = add("table", this.element);
    for (const [name, value] of rows) {
      if (value === "" || value === null || value === undefined) continue;
      const row = table.insertRow();
      add("th", row, name);
      add("td", row, value);
    }
  }

  facts(box) {
    return [
      ["operation", box.op],
      ["output", box.single ? box.single.types.map(shapeOf).join(", ") : box.type && shapeOf(box.type)],
      ["parameters", box.parameters ? box.parameters.toLocaleString("en") : ""],
      ["work", box.flops ? (box.partial ? "≥ " : "") + amount(box.flops, "FLOP") : ""],
      ["reads and writes", box.bytes ? amount(box.bytes, "B") : ""],
    ];
  }

  times(box) {
    const ids = new Set(box.members.map(b => b.id)), launches = this.data.launches.filter(l => ids.has(l.box));
    if (!launches.length) return;
    const sum = name => launches.reduce((s, l) => s + (l[name] || 0), 0), seconds = sum("seconds"), flops = sum("flops");
    this.section("measured");
    this.table([
      ["time", duration(seconds)],
      ["share", percent(seconds / this.data.launches.reduce((s, l) => s + l.seconds, 0))],
      ["launches", launches.length > 1 ? launches.length : ""],
      ["rate", flops && seconds ? amount(flops / seconds, "FLOP/s") : ""],
      ["read", amount(sum("bytes_read"), "B")],
      ["written", amount(sum("bytes_written"), "B")],
      ["arena in use", amount(Math.max(...launches.map(l => l.live)), "B")],
      ["notes", launches.length === 1 ? launches[0].notes : ""],
    ]);
    const places = this.data.memory.places.filter(p => ids.has(p.box)).slice(0, 8);
    this.table(places.map(p => ["in the arena", `${amount(p.bytes, "B")} at ${amount(p.offset, "B")}, launches ${p.first} to ${p.last}`]));
  }

  operation(box) {
    if (box.attributes) {
      this.section("attributes");
      add("pre", this.element, box.attributes.replace(/^\{|\}$/g, "").replaceAll(/, (?=\w+=)/g, "\n"));
    }
    if (box.inner.length) {
      this.section(box.title.startsWith("loop of ") ? "each step" : "made of");
      const list = add("ul", this.element);
      for (const line of box.inner) add("li", list, line);
    }
    const [place, text] = this.data.sources[box.source] || [];
    if (!place) return;
    this.section("source");
    add("p", this.element, place, "soft");
    if (text) add("pre", this.element, text);
  }

  neighbours(box, shown) {
    for (const [title, near, far] of [["reads", "target", "source"], ["read by", "source", "target"]]) {
      const arrows = shown.arrows.filter(a => a[near] === box && a.kind !== "write");
      if (!arrows.length) continue;
      this.section(title);
      const list = add("ul", this.element);
      for (const arrow of arrows.slice(0, 40)) {
        const item = add("li", list);
        this.link(item, arrow[far].label, arrow[far].members[0].id);
        const types = [...new Set(arrow.tensors.values())];
        const note = arrow.kind === "control" ? "order only" : arrow.tensors.size > 1 ? `${arrow.tensors.size} tensors` : types.map(shapeOf)[0];
        if (note) add("span", item, `  ${note}`, "soft");
      }
      if (arrows.length > 40) add("li", list, `and ${arrows.length - 40} more`, "soft");
    }
  }

  members(box) {
    this.section(`${box.members.length.toLocaleString("en")} operation${box.members.length > 1 ? "s" : ""}`);
    const list = add("ul", this.element);
    for (const member of box.members.slice(0, 60)) {
      const item = add("li", list);
      this.link(item, member.title || member.name.split("/").slice(-2).join("/"), member.id);
      add("span", item, `  ${member.title ? "" : member.op}`, "soft");
    }
    if (box.members.length > 60) add("li", list, `and ${box.members.length - 60} more`, "soft");
  }

  link(parent, text, id) {
    const link = add("a", parent, text);
    link.tabIndex = 0;
    link.onclick = () => this.select(id);
    link.onkeydown = e => { if (e.key === "Enter") this.select(id); };
  }

  /** Why passes did not take the operations further: fusions first, the other rules on demand. */
  async missed(box, parent) {
    if (!this.data.stages.some(stage => stage.missed)) return;
    const { missed } = await this.notes;
    const names = new Set(box.members.flatMap(b => [b.name, ...b.names]));
    const fusions = new Map(), others = new Map();
    missed.forEach((each, i) => {
      const found = /fuse|fold_batch|winograd|multi/.test(this.data.stages[i + 1].name) ? fusions : others;
      for (const [rule, node, reason] of each) if (names.has(node)) found.set(`${rule}\n${reason}`, { rule, node, reason });
    });
    if (fusions.size + others.size) this.section("why it was not fused or rewritten", parent);
    const list = (found, parent) => {
      const items = add("ul", parent);
      for (const { rule, node, reason } of [...found.values()].slice(0, 20)) {
        const item = add("li", items, reason);
        add("span", item, `  ${rule}${box.single ? "" : `, ${node}`}`, "soft");
      }
    };
    if (fusions.size) list(fusions, parent);
    if (!others.size) return;
    const details = add("details", parent);
    add("summary", details, `${others.size} rule${others.size === 1 ? "" : "s"} that did not fit`, "soft");
    list(others, details);
  }

  /** What the stages made of an operation. */
  story(box) {
    if (this.data.stages.length < 2) return;
    const names = box.names.length ? box.names : [box.name];
    const steps = [];
    let before = null;
    this.data.stages.forEach((stage, i) => {
      const found = [...new Set(names.flatMap(name => this.named(i).get(name) || []))];
      const ids = found.map(b => b.id).join();
      if (ids !== before) steps.push({ stage: stage.name, i, found });
      before = ids;
    });
    this.section("through the passes");
    const list = add("ul", this.element);
    for (const { stage, i, found } of steps) {
      const item = add("li", list, `${i ? `after ${stage}` : "before all passes"}: `);
      if (!found.length) item.append("gone");
      found.slice(0, 6).forEach((b, at) => {
        if (at) item.append(", ");
        this.link(item, b.title || `${b.op} ${b.name.split("/").at(-1)}`, `${b.id} ${i}`);
      });
      if (found.length > 6) item.append(` and ${found.length - 6} more`);
    }
  }

  /** The boxes of a stage by the names of the user's nodes that they stand for. */
  named(stage) {
    if (!this.byName[stage]) {
      const found = this.byName[stage] = new Map();
      for (const i of this.data.stages[stage].boxes) {
        const box = this.data.boxes[i];
        for (const name of box.names.length ? box.names : [box.name]) found.set(name, [...(found.get(name) || []), box]);
      }
    }
    return this.byName[stage];
  }

  /** The code of the launches that compute a box: in the page, or from the server that shows it. */
  kernel(box) {
    const names = new Set(box.members.flatMap(b => b.names.length ? b.names : [b.name]));
    const { data } = this, served = new Set(data.served), known = new Set([...data.coded, ...data.served, ...data.left]), last = data.stages.length - 1;
    const computes = b => b.names.length ? b.names.some(n => names.has(n)) : names.has(b.name);
    const launches = data.stages[last].boxes.map(i => data.boxes[i])
      .filter(b => known.has(b.id) && (box.members.some(m => m.id === b.id) || computes(b)));
    if (!launches.length) return;
    this.section("generated code");
    for (const launch of launches.slice(0, 12)) {
      const title = launch.title || `${launch.op} ${launch.name.split("/").at(-1)}`;
      const details = add("details", this.element), head = add("summary", details, launches.length > 1 || launch.id !== box.id ? title : "of this launch");
      head.dataset.launch = launch.id;
      details.addEventListener("toggle", () => this.code(launch.id, details), { once: true });
      details.open = launches.length === 1 && !served.size;
    }
    if (launches.length > 12) add("p", this.element, `and ${launches.length - 12} more launches`, "soft");
  }

  async code(id, parent, assembly = "") {
    if (this.data.left.includes(id)) {
      add("p", parent, "It has no room in this file; minigraph viz without -o shows it, and minigraph explain --kernel prints it.", "soft");
      return;
    }
    const known = this.data.coded.includes(id);
    const found = known ? await this.texts(id) : await (await fetch(`code/${id}${assembly}`)).json();
    for (const [title, code] of Object.entries(found)) {
      if (assembly && !title.startsWith("assembly")) continue;
      const details = add("details", parent);
      add("summary", details, title);
      add("pre", details, code, "code");
      details.open = Boolean(assembly) || Object.keys(found).length === 1;
    }
    if (!Object.keys(found).length) add("p", parent, "none: it only moves data or calls a library", "soft");
    if (known || assembly || !Object.keys(found).some(t => t.startsWith("LLVM"))) return;
    const button = add("button", parent, "assembly");
    button.onclick = () => { button.remove(); this.code(id, parent, "?assembly"); };
  }

  async texts(id) {
    const { kernels, texts } = await this.notes;
    return Object.fromEntries(Object.entries(kernels[id]).map(([title, n]) => [title, texts[n]]));
  }

  /** Without a selection: the launches by time, or how to use the page. */
  overview() {
    const { element, data } = this;
    if (this.values.recorded) this.values.overview(this);
    if (!data.launches.length) {
      add("h2", element, "Select a box");
      add("p", element, "Its attributes, source line, neighbours and its way through the passes appear here. + opens a box by one level, − closes a frame.", "soft");
      this.table([["/", "search"], ["arrows", "go along arrows and to neighbours"], ["Enter", "open the box"], ["Backspace", "close its frame"], ["[ ]", "stage before, after"],
        ["C", "changes of the stage"], ["V", "layers or operations"], ...(this.values.recorded ? [["N", "values"]] : []), ["F", "fit"], ["R", "fold again"], ["M", "open one more level"], ["D", "dark or light"], ["Esc", "no selection"]]);
      return;
    }
    add("h2", element, "Launches by time");
    const total = data.launches.reduce((s, l) => s + l.seconds, 0), longest = Math.max(...data.launches.map(l => l.seconds));
    const titles = new Map(data.stages.at(-1).boxes.map(i => [data.boxes[i].id, data.boxes[i].title]));
    const table = add("table", element);
    table.id = "launches";
    for (const launch of [...data.launches].sort((a, b) => b.seconds - a.seconds)) {
      const row = table.insertRow(), time = add("td", row, duration(launch.seconds), "number bar");
      row.dataset.box = launch.box;
      row.tabIndex = 0;
      time.style.setProperty("--part", `${100 * launch.seconds / (longest || 1)}%`);
      add("td", row, percent(launch.seconds / total), "number");
      const cell = add("td", row, titles.get(launch.box) || launch.op);
      add("div", cell, launch.node, "soft");
      row.onclick = () => this.select(`${launch.box} ${data.stages.length - 1}`);
      row.onkeydown = e => { if (e.key === "Enter") row.onclick(); };
    }
  }
}
