// The table of tracks: the filter applies while one types, and of thousands of
// rows only those that are seen are there. What it takes from a key press until
// the rows are on the screen is measured, and told to the program.

const $ = (selector) => document.querySelector(selector);
const rows = $("#rows"), body = $("tbody"), table = $("table"), field = $("#q"), status = $("#count"), empty = $("#empty");
const all = Number($("main").dataset.all);
const height = 35, block = 100, beyond = 10; // of a row; rows of a request; rows kept ready outside of the window
const number = (n) => n.toLocaleString("en-US");
document.documentElement.classList.add("scripted");

// The rows of the filter that is shown, by block; left is how many there are.
let shown = { text: null, left: 0, blocks: new Map() };
let asking = null; // the filter that is being asked for
let pool = [];

const cell = (name, look) => { const c = document.createElement(name); if (look) c.className = look; return c };
const space = (() => { const make = () => { const r = cell("tr", "space"); r.setAttribute("aria-hidden", "true"); r.append(cell("td")); return r }; return [make(), make()] })();

// line makes a row, which is used for one track after the other.
function line() {
  const row = cell("tr"), first = cell("th");
  first.scope = "row";
  const mark = cell("span");
  const cells = [first, cell("td"), cell("td", "c-mix"), cell("td", "num"), cell("td", "c-key"), cell("td", "c-genre"), cell("td", "num c-year"), cell("td"), cell("td", "c-found")];
  cells[7].append(mark);
  row.append(...cells);
  return { row, cells, mark };
}

function fill({ row, cells, mark }, index, texts) {
  row.setAttribute("aria-rowindex", index + 2);
  for (let i = 0; i < cells.length; i++) {
    const text = texts ? texts[i] : i === 0 ? "…" : "";
    if (i === 7) {
      mark.className = "status " + text;
      mark.textContent = text || "–";
    } else if (cells[i].textContent !== text) {
      cells[i].textContent = text;
    }
  }
}

// draw shows the rows of the window, and asks for those that are missing.
function draw() {
  const seen = Math.ceil(rows.clientHeight / height);
  const first = Math.max(0, Math.min(Math.floor(rows.scrollTop / height) - beyond, shown.left - 1)), end = Math.min(shown.left, first + seen + 2 * beyond);
  while (pool.length < end - first) pool.push(line());
  const used = [];
  for (let i = first; i < end; i++) {
    const texts = shown.blocks.get(Math.floor(i / block))?.[i % block];
    fill(pool[i - first], i, texts);
    used.push(pool[i - first].row);
  }
  space[0].firstChild.style.height = first * height + "px";
  space[1].firstChild.style.height = (shown.left - end) * height + "px";
  if (body.childElementCount !== used.length + 2 || body.firstElementChild !== space[0]) body.replaceChildren(space[0], ...used, space[1]);
  table.setAttribute("aria-rowcount", shown.left + 1);
  empty.hidden = shown.left > 0;
  for (let b = Math.floor(first / block); b * block < end; b++) if (!shown.blocks.has(b)) ask(shown.text, b);
}

// ask asks for a block of rows of a filter; null if another filter came first.
async function ask(text, b, signal) {
  if (!signal) shown.blocks.set(b, undefined); // asked for once
  const answer = await fetch("rows?" + new URLSearchParams({ q: text, first: b * block, n: block }), { signal, cache: "no-store" });
  if (!answer.ok) throw new Error(answer.statusText);
  const { left, rows: list } = await answer.json();
  if (signal) return { text, left, blocks: new Map([[b, list]]) };
  if (text === shown.text) { shown.blocks.set(b, list); schedule() }
}

let scheduled = false;
function schedule() {
  if (scheduled) return;
  scheduled = true;
  requestAnimationFrame(() => { scheduled = false; draw() });
}
rows.addEventListener("scroll", schedule, { passive: true });
new ResizeObserver(schedule).observe(rows);

// The filter. A key press waits until its rows, or those of a later one, are on
// the screen.
let pressed = [], measured = [];
let key = 0;
field.addEventListener("keydown", (event) => { key = event.timeStamp });
field.addEventListener("input", (event) => {
  pressed.push(key && event.timeStamp - key < 1000 ? key : event.timeStamp);
  key = 0;
  filter(field.value);
});
$(".filter").addEventListener("submit", (event) => { event.preventDefault(); filter(field.value) });

// filter shows what a text leaves of the table, from its beginning; with stay,
// what it leaves by now, where one is.
async function filter(text, stay) {
  asking?.abort();
  const mine = asking = new AbortController();
  try {
    const found = await ask(text, stay ? Math.floor(rows.scrollTop / height / block) : 0, mine.signal);
    if (mine !== asking) return;
    asking = null;
    shown = found;
    if (!stay) rows.scrollTop = 0;
    draw();
    if (stay) return;
    status.textContent = shown.left === all ? `${number(all)} tracks` : `${number(shown.left)} of ${number(all)} tracks`;
    history.replaceState(null, "", text ? "./?" + new URLSearchParams({ q: text }) : "./");
    onScreen();
  } catch (error) {
    if (error.name === "AbortError") return;
    asking = null;
    pressed = [];
    status.textContent = "CuePoint does not answer. Was it ended?";
  }
}

// onScreen notes how long the key presses took that are answered by now: a task
// after the frame runs when that frame is done.
function onScreen() {
  const answered = pressed;
  pressed = [];
  if (answered.length > 0) requestAnimationFrame(() => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => { for (const at of answered) measured.push(performance.now() - at) };
    port2.postMessage(null);
  });
}

// What was measured is told when there is a pause, and when the page goes.
function tell() {
  if (measured.length === 0) return;
  const list = measured.splice(0, 200).map((ms) => Math.round(ms * 1000) / 1000);
  navigator.sendBeacon("beacon", JSON.stringify({ filter: list }));
}
setInterval(tell, 1000);
document.addEventListener("visibilitychange", () => { if (document.hidden) tell() });

// Matching.
const matching = $("#matching"), bar = $("#done"), part = $("#part");
let looking = false;
matching.addEventListener("submit", async (event) => {
  event.preventDefault();
  await fetch(matching.getAttribute("action"), { method: "POST", redirect: "manual" });
  look();
});
async function look() {
  if (looking) return;
  looking = true;
  let running = true;
  while (running) {
    const p = await (await fetch("progress", { cache: "no-store" })).json();
    running = p.running;
    matching.setAttribute("action", running ? "stop" : "match");
    matching.querySelector("button").textContent = running ? "Stop" : "Match tracks";
    $(".progress").hidden = !running && p.done === 0;
    bar.value = p.done;
    part.textContent = `${number(p.done)} of ${number(p.total)}`;
    if (!document.hidden && !asking) await filter(shown.text, true); // one who types comes first
    if (running) await new Promise((next) => setTimeout(next, 250));
  }
  looking = false;
}

filter(field.value);
if (matching.getAttribute("action") === "stop") look();
