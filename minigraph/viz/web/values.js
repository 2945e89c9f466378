// The values of a recorded run: their pictures and statistics.

const SCALES = {  // colours from the least to the greatest number
  maps: ["#440154", "#3b528b", "#21918c", "#5ec962", "#fde725"],
  signed: ["#2166ac", "#92c5de", "#f7f7f7", "#f4a582", "#b2182b"],
  image: ["#000000", "#ffffff"],
};
const NOT_A_NUMBER = [255, 0, 200];
const ROW = 8;  // tiles in a row on a box
const [CELL, LARGE, VECTOR] = [17, 72, 128];  // pixels of a tile on a box, of an image, of a vector's width
const NARROW = 12;  // numbers up to which a vector is drawn as bars

class Values {
  constructor(data, pixels) {
    Object.assign(this, { data, pixels, drawn: new Map(), seen: new Map() });
    data.values.rows.forEach((row, order) => {
      const seen = Object.fromEntries(data.values.columns.map((name, i) => [name, row[i]]));
      if (seen.picture) {
        const [kind, tiles, rows, columns, colours, offset, low, high, total] = seen.picture;
        seen.picture = { kind, tiles, rows, columns, colours, offset, low, high, total, name: seen.name };
      }
      this.seen.set(seen.name, Object.assign(seen, { order }));
    });
    for (const [name, source] of data.values.same) this.seen.set(name, { ...this.seen.get(source), name });
    this.origins = new Map(data.values.origins.map(([kind, node, says]) => [node, { kind, says }]));
  }

  get recorded() { return this.seen.size > 0; }

  /** The values behind an operation of any stage, in the order of the run. */
  ofOperation(box) {
    const names = new Set(box.names.length ? [...box.names, box.name] : [box.name]);
    return [...names].map(n => this.seen.get(n)).filter(Boolean).sort((a, b) => a.order - b.order);
  }

  /** The values behind a shown box: those with pictures that tell most come first. */
  ofBox(box) {
    if (box.single) return this.ofOperation(box.single).reverse();
    const members = box.members.filter(b => b.status !== "removed" && b.kind !== "state");
    const found = [...new Set(members.flatMap(b => this.ofOperation(b)))].sort((a, b) => b.order - a.order);
    const last = found.find(s => s.picture && this.isComputed(s, box)), learned = new Set(members.filter(b => b.kind === "parameter").map(b => b.name));
    const rank = seen => seen === last ? 3 : seen.picture ? learned.has(seen.name) ? 2 : 1 : 0;
    return found.sort((a, b) => rank(b) - rank(a) || b.order - a.order);
  }

  /** What a box shows of the run: a picture, and whether NaN or infinities are in it or begin there. */
  onBox(box) {
    const found = this.ofBox(box), shown = found.find(s => s.picture);
    const bad = name => found.some(s => s[name]);
    const origin = found.map(s => this.origins.get(s.name)).find(Boolean);
    return { picture: shown?.picture, bad: bad("nans") ? "NaN" : bad("infinities") ? "infinities" : "", origin };
  }

  /** Whether a value is computed in a box, rather than a variable or a constant in it. */
  isComputed(seen, box) {
    return box.members.some(b => b.kind === box.kind && (b.name === seen.name || b.names.includes(seen.name)));
  }

  /** The size of a picture with so many tiles in a row. */
  sizeOf(picture, row = ROW, cell = CELL) {
    const { kind, tiles, rows, columns } = picture;
    if (kind === "vector") return { w: VECTOR, h: columns * rows <= NARROW ? 30 : Math.max(6, Math.round(VECTOR * rows / columns)) };
    const longest = Math.max(rows, columns), count = Math.min(row, tiles);
    const side = kind === "image" || kind === "matrix" ? LARGE : tiles <= ROW / 2 ? 2 * cell : cell;
    return { w: count * (side * columns / longest + 2) - 2, h: Math.ceil(tiles / row) * (side * rows / longest + 2) - 2 };
  }

