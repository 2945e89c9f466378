"use strict";
// what is seen: boxes and arrows of a stage, with changes against the stage before it if asked for

function content() {
  const now = data.stages[state.stage];
  const boxes = [], arrows = [];
  const before = state.changes && state.stage > 0 ? data.stages[state.stage - 1] : null;
  const put = (index, status) => boxes.push({ ...data.boxes[index], status, count: 1, added: 0, removed: 0 });
  if (!before) {
    for (const i of now.boxes) put(i, "kept");
    for (const i of now.arrows) arrows.push({ a: data.arrows[i], status: "kept" });
    return { boxes, arrows };
  }
  const ids = stage => new Set(stage.boxes.map(i => data.boxes[i].id));
  const old = ids(before), young = ids(now);
  for (const i of now.boxes) put(i, old.has(data.boxes[i].id) ? "kept" : "added");
  for (const i of before.boxes) if (!young.has(data.boxes[i].id)) put(i, "removed");
  const oldArrows = new Set(before.arrows), newArrows = new Set(now.arrows);
  for (const i of now.arrows) arrows.push({ a: data.arrows[i], status: oldArrows.has(i) ? "kept" : "added" });
  for (const i of before.arrows) if (!newArrows.has(i)) arrows.push({ a: data.arrows[i], status: "removed" });
  return { boxes, arrows };
}

function foldedScope(scope) {
  for (let d = 1; d <= scope.length; d++) {
    const key = scope.slice(0, d).join("/");
    if (state.folded.has(key)) return key;
  }
  return null;
}

/** The tree of frames and boxes to draw, and the arrows between boxes. */
function visible() {
  const { boxes, arrows } = content();
  const root = { frame: true, scope: "", items: [], inner: new Map(), edges: [] };
  const where = new Map(), groups = new Map();
  const frameOf = scope => {
    let frame = root;
    scope.forEach((part, i) => {
      if (!frame.inner.has(part)) {
        const next = { frame: true, scope: scope.slice(0, i + 1).join("/"), items: [], inner: new Map(), edges: [], parent: frame };
        frame.inner.set(part, next);
        frame.items.push(next);
      }
      frame = frame.inner.get(part);
    });
    return frame;
  };
  for (const box of boxes) {
    const fold = foldedScope(box.scope);
    if (fold === null) {
      const frame = frameOf(box.scope);
      box.parent = frame;
      frame.items.push(box);
      where.set(box.id, box);
      box.hits = [box];
      continue;
    }
    let group = groups.get(fold);
    if (!group) {
      const path = fold.split("/");
      group = { id: fold + "/", name: fold, op: "", scope: path.slice(0, -1), kind: "", types: [], parameters: 0, flops: null,
        bytes: null, partial: false, source: "", attributes: "", inner: [], seconds: null, count: 0, added: 0, removed: 0, kinds: {}, hits: [], fold,
        statuses: new Set() };
      groups.set(fold, group);
      const frame = frameOf(group.scope);
      group.parent = frame;
      frame.items.push(group);
    }
    where.set(box.id, group);
    group.hits.push(box);
    group.count++;
    group.statuses.add(box.status);
    group.kinds[box.kind] = (group.kinds[box.kind] || 0) + 1;
    if (box.status === "added") group.added++;
    if (box.status === "removed") { group.removed++; continue; }
    group.parameters += box.parameters;
    group.flops = add(group.flops, box.flops);
    group.bytes = add(group.bytes, box.bytes);
    group.seconds = add(group.seconds, box.seconds);
    group.partial = group.partial || box.partial;
    if (box.name === fold) Object.assign(group, { op: box.op, kind: box.kind, types: box.types, source: box.source });
  }
  for (const group of groups.values()) {
    const most = names => names.filter(k => group.kinds[k]).sort((a, b) => group.kinds[b] - group.kinds[a])[0];
    group.kind = group.kind || most(["forward", "gradient", "update"]) || most(Object.keys(group.kinds));
    group.status = group.statuses.size === 1 ? [...group.statuses][0] : "changed";
  }
  const merged = new Map();
  for (const { a, status } of arrows) {
    const [from, to, type, kind] = a;
    const source = where.get(from), target = where.get(to);
    if (!source || !target || source === target) continue;
    const key = source.id + "\n" + target.id;
    const arrow = merged.get(key);
    const tensor = from + ":" + a[4];
    if (!arrow) merged.set(key, { source, target, type: data.types[type], kind, status, tensors: new Set([tensor]) });
    else {
      if (kind === "data" || arrow.kind === "shared") arrow.kind = kind;
      if (kind !== "control") arrow.tensors.add(tensor);
      if (arrow.status !== status) arrow.status = "kept";
    }
  }
  const all = [...merged.values()];
  hideDense(all);
  return { root, boxes: [...new Set(where.values())], arrows: all };
}

