// The layout, by the Eclipse Layout Kernel in a worker.

const SPACING = {
  "elk.algorithm": "layered",
  "elk.direction": "DOWN",
  "elk.hierarchyHandling": "INCLUDE_CHILDREN",
  "elk.edgeRouting": "ORTHOGONAL",
  "elk.json.edgeCoords": "ROOT",
  "elk.json.shapeCoords": "ROOT",
  "elk.spacing.nodeNode": 26,
  "elk.spacing.edgeNode": 14,
  "elk.spacing.edgeEdge": 9,
  "elk.layered.spacing.nodeNodeBetweenLayers": 26,
  "elk.layered.spacing.edgeNodeBetweenLayers": 12,
  "elk.layered.spacing.edgeEdgeBetweenLayers": 8,
  "elk.layered.crossingMinimization.semiInteractive": true,
  "elk.layered.nodePlacement.strategy": "NETWORK_SIMPLEX",
  "elk.layered.thoroughness": 1,
  "elk.separateConnectedComponents": false,
};
const KEPT = 30;  // layouts
const PATIENCE = 700;  // ms; about what a new worker takes to start
const COLUMNS = { input: -100, forward: 0, gradient: 100, update: 200 };  // from left to right
const PAD = "[top=30,left=14,bottom=14,right=14]";
// where arrows begin and end on the lower and the upper side of a box, as parts of its width
const PLACES = {
  out: { data: 0.5, climbs: 0.5, kept: 0.85, write: 0.15, control: 0.3 },
  in: { data: 0.5, climbs: 0.5, kept: 0.15, write: 0.85, control: 0.7 },
};

class Engine {
  constructor(source) {
    this.known = new Map();
    this.address = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
    this.start();
  }

  start() {
    this.worker = new Worker(this.address);
    this.waiting = new Map();
    this.last = 0;
    this.asked = "";
    this.worker.onmessage = ({ data }) => {
      const { resolve, reject } = this.waiting.get(data.id);
      this.waiting.delete(data.id);
      if (data.error) reject(new Error(data.error.message || String(data.error)));
      else resolve(data.data);
    };
    this.call({ cmd: "register", algorithms: ["layered"] });
  }

  call(message) {
    const id = this.last++;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      this.worker.postMessage({ id, ...message });
    });
  }

  /** Gives up a long layout that nobody waits for any more. */
  giveUp() {
    if (!this.asked || performance.now() - this.since < PATIENCE) return;
    this.known.delete(this.asked);
    this.worker.terminate();
    this.start();
  }

  /** The layout of a graph; that of an equal graph, such as a stage that changed nothing shown, is kept. */
  layout(graph) {
    const key = JSON.stringify(graph);
    if (!this.known.has(key)) {
      this.giveUp();
      this.since = performance.now();
      this.asked = key;
      const found = this.call({ cmd: "layout", graph, layoutOptions: SPACING, options: {} });
      this.running = found.finally(() => { if (this.asked === key) this.asked = ""; });
      this.known.set(key, this.running);
      if (this.known.size > KEPT) this.known.delete(this.known.keys().next().value);
    }
    return this.known.get(key);
  }

  /** Makes the layout of what is probably shown next, if the worker has nothing else to do. */
  foresee(shown) {
    if (!this.asked) this.layout(this.describe(shown).graph).catch(() => {});
  }

  /** Waits until the worker has nothing to do; for ever, if its layout is given up. */
  async idle() {
    while (this.asked) await this.running.catch(() => {});
  }

  /** Sets left, top, w, h of the boxes and frames, and `points` of the arrows that do not hide. */
  async place(shown) {
    const { graph, parts, arrows } = this.describe(shown), placed = await this.layout(graph);
    const settle = found => {
      for (const child of found.children || []) {
        Object.assign(parts.get(child.id), { left: child.x, top: child.y, w: child.width, h: child.height });
        settle(child);
      }
    };
    settle(placed);
    shown.root.w = placed.width;
    shown.root.h = placed.height;
    placed.edges.forEach((edge, i) => {
      arrows[i].paths = (edge.sections || []).map(s => {
        const points = [s.startPoint, ...(s.bendPoints || []), s.endPoint];
        return arrows[i].climbs ? points.reverse() : points;
      });
    });
    return shown;
  }

  /** What the engine gets: a graph, with the boxes and frames by their ids, and the arrows in the order of its edges. */
  describe(shown) {
    const parts = new Map(), arrows = shown.arrows.filter(a => !a.hidden);
    const node = item => {
      parts.set(item.id, item);
      if (!item.items) return { id: item.id, width: item.w, height: item.h, ports: (ports.get(item.id) || []).map(name => port(item, name)), layoutOptions: options(item, leaving) };
      return {
        id: item.id, children: item.items.map(node),
        layoutOptions: { "elk.position": "(0,0)", "elk.padding": PAD },
      };
    };
    const edges = arrows.map((a, i) => {
      const [from, to] = a.climbs ? [a.target, a.source] : [a.source, a.target], port = portOf(a);
      const straight = a.source.kind === "forward" && a.target.kind === "forward" ? 10 : 1;
      const ends = { sources: [`${from.id}#out ${port}`], targets: [`${to.id}#in ${port}`] };
      return { id: `e${i}`, ...ends, layoutOptions: { "elk.layered.priority.straightness": straight } };
    });
    const ports = new Map();
    for (const name of new Set(edges.flatMap(e => [...e.sources, ...e.targets]))) {
      const id = name.slice(0, name.lastIndexOf("#"));
      ports.set(id, [...(ports.get(id) || []), name]);
    }
    const leaving = new Set(edges.map(e => e.sources[0].slice(0, e.sources[0].lastIndexOf("#"))));
    const port = (item, name) => {
      const [way, kind] = name.slice(name.lastIndexOf("#") + 1).split(" ");
      const place = { x: Math.round(item.w * PLACES[way][kind]), y: way === "in" ? 0 : item.h };
      return { id: name, width: 0, height: 0, ...place, layoutOptions: { "elk.port.side": way === "in" ? "NORTH" : "SOUTH" } };
    };
    return { graph: { id: "root", children: shown.root.items.map(node), edges }, parts, arrows };
  }
}

/** Arrows of one kind share their ends at a box; others have their own, so that no line runs both ways. */
function portOf(arrow) {
  return arrow.climbs ? "climbs" : arrow.isKept ? "kept" : arrow.kind;
}

/** The column of a box; updates come last where no arrow leaves them. */
function options(item, leaving) {
  const last = item.key && item.part === "update" && !item.parent.scope && !leaving.has(item.id);
  const place = { "elk.portConstraints": "FIXED_POS", "elk.position": `(${COLUMNS[item.kind] ?? COLUMNS[item.part]},0)` };
  return last ? { ...place, "elk.layered.layering.layerConstraint": "LAST" } : place;
}
