// Saves the picture as it is shown, with its colours, as SVG or PNG.

/** The whole picture as the text of an SVG file. */
function svgText(shown, layer) {
  const { w, h } = shown.root, margin = 20;
  const svg = draw("svg", { xmlns: NS, class: "saved", width: w + 2 * margin, height: h + 2 * margin, viewBox: `${-margin} ${-margin} ${w + 2 * margin} ${h + 2 * margin}` });
  const names = document.documentElement.classList.contains("dark") ? /^:root/ : /^:root \{/;
  const rules = [...document.styleSheets[0].cssRules].flatMap(r => r.media?.mediaText === "screen" ? [...r.cssRules] : [r]);
  const sheet = rules.filter(r => names.test(r.cssText) || r.selectorText?.includes(".saved"));
  draw("style", {}, svg, sheet.map(r => r.cssText.replace(":root.dark", ":root")).join("\n"));
  draw("rect", { x: -margin, y: -margin, width: "100%", height: "100%", style: "fill:var(--page)" }, svg);
  svg.append(layer.cloneNode(true));
  return new XMLSerializer().serializeToString(svg);
}

function save(name, blob) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

const saveSvg = (name, text) => save(`${name}.svg`, new Blob([text], { type: "image/svg+xml" }));

/** Twice the size of the screen's pixels, as far as a canvas can be that large. */
async function savePng(name, text, { w, h }) {
  const image = new Image(), scale = Math.min(2, 16000 / Math.max(w, h));
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`;
  await image.decode();
  const canvas = document.createElement("canvas");
  canvas.width = image.width * scale;
  canvas.height = image.height * scale;
  const context = canvas.getContext("2d");
  context.scale(scale, scale);
  context.drawImage(image, 0, 0);
  canvas.toBlob(blob => save(`${name}.png`, blob));
}
