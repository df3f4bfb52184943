// The plots of the page Live: uPlot, with the limits of budgets, collections
// and breaches as lines. A plot that is not on the screen is not drawn. What a
// plot shows stands in the table as well.

import { number, quantity, rate, scaleOf } from "./live-data.js";
import { drawBudget } from "./live-marks.js";

const powers = Array.from({ length: 50 }, (_, i) => 2 ** i); // steps of an axis in bytes
const dashes = { target: [], warning: [7, 4], critical: [2, 3] };

export class Plots {
  constructor(root, data) {
    this.data = data;
    this.recolour();
    this.latency = new Plot(this, root.querySelector("#plot-latency"), [["p50", 1, []], ["p95", 2, [6, 3]], ["p99", 3, [2, 3]]], 316);
    this.rate = new Plot(this, root.querySelector("#plot-rate"), [["rate", 1, []]], 128);
    this.memory = new Plot(this, root.querySelector("#plot-memory"), [["heap", 1, []], ["live", 2, [6, 3]], ["resident", 4, [8, 3, 2, 3]]], 128);
  }

  // recolour reads the colours of the theme.
  recolour() {
    const style = getComputedStyle(document.documentElement), colour = (name) => style.getPropertyValue("--" + name).trim();
    this.colours = Object.fromEntries(["series-1", "series-2", "series-3", "series-4", "border", "muted", "text", "baseline", "limit-target", "limit-warning", "limit-critical", "bg", "critical-fill"].map((n) => [n, colour(n)]));
    for (const plot of [this.latency, this.rate, this.memory]) plot?.rebuild();
  }

  draw(metric, from, until, window, gc) {
    this.from = from;
    this.until = until;
    this.start = until - window * 1000; // where the axis begins, also if there are no data that old
    this.gc = gc ? this.data.gc.filter((g) => g.at > this.start && g.at <= until) : [];
    this.breaches = metric ? this.data.list.filter((b) => b.key === metric.key && b.at > this.start && b.at <= until) : [];
    if (metric) this.drawLatency(metric);
    this.drawRate(metric);
    this.drawMemory();
  }

  drawLatency(metric) {
    const list = metric.seconds.filter((s) => s.at > this.from && s.at <= this.until);
    const w = metric.window(this.from, this.until), plot = this.latency;
    plot.title(metric.key);
    const scale = scaleOf(w.p95, metric.unit);
    plot.stats(w.n ? `p50 ${number(w.p50 / scale[1])}  p95 ${number(w.p95 / scale[1])}  p99 ${number(w.p99 / scale[1])}  max ${quantity(w.max, metric.unit, scale)}` : "nothing in this window");
    drawBudget(plot.figure.querySelector("[data-budget]"), metric, w.p95);
    if (!metric.budget) plot.figure.querySelector("[data-budget]").replaceChildren();
    plot.limits = (metric.budget || []).map((value, i) => ({ value, name: ["target", "warning", "critical"][i] })).filter((l) => l.value > 0);
    plot.unit = metric.unit;
    plot.show(gaps(list, ["p50", "p95", "p99"]), () => `${metric.key}: ${w.n ? `p50 ${quantity(w.p50, metric.unit)}, p95 ${quantity(w.p95, metric.unit)}, at most ${quantity(w.max, metric.unit)}` : "nothing in this window"}`);
  }

  drawRate(metric) {
    const steps = this.data.between(this.from, this.until), counts = new Map();
    if (metric) for (const s of metric.seconds) counts.set(s.at, s.n);
    const list = steps.map((s) => ({ at: s.at, dt: s.dt, rate: (metric ? counts.get(s.at) || 0 : s.n) / s.dt }));
    const now = list.length ? list[list.length - 1].rate : NaN;
    this.rate.unit = "count";
    this.rate.stats(`${rate(now)}/s`);
    this.rate.show(gaps(list, ["rate"]), () => `${metric ? metric.key : "all operations"}: ${rate(now)} a second`);
  }