/**
 * Shared constants, many writes of one update, and orders between all of one set of boxes and all of another would cover
 * the rest: they are seen at the pointer only.
 */
function hideDense(arrows) {
  const after = new Map(), before = new Map(), written = new Map();
  const count = (map, key) => map.set(key, (map.get(key) || 0) + 1);
  for (const a of arrows) {
    if (a.kind === "control") { count(after, a.target); count(before, a.source); }
    if (a.kind === "write") count(written, a.target);
  }
  for (const a of arrows) {
    a.hidden = a.kind === "shared" || (a.kind === "write" && written.get(a.target) > MANY)
      || (a.kind === "control" && Math.min(after.get(a.target), before.get(a.source)) > MANY);
  }
}

// layout: each frame by itself in layers, the inner ones first; a frame is a box to the frame around it

function flatten(frame) {
  frame.items = frame.items.map(item => item.frame ? flatten(item) : item);
  if (frame.parent && frame.items.length === 1) {  // a scope of one thing needs no frame
    frame.items[0].parent = frame.parent;
    return frame.items[0];
  }
  return frame;
}

function measure(box) {
  const around = box.parent.scope ? box.parent.scope + "/" : "";
  box.label = box.name.startsWith(around) ? box.name.slice(around.length) : box.name.split("/").pop();
  const plain = ["input", "parameter", "state", "constant"].includes(box.kind);
  const told = box.op && !plain && !box.label.toLowerCase().includes(box.op.toLowerCase()) ? box.op : "";
  const long = box.label.length + told.length > LONG;
  box.kindLabel = long ? "" : told;
  box.lines = [...(told && long ? wrap(told) : []), ...costs(box)];
  const first = width(box.label, 11, true) + (box.kindLabel ? 6 + width(box.kindLabel, 11) : 0);
  box.w = Math.max(50, first, ...box.lines.map(l => width(l, 9.5))) + 18;
  box.h = 22 + 12 * box.lines.length;
}

function chain(item) {
  const out = [item];
  while (item.parent) out.push(item = item.parent);
  return out.reverse();
}

function lift(arrows) {
  for (const arrow of arrows) {
    const a = chain(arrow.source), b = chain(arrow.target);
    let i = 0;
    while (a[i] === b[i]) i++;
    if (!arrow.hidden && arrow.kind !== "write") a[i - 1].edges.push([a[i], b[i]]);
  }
}

function* within(item) {
  if (!item.frame) yield item;
  else for (const inner of item.items) yield* within(inner);
}

/** Gradients and updates stand in a column of their own, beside what they are the gradients of. */
function beside(item) {
  let work = false;
  for (const box of within(item)) {
    if (["forward", "input", "parameter", "state"].includes(box.kind)) return false;
    work ||= box.kind !== "constant";
  }
  return work;
}

function updates(item) {
  item.updates ??= [...within(item)].every(b => b.kind === "update" || b.kind === "constant");
  return item.updates;
}

