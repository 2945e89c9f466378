// The boxes, frames and arrows to show: scopes that are not open become single boxes.

const MANY = 3;  // arrows of one kind at one box, beyond which writes, orders and reads by updates hide
const CROWD = 12;  // arrows from gradients to updates, beyond which they hide

/** Turns the rows of the data into objects. */
function decode(data) {
  const { columns, scopes, types } = data;
  data.boxes = data.boxes.map(row => {
    const box = Object.fromEntries(columns.map((name, i) => [name, row[i]]));
    box.scope = scopes[box.scope];
    box.layer = scopes[box.layer];
    box.types = box.types.map(i => types[i]);
    return box;
  });
  data.memory.places = data.memory.places.map(([box, name, offset, bytes, first, last]) => ({ box, name, offset, bytes, first, last }));
  return data;
}

/** The numbers of the arrows of a stage, from what each stage before it took away and added. */
function arrowsOf(data, stage) {
  const found = new Set();
  for (const { arrows: [gone, come] } of data.stages.slice(0, stage + 1)) {
    for (const i of gone) found.delete(i);
    for (const i of come) found.add(i);
  }
  return [...found];
}

function arrowOf(data, i, status) {
  const [source, target, type, kind, output] = data.arrows[i];
  return { source, target, type: data.types[type], kind, output, status };
}

/** The boxes and arrows of a stage; with `changes` also those that its pass removed. */
function stageGraph(data, stage, changes) {
  const boxesOf = i => data.stages[i].boxes.map(j => data.boxes[j]), numbers = arrowsOf(data, stage);
  const boxes = boxesOf(stage).map(box => ({ ...box, status: "kept" }));
  const arrows = numbers.map(i => arrowOf(data, i, "kept"));
  if (!changes || stage === 0) return { boxes, arrows };
  const before = boxesOf(stage - 1), old = new Set(before.map(b => b.id)), now = new Set(boxes.map(b => b.id));
  for (const box of boxes) if (!old.has(box.id)) box.status = "added";
  for (const box of before) if (!now.has(box.id)) boxes.push({ ...box, status: "removed" });
  const oldArrows = new Set(arrowsOf(data, stage - 1)), nowArrows = new Set(numbers);
  numbers.forEach((i, at) => { if (!oldArrows.has(i)) arrows[at].status = "added"; });
  for (const i of oldArrows) if (!nowArrows.has(i)) arrows.push(arrowOf(data, i, "removed"));
  return { boxes, arrows };
}

/** What is shown of a graph with the scopes `open`: {root, boxes, arrows}. `path` is "layer" or "scope". */
function shownGraph(graph, path, open, words) {
  const root = { scope: "", items: [] }, frames = new Map([["", root]]), shown = new Map(), where = new Map();
  const constants = new Set(graph.boxes.filter(b => b.kind === "constant").map(b => b.id));
  for (const box of graph.boxes) {
    let frame = root, key = "", folded = false;
    for (const part of box[path]) {
      key = key ? `${key}/${part}` : part;
      if (!open.has(key)) { folded = true; break; }
      if (!frames.has(key)) {
        const inner = { scope: key, items: [], parent: frame, id: `frame ${key}` };
        frames.set(key, inner);
        frame.items.push(inner);
      }
      frame = frames.get(key);
    }
    const id = folded ? `${key}/${box.part}` : box.id;
    if (!shown.has(id)) {
      const item = { id, key: folded ? key : "", members: [], part: box.part, parent: frame };
      shown.set(id, item);
      frame.items.push(item);
    }
    shown.get(id).members.push(box);
    where.set(box.id, shown.get(id));
  }
  hoist(root);
  const boxes = [...shown.values()];
  const sizes = new Map();
  for (const box of boxes) if (box.key) sizes.set(box.key, Math.max(sizes.get(box.key) || 0, box.members.length));
  for (const box of boxes) summarise(box, words, box.key && sizes.get(box.key) > 1);
  return { root, boxes, arrows: shownArrows(graph.arrows, where, constants) };
}