  /** The address of a picture, drawn twice as large as `sizeOf` says. */
  address(picture, row = ROW, cell = CELL) {
    const key = `${picture.name} ${row} ${cell}`;
    if (!this.drawn.has(key)) this.drawn.set(key, this.paint(picture, row, cell).toDataURL());
    return this.drawn.get(key);
  }

  paint(picture, row, cell) {
    const { kind, tiles, rows, columns } = picture, { w, h } = this.sizeOf(picture, row, cell);
    const canvas = document.createElement("canvas"), context = canvas.getContext("2d");
    canvas.width = Math.round(2 * w);
    canvas.height = Math.round(2 * h);
    if (kind === "vector" && columns * rows <= NARROW) return this.bars(picture, canvas, context);
    context.imageSmoothingEnabled = false;
    const count = Math.min(row, tiles), dx = (canvas.width + 4) / count, dy = (canvas.height + 4) / Math.ceil(tiles / row);
    const tile = document.createElement("canvas");
    tile.width = columns;
    tile.height = rows;
    for (let i = 0; i < tiles; i++) {
      tile.getContext("2d").putImageData(new ImageData(this.colours(picture, i), columns, rows), 0, 0);
      context.drawImage(tile, i % row * dx, Math.floor(i / row) * dy, dx - 4, dy - 4);
    }
    return canvas;
  }

  scaleOf(picture) { return picture.low < 0 && picture.kind !== "image" ? SCALES.signed : picture.kind === "image" ? SCALES.image : SCALES.maps; }

  /** The pixels of a tile. */
  colours(picture, tile) {
    const { rows, columns, colours, offset } = picture, size = rows * columns, found = new Uint8ClampedArray(4 * size);
    const palette = paletteOf(this.scaleOf(picture)), start = offset + tile * size * colours;
    const order = this.data.values.channels === "BGR" ? [2, 1, 0] : [0, 1, 2];
    for (let i = 0; i < size; i++) {
      const level = this.pixels[start + i * colours];
      const colour = level === 0 ? NOT_A_NUMBER : colours === 3 ? order.map(c => this.pixels[start + 3 * i + c]) : palette[level];
      found.set([...colour, 255], 4 * i);
    }
    return found;
  }

  /** A vector of few numbers as bars from zero. */
  bars({ low, high, rows, columns, offset }, canvas, context) {
    const { width: w, height: h } = canvas, count = rows * columns, top = Math.max(high, 0), bottom = Math.min(low, 0);
    const y = value => h * (top - value) / (top - bottom || 1), each = w / count;
    for (let i = 0; i < count; i++) {
      const level = this.pixels[offset + i], value = low + (level - 1) / 254 * (high - low);
      context.fillStyle = level ? value < 0 ? "#2f78b3" : "#bf4133" : `rgb(${NOT_A_NUMBER})`;
      const end = level ? y(value) : 0;
      context.fillRect(i * each + 1, Math.min(y(0), end), each - 2, Math.max(2, Math.abs(end - y(0))));
    }
    return canvas;
  }

  /** Pictures and statistics of a box in the panel. */
  show(box, panel) {
    const found = this.ofBox(box);
    if (!found.length) return;
    panel.section("values of the run");
    for (const seen of found) {
      const origin = this.origins.get(seen.name);
      if (origin) add("p", panel.element, origin.says, "bad");
    }
    const pictures = found.filter(s => s.picture).slice(0, box.single ? 8 : 4);
    for (const seen of pictures) this.figure(seen, panel, box);
    if (box.single || found.length === 1) {
      const told = found.find(s => !s.picture) || found[0];
      if (!pictures.includes(told)) this.told(told, panel);
    }
  }

