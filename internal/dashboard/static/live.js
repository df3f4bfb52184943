// The page Live: it takes what the process measured in each second, keeps ten
// minutes of it, and shows a window. Cells are updated in place, so that focus,
// selection and scroll survive. Nothing here builds HTML out of text.

import { Histories, number, percent, quantity, rate } from "./live-data.js";
import { drawBudget, element, icon, set, svg } from "./live-marks.js";
import { Plots } from "./live-plots.js";
const { keys, say } = await import(import.meta.url.replace("live.js", "app.js")); // the same module as the page has

const $ = (selector, root = document) => root.querySelector(selector);
const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
const page = $("[data-live-page]");
function start() {
  const data = new Histories();
  const state = { paused: false, window: Number($("#window").value) || 60, focus: page.dataset.focus, since: 0, newer: 0, until: 0 };
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  for (const part of $$("[data-tools],[data-plots],[data-script-section],form.window")) part.hidden = false;
  for (const part of $$(".live-only")) part.classList.remove("live-only");
  const plots = new Plots($("[data-plots]"), data);
  const table = new Table($("#rows"), data, choose);
  const lists = new Lists(data);

  // What is seen is drawn once a frame, and not at all while nobody sees it.
  let asked = false, drawn = 0;
  function draw(now) {
    if (asked) return;
    if (!now && calm.matches && performance.now() - drawn < 4900) return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      drawn = performance.now();
      const until = state.paused ? state.until : data.at;
      const from = Math.max(until - state.window * 1000, state.since);
      table.draw(from, until);
      plots.draw(table.focused, from, until, state.window, $("#gc").checked);
      lists.draw(from, until);
      if (!state.paused) tell(from, until);
    });
  }
  function tell(from, until) {
    $("#rate").textContent = rate(data.observed(from, until) / Math.max(1, data.seconds(from, until)));
    const cost = data.overhead;
    if (cost) $("#cost").textContent = `Measuring: ${number(cost.observations)} observations at about ${quantity(cost.each, "s")} each, ` +
      `${percent(data.share(from, until))} of one processor just now; ${quantity(cost.bytes, "bytes")} of memory; reading it for this page took ${quantity(cost.reading, "s")}.`;
    $("#off").hidden = data.recording;
  }

  // Controls.
  function choose(metric) {
    state.focus = metric.key;
    table.focus(metric);
    const url = new URL(location.href);
    url.searchParams.set("m", metric.key);
    history.replaceState(null, "", url);
    draw(true);
  }
  const pause = $("#pause");
  function togglePause() {
    state.paused = !state.paused;
    state.until = data.at;
    state.newer = 0;
    pause.setAttribute("aria-pressed", state.paused);
    pause.textContent = state.paused ? "Go on" : "Pause";
    $("#newer").textContent = state.paused ? "paused" : "";
    $("input[name=until]").value = state.paused ? data.id : "";
    say(state.paused ? "paused" : "goes on");
    draw(true);
  }
  pause.addEventListener("click", togglePause);
  keys.p = togglePause;
  $("#window").addEventListener("change", (event) => {
    state.window = Number(event.target.value) || 60;
    const url = new URL(location.href);
    event.target.value ? url.searchParams.set("win", event.target.value) : url.searchParams.delete("win");
    history.replaceState(null, "", url);
    draw(true);
  });
  $("#gc").addEventListener("change", () => { $("[data-gc-legend]").hidden = !$("#gc").checked; draw(true) });
  const find = $("#find");
  find.addEventListener("input", () => { table.find(find.value); say(`${table.shown} operations`) });
  $("#clear").addEventListener("click", () => { find.value = ""; table.find(""); find.focus() });
  $("#reset").addEventListener("click", () => { state.since = data.at; say("The window begins now."); draw(true) });
  const form = $("form.window"), download = $("#download");
  const span = () => Math.max(1, Math.round(Math.min(state.window, (data.at - state.since) / 1000)));
  form.addEventListener("submit", () => { form.elements.seconds.value = span() });
  if (download) download.addEventListener("click", () => {
    download.href = "window.json?" + new URLSearchParams({ seconds: span(), until: form.elements.until.value, name: form.elements.name.value });
  });

  // The connection.
  const connection = new Connection(data, (kind, event) => {
    if (kind === "full") { table.reset(); state.since = 0 }
    table.add();
    if (state.focus && !table.focused) table.focus(data.find(state.focus));
    if (!table.focused) { const first = table.first(); if (first) { state.focus = first.key; table.focus(first) } }
    if (state.paused) {
      state.newer += data.observedIn(event);
      $("#newer").textContent = `paused, ${number(state.newer)} newer samples;`;
    }
    draw(kind === "full");
  });
  calm.addEventListener("change", () => draw(true));
  new MutationObserver(() => { plots.recolour(); draw(true) }).observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { plots.recolour(); draw(true) });
  connection.open();
}

