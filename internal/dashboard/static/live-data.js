// What the page Live knows: for each metric ten minutes of seconds, and the
// distributions from which any window's percentiles come. Buckets are the
// recorder's own, 64 to each power of two, so that what is told of a window is
// what the recorder would tell of it, within 0.8 %.

const keep = 600_000; // milliseconds
const fine = 60_000;  // for so long each second has a distribution of its own
const coarse = 10_000; // then so many milliseconds share one
const first = 1023 * 64 + 1; // the bucket of 1 tick; 0 ticks have bucket 0
const scratch = new Float64Array(64 * 64 + 2);

// Numbers, as the server writes them: to three digits, whole thousands in full.

const thin = "\u202f";
const scales = { s: [["s", 1], ["ms", 1e-3], ["µs", 1e-6], ["ns", 1e-9]], bytes: [["GB", 2 ** 30], ["MB", 2 ** 20], ["KB", 2 ** 10], ["B", 1]] };

export function scaleOf(v, unit) {
  const list = scales[unit];
  if (!list) return [unit === "count" || unit === "ratio" ? "" : unit, 1];
  return v === 0 ? list[0] : list.find(([, size]) => Math.abs(v) / size >= 0.999995) || list[list.length - 1];
}

export function number(v) {
  const size = Math.abs(v);
  if (!Number.isFinite(v)) return "–";
  if (v === 0) return "0";
  if (size >= 1e12 || size < 1e-4) return v.toPrecision(3);
  if (v === Math.trunc(v) || size >= 99.95) return v.toFixed(0).replace(/\B(?=(\d{3})+$)/g, thin);
  const exponent = Number(v.toExponential(2).split("e")[1]);
  return v.toFixed(Math.max(0, 2 - exponent));
}

export function quantity(v, unit, scale = scaleOf(v, unit)) {
  const text = number(v / scale[1]);
  return text === "–" || !scale[0] ? text : text + thin + scale[0];
}

// rate is how many there are in a second: fractions only where they matter.
export const rate = (v) => number(v < 10 ? Math.round(v * 10) / 10 : Math.round(v));

export function percent(part, whole) {
  const v = 100 * part;
  return (whole ? Math.round(v) : v < 0.01 ? "under 0.01" : v.toPrecision(2)) + thin + "%";
}

// middle is the value in ticks that stands for a bucket.
function middle(index) {
  if (index <= 0) return 0;
  const at = index - 1, size = 2 ** ((at >> 6) - 1023);
  return size * (1 + ((at & 63) + 0.5) / 64);
}

// Metric is one metric's seconds.
class Metric {
  constructor(m) {
    Object.assign(this, { number: m.n, key: m.key, kind: m.kind, unit: m.unit, better: m.better, budget: m.budget, total: m.total, count: m.count || 0, value: m.value });
    this.tick = m.unit === "s" ? 1e-9 : 1;
    this.seconds = []; // { at, dt, n, p50, p95, p99, max }
    this.blocks = [];  // { at, dt, n, sum, min, max, index, count }
  }

  // take adds what was observed in a step.
  take(at, dt, [, n, sum, min, max, flat]) {
    const size = flat.length / 2, block = { at, dt, n, sum, min, max, index: new Uint32Array(size), count: new Float64Array(size) };
    for (let i = 0, index = 0; i < size; i++) {
      index += flat[2 * i];
      block.index[i] = index;
      block.count[i] = flat[2 * i + 1];
    }
    this.blocks.push(block);
    this.count += n;
    const q = quantiles([block], this.tick);
    this.seconds.push({ at, dt, n, p50: q.p50, p95: q.p95, p99: q.p99, max });
    this.forget(at);
  }

