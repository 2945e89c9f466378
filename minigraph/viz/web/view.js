// Zooming, panning and the small map.

class View {
  constructor(svg, map) {
    Object.assign(this, { svg, map, x: 0, y: 0, w: 100, h: 100, root: { w: 1, h: 1 }, moved: false });
    let grip = null;
    svg.addEventListener("pointerdown", e => { grip = { x: e.clientX, y: e.clientY, vx: this.x, vy: this.y }; this.moved = false; });
    addEventListener("pointermove", e => {
      if (!grip) return;
      if (Math.hypot(e.clientX - grip.x, e.clientY - grip.y) > 4) this.moved = true;
      if (!this.moved) return;
      svg.classList.add("moving");
      this.x = grip.vx - (e.clientX - grip.x) * this.scale;
      this.y = grip.vy - (e.clientY - grip.y) * this.scale;
      this.show();
    });
    addEventListener("pointerup", () => { grip = null; svg.classList.remove("moving"); });
    svg.addEventListener("wheel", e => {
      if (FRAMED && !e.ctrlKey && !e.metaKey) return;  // the wheel moves the notebook
      e.preventDefault();
      const box = svg.getBoundingClientRect();
      this.zoom(Math.exp(e.deltaY * 0.0015), (e.clientX - box.left) / box.width, (e.clientY - box.top) / box.height);
    }, { passive: false });
    map.addEventListener("pointerdown", e => {
      const box = map.getBoundingClientRect();
      this.centre((e.clientX - box.left) / this.mapScale, (e.clientY - box.top) / this.mapScale);
    });
    addEventListener("resize", () => { this.h = this.w * svg.clientHeight / svg.clientWidth; this.show(); });
  }

  /** Units of the picture for a pixel. */
  get scale() { return this.w / this.svg.clientWidth; }

  show() {
    this.svg.setAttribute("viewBox", `${this.x} ${this.y} ${this.w} ${this.h}`);
    if (this.seen) for (const [key, value] of Object.entries({ x: this.x, y: this.y, width: this.w, height: this.h }))
      this.seen.setAttribute(key, value);
  }

  zoom(factor, px = 0.5, py = 0.5) {
    const scale = Math.min(20, Math.max(0.1, this.scale * factor)) / this.scale;
    this.x += this.w * px * (1 - scale);
    this.y += this.h * py * (1 - scale);
    this.w *= scale;
    this.h *= scale;
    this.show();
  }

  centre(x, y) { this.x = x - this.w / 2; this.y = y - this.h / 2; this.show(); }

  /** Shows a box in the middle, at a size at which it can be read. */
  bring(box) {
    const scale = Math.min(1, this.scale);
    this.w = this.svg.clientWidth * scale;
    this.h = this.svg.clientHeight * scale;
    this.centre(box.left + box.w / 2, box.top + box.h / 2);
  }

  /** Whether a box is in sight. */
  sees(box) {
    return box.left >= this.x && box.top >= this.y && box.left + box.w <= this.x + this.w && box.top + box.h <= this.y + this.h;
  }

  /** All of it; or with `readable` its beginning, at a size at which it can be read. */
  fit(readable) {
    const { clientWidth: w, clientHeight: h } = this.svg, { root } = this, margin = 24;
    const all = Math.max((root.w + 2 * margin) / w, (root.h + 2 * margin) / h);
    const scale = readable ? Math.max(0.8, Math.min(1.25, Math.max(all, (root.w + 2 * margin) / w))) : Math.max(all, 0.8);
    Object.assign(this, { w: w * scale, h: h * scale });
    this.x = (root.w > this.w ? this.spine : root.w / 2) - this.w / 2;
    this.y = root.h + 2 * margin > this.h ? -margin : (root.h - this.h) / 2;
    this.show();
  }

  /** The small map of a new picture; it hides where all is in sight. */
  redraw(shown) {
    this.root = shown.root;
    const middles = shown.boxes.filter(b => b.kind === "forward").map(b => b.left + b.w / 2).sort((a, b) => a - b);
    this.spine = middles.length ? middles[middles.length >> 1] : shown.root.w / 2;
    const { w, h } = this.root;
    const { clientWidth, clientHeight } = this.svg;
    this.mapScale = Math.min(Math.min(130, clientWidth / 6) / w, Math.min(180, clientHeight / 3) / h, 0.2);
    this.map.replaceChildren();
    this.map.setAttribute("viewBox", `0 0 ${w} ${h}`);
    this.map.setAttribute("width", Math.max(12, w * this.mapScale));
    this.map.setAttribute("height", Math.max(12, h * this.mapScale));
    for (const b of shown.boxes) draw("rect", { x: b.left, y: b.top, width: b.w, height: b.h, style: `fill:var(--${b.kind}-line)` }, this.map);
    this.seen = draw("rect", { class: "seen", "stroke-width": 2 / this.mapScale }, this.map);
  }
}