// Connection is the stream of events, or, where there is no streaming, the same
// events asked for every two seconds.
class Connection {
  constructor(data, arrived) {
    this.data = data;
    this.arrived = arrived;
    this.chip = $("#connection");
    this.last = Date.now();
    document.addEventListener("visibilitychange", () => document.hidden ? this.close() : this.open());
    addEventListener("pagehide", () => this.close());
    addEventListener("pageshow", (event) => { if (event.persisted) this.open() });
  }

  // open opens the stream after what was seen. A page that nobody sees has none.
  open() {
    if (this.source || this.timer || this.over || document.hidden) return;
    this.say("connecting");
    this.watch = setInterval(() => this.look(), 1000);
    if (this.polling) return this.poll();
    const source = new EventSource("events" + (this.data.id ? "?after=" + encodeURIComponent(this.data.id) : ""));
    this.source = source;
    for (const kind of ["full", "step"]) source.addEventListener(kind, (event) => this.take(kind, JSON.parse(event.data)));
    source.addEventListener("ended", () => { this.over = true; this.close(); this.say("ended") });
    source.onerror = () => {
      if (source.readyState === EventSource.CLOSED) { // an answer that is no stream: too many look, or no streaming here
        source.close();
        this.source = null;
        this.poll();
      } else if (!this.lost) {
        this.lost = Date.now();
      }
    };
  }

  close() {
    this.source?.close();
    this.source = null;
    clearTimeout(this.timer);
    this.timer = 0;
    clearInterval(this.watch);
    this.lost = 0;
  }

  take(kind, event) {
    this.last = Date.now();
    this.lost = 0;
    this.asked = 0;
    const restarted = this.data.take(kind, event);
    if (restarted) say("The process was started anew.");
    if (!this.timer) this.say("live");
    this.arrived(kind, event);
  }

  // look says that nothing comes any more.
  look() {
    const quiet = Math.round((Date.now() - this.last) / 1000);
    if (this.lost) this.say("reconnecting", quiet);
    else if (quiet > 8 && (this.source || this.timer)) this.say("stale", quiet);
  }

  // poll asks for what is new, and now and then whether a stream is to be had.
  async poll() {
    this.polling = true;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {}, 0);
    try {
      const answer = await fetch("snapshot.json?" + new URLSearchParams({ after: this.data.id || "" }), { cache: "no-store" });
      if (!answer.ok) throw new Error(answer.statusText);
      for (const { name, data } of (await answer.json()).events) this.take(name, data);
      this.lost = 0;
      this.say("polling");
    } catch {
      this.lost ||= Date.now();
    }
    if (document.hidden) return this.close();
    clearTimeout(this.timer);
    this.polls = (this.polls || 0) + 1;
    if (this.polls % 30 === 0) { // a minute
      this.polling = false;
      this.close();
      return this.open();
    }
    this.timer = setTimeout(() => this.poll(), 2000);
  }

  // say shows the state, as a word and a shape; it is announced when the word
  // changes.
  say(word, seconds) {
    const [icon, look, more] = {
      connecting: ["ring", "plain", ""],
      live: ["dot", "within", ""],
      reconnecting: ["ring", "warning", ` (${seconds} s)`],
      stale: ["clock", "warning", ` (last sample ${seconds} s ago)`],
      polling: ["clock", "unchanged", ""],
      ended: ["square", "plain", ""],
    }[word];
    const [use, text] = [$("use", this.chip), $("span", this.chip)];
    if (this.word !== word) {
      use.setAttribute("href", "#i-" + icon);
      this.chip.className = "chip " + look;
      this.chip.title = { polling: "no streaming here: the page asks every two seconds", ended: "the process has ended" }[word] || "";
      if (this.word && word !== "connecting") say("Connection: " + word);
      this.word = word;
    }
    if (text.textContent !== word + more) text.textContent = word + more;
  }
}