  forget(at) {
    if (this.seconds.length > 0 && this.seconds[0].at < at - keep) this.seconds = this.seconds.filter((s) => s.at >= at - keep);
    while (this.blocks.length > 0 && this.blocks[0].at < at - keep) this.blocks.shift();
    // Seconds that are no longer fine share a block.
    let last = -1;
    while (last + 1 < this.blocks.length && this.blocks[last + 1].at < at - fine) last++;
    for (let i = Math.max(0, last - 1); i < last; i++) {
      const [a, b] = [this.blocks[i], this.blocks[i + 1]];
      if (Math.floor(a.at / coarse) !== Math.floor(b.at / coarse)) continue;
      this.blocks.splice(i, 2, merge(a, b));
      last--;
      i--;
    }
  }

  // within returns the index of the first block that ends after a moment.
  within(from) {
    let low = 0, high = this.blocks.length;
    while (low < high) { const mid = (low + high) >> 1; this.blocks[mid].at > from ? high = mid : low = mid + 1 }
    return low;
  }

  window(from, until) {
    const blocks = this.blocks.slice(this.within(from), this.within(until));
    return quantiles(blocks, this.tick);
  }

  // tier is the highest that a value is over, and the limit that counts: that
  // one, or the first.
  tier(value) {
    const names = ["target", "warning", "critical"], higher = this.better === "higher";
    let over = "", limit = this.budget.find((l) => l > 0);
    this.budget.forEach((l, i) => { if (l > 0 && (higher ? value < l : value > l)) { over = names[i]; limit = l } });
    return [over, limit];
  }

  // spark is a line of the last 60 seconds, on a scale of its own.
  spark(until) {
    const list = [];
    for (let i = this.seconds.length - 1; i >= 0 && this.seconds[i].at > until - 60_000; i--) if (this.seconds[i].at <= until) list.push(this.seconds[i]);
    if (list.length < 2) return "";
    const most = Math.max(...list.map((s) => s.p95)), least = Math.min(...list.map((s) => s.p95)), span = most - least || most || 1;
    return list.map((s) => `${(120 - (until - s.at) / 500).toFixed(1)},${(20 - 18 * (s.p95 - (most === least ? 0 : least)) / span).toFixed(1)}`).join(" ");
  }
}

// quantiles are those of several blocks together.
function quantiles(blocks, tick) {
  const w = { n: 0, sum: 0, min: Infinity, max: 0, p50: NaN, p95: NaN, p99: NaN };
  let low = scratch.length, high = -1;
  for (const b of blocks) {
    w.n += b.n;
    w.sum += b.sum;
    w.min = Math.min(w.min, b.min);
    w.max = Math.max(w.max, b.max);
    for (let i = 0; i < b.index.length; i++) {
      const at = b.index[i] === 0 ? 0 : Math.min(b.index[i] - first + 1, scratch.length - 1);
      scratch[at] += b.count[i];
      if (at < low) low = at;
      if (at > high) high = at;
    }
  }
  if (w.n === 0) return w;
  const at = (rank) => {
    if (rank <= 0) return w.min;
    if (rank >= w.n - 1) return w.max;
    let seen = 0;
    for (let i = low; i <= high; i++) if ((seen += scratch[i]) > rank) return Math.min(Math.max(middle(i === 0 ? 0 : i - 1 + first) * tick, w.min), w.max);
    return w.max;
  };
  for (const [name, q] of [["p50", 0.5], ["p95", 0.95], ["p99", 0.99]]) {
    const rank = q * (w.n - 1), whole = Math.floor(rank), part = rank - whole;
    w[name] = part > 0 ? at(whole) * (1 - part) + at(whole + 1) * part : at(whole);
  }
  scratch.fill(0, low, high + 1);
  return w;
}

function merge(a, b) {
  const index = [], count = [];
  for (let i = 0, k = 0; i < a.index.length || k < b.index.length;) {
    const x = i < a.index.length ? a.index[i] : Infinity, y = k < b.index.length ? b.index[k] : Infinity, least = Math.min(x, y);
    index.push(least);
    count.push((x === least ? a.count[i++] : 0) + (y === least ? b.count[k++] : 0));
  }
  return { at: b.at, dt: a.dt + b.dt, n: a.n + b.n, sum: a.sum + b.sum, min: Math.min(a.min, b.min), max: Math.max(a.max, b.max), index: Uint32Array.from(index), count: Float64Array.from(count) };
}