/** Drops frames around a single item. */
function hoist(frame) {
  frame.items = frame.items.map(item => {
    if (!item.items) return item;
    hoist(item);
    if (item.items.length > 1 || item.items[0].items) return item;
    item.items[0].parent = frame;
    return item.items[0];
  });
}

/** Sums over the members of a box. */
function summarise(box, words, canOpen) {
  const live = box.members.filter(b => b.status !== "removed"), [first] = box.members;
  const sum = name => live.some(b => b[name] !== null) ? live.reduce((s, b) => s + (b[name] || 0), 0) : null;
  const head = box.members.find(b => b.name === box.key), computed = live.filter(b => b.kind === "forward" && b.types.length && b.op !== "ReadVariable");
  const single = box.members.length === 1 ? first : null, last = head || computed.at(-1);
  const statuses = new Set(box.members.map(b => b.status));
  Object.assign(box, {
    canOpen, single,
    kind: single ? first.kind : head ? head.kind : kindOf(box, computed),
    op: single ? first.op : head ? head.op : "",
    words: box.part === "forward" && computed.length && words[box.key] || "",
    type: single ? first.types.at(first.title ? -1 : 0) : last && box.part === "forward" ? last.types.at(last.title ? -1 : 0) : "",
    parameters: sum("parameters") || 0, flops: sum("flops"), bytes: sum("bytes"), seconds: sum("seconds"),
    partial: live.some(b => b.partial),
    status: statuses.size === 1 ? first.status : "changed",
    added: box.members.filter(b => b.status === "added").length,
    removed: box.members.filter(b => b.status === "removed").length,
  });
}

function kindOf(box, computed) {
  if (box.part !== "forward") return box.part;
  return computed.length ? "forward" : (box.members.find(b => b.kind === "parameter") || box.members[0]).kind;
}

/** One arrow for each pair of boxes, and whether it hides. */
function shownArrows(arrows, where, constants) {
  const merged = new Map();
  for (const arrow of arrows) {
    const source = where.get(arrow.source), target = where.get(arrow.target);
    if (!source || !target || source === target) continue;
    const key = `${source.id}\n${target.id}`;
    let found = merged.get(key);
    if (!found) merged.set(key, found = { source, target, kinds: new Set(), statuses: new Set(), tensors: new Map() });
    found.kinds.add(source.key && constants.has(arrow.source) ? "shared" : arrow.kind);  // a merged constant is no flow
    found.statuses.add(arrow.status);
    if (arrow.kind === "data") found.tensors.set(`${arrow.source}:${arrow.output}`, arrow.type);
  }
  const all = [...merged.values()];
  for (const arrow of all) {
    arrow.kind = ["data", "write", "control", "shared"].find(k => arrow.kinds.has(k));
    arrow.status = arrow.statuses.size === 1 ? [...arrow.statuses][0] : "kept";
  }
  hide(all);
  return all;
}

/** Hides what would only make a tangle; the panel lists it all. */
function hide(arrows) {
  const count = (kind, end) => {
    const found = new Map();
    for (const a of arrows) if (a.kind === kind) found.set(a[end], (found.get(a[end]) || 0) + 1);
    return found;
  };
  const reads = count("data", "target"), writes = count("write", "target");
  const after = count("control", "target"), before = count("control", "source");
  const crowd = arrows.filter(a => a.kind === "data" && a.target.part === "update" && a.source.part !== "update").length;
  for (const a of arrows) {
    const updates = a.target.part === "update" && a.source.part !== "update";
    a.hidden = a.kind === "shared" || (a.kind === "write" && (a.source.key || a.target.key || writes.get(a.target) > MANY))
      || (a.kind === "control" && Math.min(after.get(a.target), before.get(a.source)) > MANY)
      || (a.kind === "data" && updates && (crowd > CROWD || reads.get(a.target) > MANY));
    // What the gradient keeps of the forward part is drawn faintly.
    a.isKept = a.kind === "data" && a.source.part === "forward" && a.target.part === "gradient";
    // Gradients climb beside what they are the gradients of.
    a.climbs = a.source.part === "gradient" && a.target.part === "gradient";
  }
}