// Table is the operations. Only rows that are seen are updated.
class Table {
  constructor(body, data, choose) {
    this.body = body;
    this.data = data;
    this.rows = new Map(); // by number
    this.seen = new Set();
    this.shown = 0;
    this.text = "";
    this.watcher = new IntersectionObserver((entries) => {
      for (const { target, isIntersecting } of entries) isIntersecting ? this.seen.add(Number(target.dataset.n)) : this.seen.delete(Number(target.dataset.n));
    });
    for (const row of $$("tr", body)) this.watch(row);
    body.addEventListener("click", (event) => {
      const link = event.target.closest("a");
      if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
      const metric = data.metrics.get(Number(link.closest("tr").dataset.n));
      if (!metric) return;
      event.preventDefault();
      choose(metric);
    });
  }

  watch(row) {
    const cells = {};
    for (const cell of $$("[data-c]", row)) cells[cell.dataset.c] = cell;
    this.rows.set(Number(row.dataset.n), { row, cells, spark: $("polyline", row), name: $("a", row).textContent });
    this.watcher.observe(row);
    if (row.classList.contains("focused")) this.focusedRow = row;
    this.shown++;
  }

  // reset forgets rows of another process.
  reset() {
    for (const [number, { row, name }] of this.rows) {
      if (this.data.metrics.get(number)?.key === name) continue;
      row.remove();
      this.rows.delete(number);
      this.seen.delete(number);
    }
    if (this.focused) this.focused = this.data.find(this.focused.key);
  }

  // add makes rows for operations that are new.
  add() {
    for (const metric of this.data.fresh()) {
      if (metric.kind !== "timer" || this.rows.has(metric.number) || !metric.count) continue;
      const row = newRow(metric);
      this.body.append(row);
      this.watch(row);
      $("#no-rows").hidden = true;
      this.find(this.text);
    }
  }

  first() {
    for (const [number] of this.rows) { const m = this.data.metrics.get(number); if (m) return m }
  }

  focus(metric) {
    if (!metric) return;
    this.focused = metric;
    this.focusedRow?.classList.remove("focused");
    if (this.focusedRow) $("a", this.focusedRow).removeAttribute("aria-current");
    this.focusedRow = this.rows.get(metric.number)?.row;
    if (!this.focusedRow) return;
    this.focusedRow.classList.add("focused");
    $("a", this.focusedRow).setAttribute("aria-current", "true");
  }

  find(text) {
    this.text = text;
    const words = text.toLowerCase().split(/\s+/).filter(Boolean);
    this.shown = 0;
    for (const { row, name } of this.rows.values()) {
      row.hidden = !words.every((word) => name.toLowerCase().includes(word));
      if (!row.hidden) this.shown++;
    }
    $("#no-match").hidden = this.shown > 0 || this.rows.size === 0;
  }

  draw(from, until) {
    const seconds = Math.max(1, this.data.seconds(from, until)); // that there are data of
    for (const n of this.seen) {
      const known = this.rows.get(n), metric = this.data.metrics.get(n);
      if (!known || !metric || known.row.hidden) continue;
      const w = metric.window(from, until);
      const total = metric.total || [NaN, NaN, NaN, NaN];
      const shown = w.n ? [w.p50, w.p95, w.p99, w.max] : total;
      known.row.classList.toggle("idle", !w.n);
      set(known.cells.rate, w.n ? rate(w.n / seconds) : "0");
      ["p50", "p95", "p99", "max"].forEach((name, i) => set(known.cells[name], quantity(shown[i], metric.unit)));
      set(known.cells.count, number(metric.count));
      drawBudget(known.cells.budget, metric, shown[1]);
      known.spark.setAttribute("points", metric.spark(until));
    }
  }
}