// Histories is all of it.
export class Histories {
  constructor() { this.clear() }

  clear() {
    this.metrics = new Map(); // by number
    this.steps = [];          // { at, dt, n, memory }
    this.gc = [];             // { at, pause }
    this.list = [];           // of breaches
    this.slow = [];           // of slowest operations
    this.news = [];
    this.at = 0;
  }

  // take adds an event. It tells whether the process is another one than before.
  take(kind, event) {
    const restarted = kind === "full" && this.id && this.id.split(".")[0] !== event.id.split(".")[0];
    this.id = event.id;
    this.recording = event.recording;
    this.overhead = event.overhead;
    if (kind === "full") {
      this.clear();
      this.started = { at: event.started, version: event.version };
    }
    this.at = event.at;
    for (const m of event.metrics || []) {
      const metric = new Metric(m);
      this.metrics.set(m.n, metric);
      this.news.push(metric);
    }
    this.list.push(...(event.breaches || []));
    if (kind === "full") return restarted;
    const dt = event.s;
    for (const h of event.h || []) {
      const metric = this.metrics.get(h[0]);
      if (!metric) continue;
      if (metric.count === 0) this.news.push(metric); // it shows up with its first observation
      metric.take(event.at, dt, h);
    }
    for (const [n, v] of event.v || []) { const metric = this.metrics.get(n); if (metric) metric.value = metric.kind === "counter" ? (metric.value || 0) + v : v }
    this.steps.push({ at: event.at, dt, n: this.observedIn(event), memory: event.memory });
    for (const [at, pause] of event.gc || []) this.gc.push({ at, pause });
    for (const o of event.slowest || []) { const metric = this.metrics.get(o.n); if (metric) this.slow.push({ ...o, metric, key: metric.key }) }
    this.forget();
    return false;
  }

  forget() {
    const old = this.at - keep;
    for (const name of ["steps", "gc", "slow"]) if (this[name].length > 0 && this[name][0].at < old) this[name] = this[name].filter((x) => x.at >= old);
    // Of each metric the ten slowest of a minute are enough.
    if (this.slow.length > 2000) this.slow = this.slow.sort((a, b) => b.value - a.value).slice(0, 1000).sort((a, b) => a.at - b.at);
    if (this.gc.length > 5000) this.gc = this.gc.slice(-2500);
    this.list = this.list.slice(-100);
  }

  // fresh are the metrics that were not asked for yet.
  fresh() { const list = this.news; this.news = []; return list }

  find(key) { for (const m of this.metrics.values()) if (m.key === key) return m }

  observedIn(event) { return (event.h || []).reduce((sum, h) => sum + h[1], 0) }

  between(from, until) { return this.steps.filter((s) => s.at > from && s.at <= until) }

  observed(from, until) { return this.between(from, until).reduce((sum, s) => sum + s.n, 0) }

  seconds(from, until) { return this.between(from, until).reduce((sum, s) => sum + s.dt, 0) }

  // share is the part of one processor that measuring took.
  share(from, until) {
    const seconds = this.seconds(from, until);
    return seconds > 0 ? this.observed(from, until) * this.overhead.each / seconds : 0;
  }

  // slowest are the slowest operations of a window, one of each metric first.
  slowest(from, until) {
    const list = this.slow.filter((o) => o.at > from - 1000 && o.at <= until + 1000).sort((a, b) => b.value - a.value);
    const best = new Map(), rest = [];
    for (const o of list) best.has(o.key) ? rest.push(o) : best.set(o.key, o);
    return [...best.values(), ...rest].slice(0, 8).sort((a, b) => b.value - a.value);
  }

  breaches(until) { return this.list.filter((b) => b.at <= until + 1000).slice(-8).reverse() }
}