  drawMemory() {
    const list = this.data.between(this.from, this.until).map((s) => ({ at: s.at, dt: s.dt, heap: s.memory.heap, live: s.memory.live, resident: s.memory.resident ?? null }));
    const last = list[list.length - 1];
    this.memory.unit = "bytes";
    this.memory.stats(last ? `${quantity(last.resident ?? last.heap, "bytes")}` : "");
    this.memory.show(gaps(list, ["heap", "live", "resident"]), () => last ? `heap ${quantity(last.heap, "bytes")}, live ${quantity(last.live, "bytes")}` : "");
  }
}

// gaps puts lists side by side, as uPlot wants them, with a hole where a second
// has nothing.
function gaps(list, names) {
  const columns = [[], ...names.map(() => [])];
  let last = 0;
  for (const s of list) {
    if (last && s.at - s.dt * 1000 - last > 1500) {
      columns[0].push((last + 1) / 1000);
      for (let i = 1; i < columns.length; i++) columns[i].push(null);
    }
    last = s.at;
    columns[0].push(s.at / 1000);
    names.forEach((name, i) => columns[i + 1].push(s[name]));
  }
  return columns;
}

class Plot {
  constructor(plots, figure, series, height) {
    Object.assign(this, { plots, figure, series, height, unit: "s", limits: [], visible: true, told: 0 });
    this.canvas = figure.querySelector(".canvas");
    new IntersectionObserver(([entry]) => { this.visible = entry.isIntersecting; if (this.visible && this.last) this.show(...this.last) }).observe(figure);
    new ResizeObserver(() => { if (this.plot && this.canvas.clientWidth > 0 && this.canvas.clientWidth !== this.plot.width) this.plot.setSize({ width: this.canvas.clientWidth, height: this.height }) }).observe(this.canvas);
  }

  title(text) { const t = this.figure.querySelector("[data-title]"); if (t && t.textContent !== text) t.textContent = text }

  stats(text) { const s = this.figure.querySelector("[data-stats]"); if (s.textContent !== text) s.textContent = text }

  show(columns, tell) {
    this.last = [columns, tell];
    if (!this.visible || this.canvas.clientWidth === 0) return;
    if (!this.plot) this.build(columns);
    else this.plot.setData(columns);
    const text = Date.now() - this.told > 10_000 && tell(); // it is no live region, and must not become one
    if (text) {
      this.told = Date.now();
      this.canvas.setAttribute("aria-label", text);
    }
  }

  rebuild() {
    if (!this.plot) return;
    this.plot.destroy();
    this.plot = null;
    if (this.last) this.show(...this.last);
  }

  build(columns) {
    const c = this.plots.colours, font = "12px system-ui, sans-serif";
    const axis = { stroke: c.muted, font, grid: { stroke: c.border, width: 1 }, ticks: { show: false } };
    const values = (_, splits) => { const scale = scaleOf(Math.max(...splits.map(Math.abs)), this.unit); return splits.map((v) => quantity(v, this.unit, scale)) };
    this.plot = new window.uPlot({
      width: this.canvas.clientWidth, height: this.height, pxAlign: false, legend: { show: false }, cursor: { show: false }, padding: [8, 26, 0, 0],
      scales: {
        x: { time: true, range: () => [this.plots.start / 1000, this.plots.until / 1000] },
        y: { range: (_, low, high) => this.range(low, high) },
      },
      series: [{}, ...this.series.map(([label, n, dash]) => ({ label, stroke: c["series-" + n], width: n === 1 ? 2 : 1.5, dash, points: { show: (u) => u.data[0].length < 3, size: 4 } }))],
      axes: [{ ...axis, space: 70, values: (_, splits) => splits.map((s) => new Date(s * 1000).toTimeString().slice(0, 8)) }, { ...axis, size: 68, space: this.height < 150 ? 24 : 36, values, ...(this.unit === "bytes" ? { incrs: powers } : {}) }],
      hooks: { drawClear: [(u) => this.behind(u)], draw: [(u) => this.above(u)] },
    }, columns, this.canvas);
  }