  figure(seen, panel, box) {
    const { picture } = seen, row = picture.tiles > 9 ? 4 : 3, cell = picture.tiles > 9 ? 60 : 80;
    const title = add("p", panel.element, undefined, "figuretitle"), id = box.members.find(b => b.name === seen.name)?.id;
    if (box.single || !id) title.textContent = seen.name;
    else panel.link(title, seen.name, id);
    const image = add("img", panel.element, undefined, "figure"), { w, h } = this.sizeOf(picture, row, cell);
    const scale = Math.min(2, 190 / w);
    image.src = this.address(picture, row, cell);
    image.alt = `values of ${seen.name}`;
    if (picture.tiles === 1) image.style.cssText = `width:${w * scale}px;height:${h * scale}px`;
    const words = { maps: "maps", filters: "filters", vector: "numbers", matrix: "", image: "" }[picture.kind];
    const shown = picture.kind === "vector" ? picture.rows * picture.columns : picture.tiles;
    const count = words ? `${shown < picture.total ? `${shown} of ` : ""}${picture.total.toLocaleString("en")} ${words}` : "";
    if (count) add("p", panel.element, count, "soft");
    const scaleline = add("p", panel.element, undefined, "soft scaleline");
    if (picture.colours === 1 && (picture.kind !== "vector" || shown > NARROW)) {
      scaleline.append(number(picture.low), " ");
      add("span", scaleline, undefined, "scale").style.background = `linear-gradient(to right, ${this.scaleOf(picture)})`;
      scaleline.append(" ", number(picture.high));
    } else scaleline.append(`${number(picture.low)} to ${number(picture.high)}`);
    this.told(seen, panel);
  }

  told(seen, panel) {
    const share = n => n ? `${percent(n / seen.size)}${n < 1000 ? ` (${n} of ${seen.size.toLocaleString("en")})` : ""}` : "";
    if (seen.histogram.length) histogram(seen.histogram, panel.element);
    panel.table([
      ["least, greatest", seen.low === null ? "no finite number" : `${number(seen.low)}, ${number(seen.high)}`],
      ["mean, deviation", seen.mean === null ? "" : `${number(seen.mean)}, ${number(seen.std)}`],
      ["zeros", seen.zeros ? share(seen.zeros) : "none"],
      ["NaN", share(seen.nans)],
      ["infinite", share(seen.infinities)],
    ]);
  }

  /** The panel without a selection. */
  overview(panel) {
    add("h2", panel.element, "Values of one run");
    if (this.data.values.fed) add("p", panel.element, this.data.values.fed, "soft");
    for (const [node, origin] of this.origins) {
      const line = add("p", panel.element, `${origin.says} `, "bad"), box = this.data.boxes.find(b => b.name === node);
      if (box) panel.link(line, "show", `${box.id} 0`);
    }
    if (!this.origins.size) add("p", panel.element, "All numbers are finite.", "soft");
  }
}

/** 255 colours, by the bytes from 1 on. */
function paletteOf(stops) {
  if (!paletteOf.known.has(stops)) {
    const parts = stops.map(s => [1, 3, 5].map(i => parseInt(s.slice(i, i + 2), 16)));
    paletteOf.known.set(stops, Array.from({ length: 256 }, (_, level) => {
      const at = Math.max(0, level - 1) / 254 * (parts.length - 1), i = Math.min(parts.length - 2, Math.floor(at));
      return parts[i].map((a, c) => Math.round(a + (parts[i + 1][c] - a) * (at - i)));
    }));
  }
  return paletteOf.known.get(stops);
}
paletteOf.known = new Map();

/** Three significant digits: `0.0123`, `1.2e-7`. */
function number(value) {
  return value !== 0 && (Math.abs(value) < 1e-3 || Math.abs(value) >= 1e5) ? value.toExponential(1).replace("e+", "e").replaceAll("-", "−") : String(Number(value.toPrecision(3))).replace("-", "−");
}

/** Counts as bars, with square roots, so that rare numbers are seen beside many zeros. */
function histogram(counts, parent) {
  const svg = draw("svg", { class: "histogram", viewBox: `0 0 ${counts.length} 20`, preserveAspectRatio: "none" }, parent), top = Math.sqrt(Math.max(...counts));
  counts.forEach((n, i) => draw("rect", { x: i + 0.08, width: 0.84, y: 20 - 20 * Math.sqrt(n) / top, height: 20 * Math.sqrt(n) / top }, svg));
}
