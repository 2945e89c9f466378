// What is wrong with how the page stands on the screen: a list of sentences, empty if nothing is.
const wrong = [], ids = ["title", "facts", "layers", "ops", "search", "fewer", "more", "fit", "svg", "png", "dark"];
const regions = ["stages", "canvas", "legend", "timeline", "panel"].map(id => document.getElementById(id)).filter(e => e.checkVisibility());
const parts = [...ids.map(id => document.getElementById(id)), ...regions].map(e => [e.id, e.getBoundingClientRect()]);
parts.forEach(([name, a], i) => {
  if (a.left < 0 || a.top < 0 || a.right > innerWidth + 0.5 || a.bottom > innerHeight + 0.5 || a.width < 8 || a.height < 8) wrong.push(`${name} is not all in sight`);
  for (const [other, b] of parts.slice(i + 1))
    if (a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 1 && b.top < a.bottom - 1) wrong.push(`${name} overlaps ${other}`);
});
if (document.documentElement.scrollWidth > innerWidth) wrong.push("the page is wider than the screen");

const paint = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
const over = (colours, opacity = 1) => {  // the colour of layers, the lowest first; opacity: of the highest
  paint.clearRect(0, 0, 1, 1);
  colours.forEach((colour, i) => {
    paint.globalAlpha = i === colours.length - 1 ? opacity : 1;
    paint.fillStyle = colour;
    paint.fillRect(0, 0, 1, 1);
  });
  return [...paint.getImageData(0, 0, 1, 1).data];
};
const luminance = rgb => rgb.slice(0, 3).map(v => v / 255).map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4).reduce((s, v, i) => s + v * [0.2126, 0.7152, 0.0722][i], 0);
const contrast = (a, b) => { const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y); return (high + 0.05) / (low + 0.05); };
const told = new Set();
const check = (text, colour, grounds, opacity = 1) => {
  const found = contrast(over([...grounds, colour], opacity), over(grounds));
  if (found < 4.5 && !told.has(text)) { told.add(text); wrong.push(`"${text}" has a contrast of ${found.toFixed(1)}`); }
};
const page = getComputedStyle(document.body).backgroundColor;
for (const t of document.querySelectorAll("#graph .box text")) {
  const { fill, fillOpacity } = getComputedStyle(t);
  check(t.textContent, fill, [page, getComputedStyle(t.parentNode.querySelector(".sheet")).fill], +fillOpacity);
}
for (const e of document.querySelectorAll("header *, nav button:not(.idle), nav button.on, nav button.on *, nav p, #legend span, #panel *, .tabs *")) {
  if (![...e.childNodes].some(n => n.nodeType === 3 && n.data.trim()) || !e.checkVisibility()) continue;
  const grounds = [];
  for (let a = e; a; a = a.parentElement) grounds.unshift(getComputedStyle(a).backgroundColor);
  check(e.textContent.trim(), getComputedStyle(e).color, [page, ...grounds]);
}
return wrong;
