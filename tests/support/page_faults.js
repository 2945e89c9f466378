// What is wrong with the picture that the page shows: a list of sentences, empty if nothing is.
const { shown } = app, wrong = [], frames = framesOf(shown.root);
const rect = (x, y, w, h) => ({ x1: x + 0.5, y1: y + 0.5, x2: x + w - 0.5, y2: y + h - 0.5 });
const of = item => rect(item.left, item.top, item.w, item.h);
const meet = (a, b) => a.x1 < b.x2 && b.x1 < a.x2 && a.y1 < b.y2 && b.y1 < a.y2;
const holds = (frame, item) => { for (let f = item; f; f = f.parent) if (f === frame) return true; return false; };
const name = item => item.key || item.scope || item.members[0].name;
const items = [...shown.boxes, ...frames];

items.forEach((a, i) => items.slice(i + 1).forEach(b => {
  if (!holds(a, b) && !holds(b, a) && meet(of(a), of(b))) wrong.push(`${name(a)} overlaps ${name(b)}`);
}));
for (const item of items) {
  const f = item.parent;
  if (f.scope && !(item.left >= f.left && item.top >= f.top && item.left + item.w <= f.left + f.w && item.top + item.h <= f.top + f.h))
    wrong.push(`${name(item)} sticks out of ${name(f)}`);
}
for (const arrow of shown.arrows) {
  if (arrow.hidden) continue;
  if (!arrow.paths.length) wrong.push(`no arrow from ${name(arrow.source)} to ${name(arrow.target)}`);
  for (const points of arrow.paths) for (let i = 1; i < points.length; i++) {
    const [a, b] = [points[i - 1], points[i]];
    if (a.x !== b.x && a.y !== b.y && Math.min(Math.abs(a.x - b.x), Math.abs(a.y - b.y)) > 0.5)
      wrong.push(`the arrow from ${name(arrow.source)} to ${name(arrow.target)} slants`);
    const line = { x1: Math.min(a.x, b.x), y1: Math.min(a.y, b.y), x2: Math.max(a.x, b.x), y2: Math.max(a.y, b.y) };
    for (const item of items) {
      const own = item.items ? holds(item, arrow.source) || holds(item, arrow.target) : item === arrow.source || item === arrow.target;
      if (!own && meet({ x1: line.x1 - 0.01, y1: line.y1 - 0.01, x2: line.x2 + 0.01, y2: line.y2 + 0.01 }, of(item)))
        wrong.push(`the arrow from ${name(arrow.source)} to ${name(arrow.target)} crosses ${name(item)}`);
    }
  }
  const [first, last] = [arrow.paths[0][0], arrow.paths.at(-1).at(-1)];
  const touches = (p, b) => p.x >= b.left - 1 && p.x <= b.left + b.w + 1 && (Math.abs(p.y - b.top) < 1 || Math.abs(p.y - b.top - b.h) < 1);
  if (!touches(first, arrow.source) || !touches(last, arrow.target)) wrong.push(`the arrow from ${name(arrow.source)} to ${name(arrow.target)} does not reach them`);
}
const texts = [...document.querySelectorAll("#graph text")].map(t => ({ text: t.textContent, box: t.getBBox(), m: t.getCTM(), inside: t.closest(".box") }));
const base = document.getElementById("graph").getCTM();
const labels = texts.map(({ text, box, m, inside }) => {
  const x = (m.e - base.e) / base.a, y = (m.f - base.f) / base.d;
  return { text, inside, x1: box.x + x + 1, y1: box.y + y + 2, x2: box.x + x + box.width - 1, y2: box.y + y + box.height - 2 };
}).sort((a, b) => a.y1 - b.y1);
labels.forEach((a, i) => {
  for (let j = i + 1; j < labels.length && labels[j].y1 < a.y2; j++) if (meet(a, labels[j])) wrong.push(`"${a.text}" overlaps "${labels[j].text}"`);
});
for (const { text, inside, x2 } of labels) {
  const box = inside && shown.boxes.find(b => b.group === inside);
  if (box && x2 > box.left + box.w) wrong.push(`"${text}" is wider than its box`);
}
for (const { text, inside, ...place } of labels) if (!inside) for (const box of shown.boxes) if (meet(place, of(box))) wrong.push(`"${text}" lies on ${name(box)}`);
return wrong;
