// Draws a laid-out graph as SVG.

const LINE = 14, TOP = 17;

/** The lines of a box: its name first. */
function label(box, frame, timed) {
  const facts = [], type = box.type ? shapeOf(box.type) : "";
  if (timed && box.seconds !== null) facts.push(duration(box.seconds));
  const name = nameOf(box, frame), told = name.toLowerCase().includes(box.words.toLowerCase());
  if (box.words && !told) facts.push(box.words);
  if (!box.single && !box.words && box.kind !== "parameter") facts.push(`${box.members.length.toLocaleString("en")} operations`);
  if (type && type !== "scalar") facts.push(type);
  const costs = [];
  if (box.parameters) costs.push(amount(box.parameters, "") + (box.parameters === 1 ? " parameter" : " parameters"));
  if (box.flops) costs.push((box.partial ? "≥ " : "") + amount(box.flops, "FLOP"));
  if (costs.length) facts.push(costs.join(" · "));
  if (!box.single && (box.added || box.removed)) facts.push(`+${box.added} −${box.removed}`);
  return { names: lines(name), facts };
}

/** A long title of parts in lines of about 36 letters. */
function lines(name) {
  const found = [""];
  for (const part of name.split(/(?<=\+ )/)) {
    if (found.at(-1) && (found.at(-1) + part).length > 36) found.push("");
    found[found.length - 1] += part;
  }
  return found;
}

/** The name inside its frame, and the operation where it says more. */
function nameOf(box, frame) {
  if (box.key) {
    const name = box.key.slice(frame.scope ? frame.scope.length + 1 : 0).replaceAll(" ", "/");
    return box.part === "gradient" ? `∇ ${name}` : name;
  }
  const [only] = box.members;
  if (only.title) return only.title;
  const leaf = only.name.split("/").at(-1);
  const variable = ["input", "parameter", "state", "constant"].includes(only.kind);
  return variable || leaf.toLowerCase().includes(only.op.toLowerCase()) ? leaf : `${leaf}  ${only.op}`;
}

const short = text => text.length > 64 ? `${text.slice(0, 63)}…` : text;

/** Gives boxes their lines and sizes. */
function measure(shown, timed, values) {
  for (const box of shown.boxes) {
    const { names, facts } = label(box, box.parent, timed);
    box.label = short(names.join(""));
    box.names = names.map(short);
    box.facts = facts.map(short);
    const widths = [...box.names.map(n => widthOf(n, 12, true)), ...box.facts.map(f => widthOf(f, 10.5))];
    const seen = values && values.onBox(box);
    box.image = seen?.picture && { picture: seen.picture, ...values.sizeOf(seen.picture) };
    box.mark = seen?.origin ? `${seen.origin.kind} began here` : seen?.bad ? `has ${seen.bad}` : "";
    box.began = Boolean(seen?.origin);
    box.w = Math.ceil(Math.max(60, ...widths, box.image?.w || 0, box.mark ? widthOf(box.mark, 10.5, true) : 0)) + 20 + (box.canOpen ? 18 : 0);
    box.h = 12 + LINE * (box.names.length + box.facts.length + (box.mark ? 1 : 0)) + (box.image ? box.image.h + 6 : 0);
  }
}

/** The picture as a group; gives boxes and arrows their elements. */
function picture(shown, colour, values) {
  const layer = draw("g", {});
  const defs = draw("defs", {}, layer);
  const marker = draw("marker", { id: "tip", viewBox: "0 0 8 8", refX: 7.5, refY: 4, markerWidth: 7.5, markerHeight: 7.5, markerUnits: "userSpaceOnUse", orient: "auto-start-reverse" }, defs);
  draw("path", { d: "M0 0.5L8 4L0 7.5z", class: "tip" }, marker);
  drawFrames(shown.root, layer);
  for (const arrow of shown.arrows) if (!arrow.hidden) drawArrow(arrow, layer);
  for (const frame of framesOf(shown.root)) drawTitle(frame, layer);
  for (const box of shown.boxes) drawBox(box, layer, colour, values);
  return layer;
}