function newRow(metric) {
  const cell = (name, look = "num") => element("td", { class: look, "data-c": name }, "–");
  const url = new URL(location.href);
  url.searchParams.set("m", metric.key);
  return element("tr", { "data-n": metric.number },
    element("th", { scope: "row" }, element("a", { href: "live" + url.search }, metric.key)),
    cell("rate"), cell("p50"), cell("p95"), cell("p99"), cell("max"), cell("budget", ""), cell("count", "num muted"),
    element("td", { class: "c-last" }, svg("svg", { class: "spark", width: 120, height: 22, viewBox: "0 0 120 22", preserveAspectRatio: "none", "aria-hidden": "true" }, svg("polyline", { points: "", fill: "none" }))));
}

// Lists are the slowest operations and the breaches of the window.
class Lists {
  constructor(data) {
    this.data = data;
    this.slowest = { list: $("#slowest"), none: $("#no-slowest"), shown: "" };
    this.breaches = { list: $("#breaches"), none: $("#no-breaches"), shown: "" };
  }

  draw(from, until) {
    this.fill(this.slowest, this.data.slowest(from, until), (o) => slowestItem(o));
    this.fill(this.breaches, this.data.breaches(until), (b) => breachItem(b));
  }

  // fill replaces a list only where it differs, and not while one is in it.
  fill(into, items, make) {
    const key = items.map((i) => i.key + i.at).join();
    if (key === into.shown || into.list.contains(document.activeElement) || !getSelection().isCollapsed && into.list.contains(getSelection().anchorNode)) return;
    into.shown = key;
    into.none.hidden = items.length > 0;
    into.list.replaceChildren(...items.map(make));
  }
}

const clock = (at) => element("time", { datetime: new Date(at).toISOString() }, new Date(at).toTimeString().slice(0, 8));

function slowestItem(o) {
  const words = [element("strong", {}, o.metric.key), " ", element("span", { class: "num" }, quantity(o.value, o.metric.unit)), " ", clock(o.at)];
  const notes = (o.notes || []).map(([key, value]) => `${key}=${value}`).join(", ");
  if (notes) words.push(" ", element("span", { class: "notes" }, notes));
  if (o.stage) words.push(" ", element("span", { class: "muted" }, o.stage.split("/").pop() + " " + quantity(o.took, "s")));
  if (navigator.clipboard) {
    const copy = element("button", { type: "button", class: "copy", "aria-label": "Copy " + o.metric.key }, "Copy");
    copy.addEventListener("click", async () => {
      await navigator.clipboard.writeText(`${o.metric.key} ${quantity(o.value, o.metric.unit)} ${new Date(o.at).toISOString()}${notes ? " {" + notes + "}" : ""}${o.stage ? ` ${o.stage} ${quantity(o.took, "s")}` : ""}`);
      say("copied");
    });
    words.push(" ", copy);
  }
  return element("li", {}, ...words);
}

function breachItem(b) {
  const shape = { target: "half", warning: "triangle", critical: "octagon" }[b.tier];
  const words = [element("span", { class: "budget " + (b.tier === "critical" ? "critical" : "warning") }, icon(shape), b.tier), " ",
    element("strong", {}, b.key), " ", element("span", { class: "num" }, `${quantity(b.value, b.unit)} of ${quantity(b.limit, b.unit)}`), " ", clock(b.at)];
  if (b.count > 1) words.push(" ", element("span", { class: "muted" }, `${number(b.count)} since the last report`));
  for (const file of b.evidence || []) {
    words.push(" ", element("a", { href: "evidence?file=" + encodeURIComponent(file) }, file.endsWith(".pprof") ? "CPU profile" : "trace"));
  }
  return element("li", {}, ...words);
}

if (page) start();
