"use strict";
// Curves as inline SVG: one cursor over all of them, moved by pointer, touch or keys.
const DATA = JSON.parse(document.getElementById("data").textContent);

const Charts = (() => {
  const SVG = "http://www.w3.org/2000/svg";
  const HEIGHT = 190, LEFT = 54, RIGHT = 12, TOP = 10, BOTTOM = 24;
  const choice = {scale: "linear", lines: "smoothed"};
  let cursor = null;  // a generator step; null: the last values are shown

  function make(name, attributes, parent, text) {
    const isSvg = ["svg", "line", "path", "circle", "text", "g"].includes(name);
    const node = isSvg ? document.createElementNS(SVG, name) : document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    if (text !== undefined) node.textContent = text;
    if (parent) parent.append(node);
    return node;
  }

  function format(value, digits = 4) {
    if (value !== 0 && Math.abs(value) < 1e-4) return value.toExponential(digits - 2);
    return value.toLocaleString("en-US", {maximumSignificantDigits: Math.max(
      digits, Math.ceil(Math.log10(Math.abs(value) + 1)))});
  }

  // Round numbers from low to high, about as many as wanted.
  function ticks(low, high, wanted) {
    const rough = (high - low) / wanted, power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].map(m => m * power).find(s => s >= rough * 0.7);
    const found = [];
    for (let k = Math.ceil(low / step - 1e-9); k * step <= high + 1e-9 * step; k++) {
      found.push(Number((k * step).toPrecision(12)));
    }
    return found;
  }

  function logTicks(low, high) {
    const found = [], first = Math.floor(low), last = Math.ceil(high);
    const skipped = Math.ceil((last - first) / 6);
    for (let power = first; power <= last; power += skipped) {
      for (const m of high - low < 2 ? [1, 2, 5] : [1]) found.push(m * 10 ** power);
    }
    const inside = found.filter(v => Math.log10(v) >= low && Math.log10(v) <= high);
    return inside.length > 1 ? inside : ticks(10 ** low, 10 ** high, 3).filter(v => v > 0);
  }

  function nearest(steps, step) {
    let low = 0, high = steps.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (steps[middle] < step) low = middle + 1; else high = middle;
    }
    return low > 0 && step - steps[low - 1] <= steps[low] - step ? low - 1 : low;
  }

  class Chart {
    constructor(panel, parent) {
      this.panel = panel;
      this.steps = [...new Set(panel.series.flatMap(s => s.steps))].sort((a, b) => a - b);
      const box = make("div", {class: "panel"}, parent);
      make("h3", {}, box, panel.title);
      make("p", {class: "how"}, box, panel.how);
      this.values = make("p", {class: "values"}, box);
      this.svg = make("svg", {tabindex: 0, role: "slider", height: HEIGHT, "aria-label":
        `${panel.title}: step`, "aria-valuemin": this.steps[0],
        "aria-valuemax": this.steps.at(-1)}, box);
      this.note = make("p", {class: "hint"}, box);
      this.svg.addEventListener("pointermove", event => this.point(event));
      this.svg.addEventListener("pointerdown", event => this.point(event));
      this.svg.addEventListener("pointerleave", event => {
        if (event.pointerType === "mouse") setCursor(null);
      });
      this.svg.addEventListener("keydown", event => this.key(event));
    }

    point(event) {
      const x = event.clientX - this.svg.getBoundingClientRect().left;
      const [low, high] = this.xRange;
      const step = low + (x - LEFT) / (this.width - LEFT - RIGHT) * (high - low);
      setCursor(this.steps[nearest(this.steps, step)]);
    }

    key(event) {
      const last = this.steps.length - 1;
      const at = cursor === null ? last : nearest(this.steps, cursor);
      const to = {ArrowLeft: at - 1, ArrowDown: at - 1, ArrowRight: at + 1, ArrowUp: at + 1,
                  Home: 0, End: last}[event.key];
      if (event.key === "Escape") setCursor(null);
      if (to === undefined) return;
      event.preventDefault();
      setCursor(this.steps[Math.min(last, Math.max(0, cursor === null ? last : to))]);
    }

    draw() {
      const {panel, svg} = this;
      this.width = svg.clientWidth;
      svg.replaceChildren();
      // Most values must be above zero for a log scale to show the line.
      const isLog = choice.scale === "log" && panel.series.every(
        s => s.values.filter(v => v > 0).length > s.values.length / 2);
      const isShown = v => !isLog || v > 0;
      const at = isLog ? Math.log10 : v => v;
      const all = panel.series.flatMap(s => s.values);
      const shown = all.filter(isShown);
      if (panel.wanted) shown.push(panel.wanted.value);
      let low = Infinity, high = -Infinity;
      for (const v of shown) { low = Math.min(low, at(v)); high = Math.max(high, at(v)); }
      const margin = (high - low) * 0.06 || Math.abs(high) * 0.1 || 1;
      low -= margin; high += margin;
      let [first, last] = [this.steps[0], this.steps.at(-1)];
      if (first === last) { first -= 1; last += 1; }
      this.xRange = [first, last];
      this.x = step => LEFT + (step - first) / (last - first) * (this.width - LEFT - RIGHT);
      this.y = v => HEIGHT - BOTTOM - (at(v) - low) / (high - low) * (HEIGHT - TOP - BOTTOM);
      for (const tick of isLog ? logTicks(low, high) : ticks(low, high, 4)) {
        const y = this.y(tick);
        make("line", {class: "gridline", x1: LEFT, x2: this.width - RIGHT, y1: y, y2: y}, svg);
        make("text", {x: LEFT - 6, y: y + 4, "text-anchor": "end"}, svg, format(tick));
      }
      let taken = 0;  // pixels, by the labels so far
      for (const tick of ticks(first, last, this.width < 420 ? 3 : 6)) {
        const x = this.x(tick), half = format(tick).length * 3.2, isLast = x + half > this.width;
        if (!Number.isInteger(tick) || x - half * (isLast ? 2 : 1) < taken) continue;
        const anchor = isLast ? "end" : "middle";
        make("text", {x, y: HEIGHT - 7, "text-anchor": anchor}, svg, format(tick));
        taken = x + half + 8;
      }
      if (panel.wanted) {
        const y = this.y(panel.wanted.value);
        make("line", {class: "wanted", x1: LEFT, x2: this.width - RIGHT, y1: y, y2: y}, svg);
      }
      for (const series of panel.series) this.line(series, isShown);
      this.marks = make("g", {}, svg);
      const hidden = all.length - all.filter(isShown).length;
      this.note.textContent = choice.scale === "log" && !isLog
        ? "Stays linear: a log scale has no place for its values of 0 or below."
        : hidden ? `Not drawn on a log scale: ${hidden} values of 0 or below.` : "";
      this.mark();
    }

    line(series, isShown) {
      const path = values => series.steps.map((step, i) => isShown(values[i])
        ? `${this.x(step).toFixed(1)} ${this.y(values[i]).toFixed(1)}` : null)
        .filter(point => point !== null).join("L");
      const isSmooth = choice.lines === "smoothed" && series.smooth;
      const kind = `${series.color} ${series.dashed ? "dashed" : ""}`;
      const draw = (values, more) => make(
        "path", {class: `line ${kind} ${more}`, d: `M${path(values)}`}, this.svg);
      draw(series.values, isSmooth ? "pale" : "");
      if (isSmooth) draw(series.smooth, "smooth");
      if (series.smooth) return;
      series.steps.forEach((step, i) => isShown(series.values[i]) && make("circle",
        {class: kind, cx: this.x(step), cy: this.y(series.values[i]), r: 2.8}, this.svg));
    }

    // The cursor, and the values at it.
    mark() {
      const last = this.steps.at(-1), step = cursor === null ? last : cursor;
      this.marks.replaceChildren();
      const isInside = step >= this.steps[0] && step <= last;
      if (cursor !== null && isInside) make("line", {class: "cursor", x1: this.x(step),
        x2: this.x(step), y1: TOP, y2: HEIGHT - BOTTOM}, this.marks);
      this.values.replaceChildren();
      const isEach = cursor === null && this.panel.series.some(s => s.steps.at(-1) !== last);
      const windows = choice.lines === "smoothed"
        ? [...new Set(this.panel.series.filter(s => s.smooth).map(s => s.window))] : [];
      const mean = windows.length ? `, mean of ${windows.join(" or ")} rows` : "";
      make("span", {class: "step"}, this.values,
        `${isEach ? "at each run's end" : `step ${step.toLocaleString("en-US")}`}${mean}`);
      for (const series of this.panel.series) {
        const isSmooth = choice.lines === "smoothed" && series.smooth;
        const item = make("span", {class: "value"}, this.values);
        make("span", {class: `swatch ${series.color}`}, item);
        const i = nearest(series.steps, step);
        const isThere = isEach || step >= series.steps[0] && step <= series.steps.at(-1);
        const value = (isSmooth ? series.smooth : series.values)[i];
        make("span", {class: "label", title: series.label}, item, series.label);
        make("b", {}, item, isThere ? format(value) : "–");
        const y = isThere ? this.y(value) : NaN;
        if (cursor !== null && Number.isFinite(y)) make("circle",
          {class: series.color, cx: this.x(series.steps[i]), cy: y, r: 4}, this.marks);
      }
      if (this.panel.wanted) make("span", {class: "value"}, this.values, `dotted: ${this.panel.wanted.label}`);
      this.svg.setAttribute("aria-valuenow", step);
      this.svg.setAttribute(
        "aria-valuetext", [...this.values.children].map(one => one.textContent).join(", "));
    }
  }

  const parent = document.getElementById("panels");
  const charts = parent ? DATA.panels.map(panel => new Chart(panel, parent)) : [];
  const drawAll = () => charts.forEach(chart => chart.draw());

  function setCursor(step) {
    cursor = step;
    charts.forEach(chart => chart.mark());
  }

  for (const input of document.querySelectorAll(".toggles input")) {
    input.addEventListener("change", () => {
      choice[input.name] = input.value;
      drawAll();
    });
    if (input.checked) choice[input.name] = input.value;  // as a reloaded page keeps it
  }
  if (parent) new ResizeObserver(drawAll).observe(parent);
  return {setCursor};
})();