function place(frame) {
  for (const item of frame.items) {
    item.side = frame.parent ? frame.side : beside(item);
    item.frame ? place(item) : measure(item);
  }
  const items = frame.items;
  items.forEach((item, i) => { item.order = i; item.after = new Set(); item.before = new Set(); });
  for (let [from, to] of frame.edges) {
    if (from.side !== to.side) continue;
    if (from.side && !updates(from) && !updates(to)) [from, to] = [to, from];  // gradients climb up
    from.after.add(to);
    to.before.add(from);
  }
  const main = stack(items.filter(i => !i.side || frame.parent), 0, frame.parent ? HEAD : 0);
  const side = frame.parent ? null : stack(items.filter(i => i.side), main.w ? main.w + 70 : 0, 0);
  if (side && side.h && side.h < main.h) for (const item of items) if (item.side) item.y += (main.h - side.h) / 2;
  const title = frame.parent ? width(frame.scope.split("/").pop(), 11) : 0;
  frame.w = Math.max(side && side.w || main.w, title) + 2 * PAD;
  frame.h = Math.max(main.h, side ? side.h : 0) + 2 * PAD;
}

/** Items in layers from (left, top) down; gives where the column ends. */
function stack(items, left, top) {
  if (!items.length) return { w: 0, h: top };
  const layers = layered(items);
  arrange(layers);
  const first = Math.min(...items.map(i => i.x));
  let y = top, right = 0;
  for (const layer of layers) {
    const high = Math.max(...layer.map(i => i.h));
    for (const item of layer) {
      item.y = y + (high - item.h) / 2 + PAD;
      item.x += PAD + left - first;
      right = Math.max(right, item.x + item.w - PAD);
    }
    y += high + RISE;
  }
  return { w: right, h: y - RISE };
}

/** Longest paths; where a cycle stands in the way (folding can make one), the item that comes first goes first. */
function layered(items) {
  const waits = new Map(items.map(i => [i, i.before.size]));
  const ready = items.filter(i => !i.before.size), layer = new Map(), order = [];
  let next = 0;
  for (let done = 0; done < items.length; done++) {
    let item = ready.shift();
    if (!item) {
      while (layer.has(items[next])) next++;
      item = items[next];
    }
    if (layer.has(item)) { done--; continue; }
    let depth = 0;
    for (const b of item.before) if (layer.has(b)) depth = Math.max(depth, layer.get(b) + 1);
    layer.set(item, depth);
    order.push(item);
    for (const a of item.after) {
      waits.set(a, waits.get(a) - 1);
      if (waits.get(a) === 0 && !layer.has(a)) ready.push(a);
    }
  }
  for (const item of order.reverse()) {  // what has no inputs goes next to its first reader
    if (item.before.size || !item.after.size) continue;
    layer.set(item, Math.max(0, Math.min(...[...item.after].map(a => layer.get(a))) - 1));
  }
  const rows = [];
  for (const item of items) (rows[layer.get(item)] ||= []).push(item);
  return rows.filter(Boolean);
}

function arrange(layers) {
  const middle = item => item.x + item.w / 2;
  const spread = layer => {
    let x = 0;
    for (const item of layer) { item.x = x; x += item.w + GAP; }
    for (const item of layer) item.x -= (x - GAP) / 2;
  };
  layers.forEach(spread);
  for (let sweep = 0; sweep < 6; sweep++) {
    const down = sweep % 2 === 0;
    for (const layer of down ? layers : [...layers].reverse()) {
      const bound = layer.filter(i => i.before.size || i.after.size);
      for (const item of bound) {
        const [first, second] = down ? [item.before, item.after] : [item.after, item.before];
        const near = first.size ? first : second;
        item.wish = [...near].reduce((s, n) => s + middle(n), 0) / near.size;
      }
      const mean = bound.length ? bound.reduce((s, i) => s + i.wish, 0) / bound.length : 0;
      for (const item of layer) if (!bound.includes(item)) item.wish = mean;
      layer.sort((a, b) => a.wish - b.wish || a.order - b.order);
      let edge = -Infinity;
      for (const item of layer) { item.x = Math.max(item.wish - item.w / 2, edge); edge = item.x + item.w + GAP; }
      // What was pushed to the right comes back by half of the mean push.
      const push = layer.reduce((s, i) => s + middle(i) - i.wish, 0) / layer.length;
      for (const item of layer) item.x -= push;
    }
  }
}

function settle(frame, x, y) {
  for (const item of frame.items) {
    item.left = x + item.x;
    item.top = y + item.y;
    if (item.frame) settle(item, item.left, item.top);
  }
}