function framesOf(frame) {
  return frame.items.filter(i => i.items).flatMap(i => [i, ...framesOf(i)]);
}

function drawFrames(root, layer) {
  for (const f of framesOf(root)) draw("rect", { x: f.left, y: f.top, width: f.w, height: f.h, rx: 9, class: "frame" }, layer);
}

function drawTitle(frame, layer) {
  const outer = frame.parent.scope ? frame.parent.scope.length + 1 : 0;
  let name = frame.scope.slice(outer).replaceAll(" ", "/");
  while (name.length > 1 && widthOf(name, 11) > frame.w - 38) name = `${name.slice(0, -2)}…`;
  draw("text", { x: frame.left + 27, y: frame.top + 18, class: "framename" }, layer, name);
  const button = drawButton(frame.left + 15, frame.top + 14, "M-3.5 0H3.5", layer);
  button.dataset.close = frame.scope;
}

function drawButton(x, y, sign, layer) {
  const group = draw("g", { class: "button", transform: `translate(${x} ${y})` }, layer);
  draw("circle", { r: 7 }, group);
  draw("path", { d: sign }, group);
  return group;
}

function drawArrow(arrow, layer) {
  const names = ["arrow", arrow.kind, arrow.isKept ? "kept" : "", arrow.status === "kept" ? "" : arrow.status];
  arrow.elements = arrow.paths.map(points => {
    const ends = { [arrow.kind === "write" ? "marker-start" : "marker-end"]: "url(#tip)" };
    return draw("path", { d: rounded(points), class: names.filter(Boolean).join(" "), ...ends }, layer);
  });
}

/** A line through the points with rounded corners. */
function rounded(points) {
  let d = `M${points[0].x} ${points[0].y}`;
  for (let i = 1; i < points.length - 1; i++) {
    const [a, b, c] = [points[i - 1], points[i], points[i + 1]];
    const r = Math.min(5, Math.hypot(b.x - a.x, b.y - a.y) / 2, Math.hypot(c.x - b.x, c.y - b.y) / 2);
    const near = p => { const l = Math.hypot(p.x - b.x, p.y - b.y) || 1; return `${b.x + (p.x - b.x) * r / l} ${b.y + (p.y - b.y) * r / l}`; };
    d += `L${near(a)}Q${b.x} ${b.y} ${near(c)}`;
  }
  return `${d}L${points.at(-1).x} ${points.at(-1).y}`;
}

function drawBox(box, layer, colour, values) {
  const group = draw("g", { class: "box", transform: `translate(${box.left} ${box.top})`, "data-id": box.id, "data-kind": box.kind }, layer);
  const { fill, line } = colour(box);
  if (box.canOpen) draw("rect", { x: 3, y: 3, width: box.w, height: box.h, rx: 7, style: `fill:${fill};stroke:${line}`, class: "sheet" }, group);
  const sheet = draw("rect", { width: box.w, height: box.h, rx: 7, style: `fill:${fill};stroke:${line}`, class: "sheet" }, group);
  if (box.status === "removed") sheet.setAttribute("stroke-dasharray", "5 3");
  box.names.forEach((name, i) => draw("text", { x: 10, y: TOP + LINE * i, class: "name" }, group, name));
  box.facts.forEach((fact, i) => draw("text", { x: 10, y: TOP + LINE * (i + box.names.length), class: "fact" }, group, fact));
  const below = TOP + LINE * (box.names.length + box.facts.length);
  if (box.mark) {
    draw("text", { x: 10, y: below, class: `fact bad` }, group, box.mark);
    if (box.began) sheet.classList.add("began");
  }
  if (box.image) {
    const { picture, w, h } = box.image;
    draw("image", { x: 10, y: box.h - h - 8, width: w, height: h, href: values.address(picture), class: "values" }, group);
  }
  if (box.canOpen) drawButton(box.w - 13, 13, "M-3.5 0H3.5M0 -3.5V3.5", group).dataset.open = box.key;
  box.group = group;
}