  // range fits the data; a limit stretches it only if it lies near.
  range(low, high) {
    if (low == null) return [0, this.limits[0] ? this.limits[0].value * 1.2 : 1];
    let top = high;
    for (const l of this.limits) if (l.value > top && l.value <= high * 2) top = l.value;
    const bottom = this.unit === "bytes" && low > 0.5 * high ? low * 0.9 : 0;
    return [bottom, top + (top - bottom) * 0.08 || 1];
  }

  // behind draws the lines of moments: collections and breaches.
  behind(u) {
    const { ctx, bbox } = u, c = this.plots.colours;
    const vertical = (at, colour, width, dash) => {
      const x = Math.round(u.valToPos(at / 1000, "x", true));
      ctx.strokeStyle = colour;
      ctx.lineWidth = width;
      ctx.setLineDash(dash);
      ctx.beginPath();
      ctx.moveTo(x, bbox.top);
      ctx.lineTo(x, bbox.top + bbox.height);
      ctx.stroke();
      return x;
    };
    ctx.save();
    const most = Math.max(1, Math.floor(bbox.width / 6)), every = Math.ceil(this.plots.gc.length / most);
    ctx.globalAlpha = 0.5;
    this.plots.gc.forEach((g, i) => { if (i % every === 0) vertical(g.at, c.baseline, 1, [1, 3]) });
    ctx.globalAlpha = 1;
    const started = this.plots.data.started;
    if (started?.at > this.plots.start && started.at <= this.plots.until) {
      const x = vertical(started.at, c.muted, 1.5, [6, 3]);
      ctx.font = `${12 * devicePixelRatio}px system-ui, sans-serif`;
      ctx.fillStyle = c.muted;
      ctx.textAlign = "left";
      ctx.fillText(`start ${started.version || ""}`, x + 4 * devicePixelRatio, bbox.top + bbox.height - 6 * devicePixelRatio);
    }
    if (this.limits.length > 0) for (const b of this.plots.breaches) {
      const x = vertical(b.at, c["limit-critical"], 1, []), r = devicePixelRatio;
      ctx.fillStyle = c["limit-critical"];
      ctx.beginPath();
      ctx.moveTo(x - 5 * r, bbox.top);
      ctx.lineTo(x + 5 * r, bbox.top);
      ctx.lineTo(x, bbox.top + 8 * r);
      ctx.fill();
    }
    ctx.restore();
  }

  // above draws the limits, each with its name and value.
  above(u) {
    const { ctx, bbox } = u, c = this.plots.colours, r = devicePixelRatio;
    ctx.save();
    ctx.font = `${12 * r}px system-ui, sans-serif`;
    let out = 0, free = -Infinity;
    for (const l of [...this.limits].reverse()) {
      const name = `${l.name} ${quantity(l.value, this.unit)}`, colour = c["limit-" + l.name];
      const inside = l.value <= u.scales.y.max;
      let y = inside ? u.valToPos(l.value, "y", true) : bbox.top;
      if (inside) {
        ctx.strokeStyle = colour;
        ctx.lineWidth = 1.5 * r;
        ctx.setLineDash(dashes[l.name].map((d) => d * r));
        ctx.beginPath();
        ctx.moveTo(bbox.left, y);
        ctx.lineTo(bbox.left + bbox.width, y);
        ctx.stroke();
        y += (y - bbox.top < 16 * r ? 14 : -5) * r;
        if (y - free < 13 * r) y = free + 13 * r;
        free = y;
      } else {
        y += (12 + 15 * out++) * r;
      }
      const text = inside ? name : name + ", above", x = inside ? bbox.left + bbox.width - 4 * r : bbox.left + 6 * r;
      ctx.textAlign = inside ? "right" : "left";
      ctx.lineWidth = 4 * r;
      ctx.setLineDash([]);
      ctx.strokeStyle = c.bg;
      ctx.strokeText(text, x, y);
      ctx.fillStyle = colour;
      ctx.fillText(text, x, y);
    }
    ctx.restore();
  }
}
