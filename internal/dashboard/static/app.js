// What script adds to pages that work without it: keys, filters that apply
// while one types, the theme, copying. Nothing here builds HTML out of text.

const $ = (selector, root = document) => root.querySelector(selector);
const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
const store = {
  get(key) { try { return localStorage.getItem(key) } catch { return null } },
  set(key, value) { try { value ? localStorage.setItem(key, value) : localStorage.removeItem(key) } catch { /* private mode */ } },
};

document.documentElement.classList.add("scripted");

// say tells those who do not see the page: at once, but not more often than
// every five seconds; of several, the last.
let said = 0, waiting;
export function say(text) {
  clearTimeout(waiting);
  waiting = setTimeout(() => {
    said = Date.now();
    const status = $("#status");
    if (status) status.textContent = text;
  }, Math.max(0, said + 5000 - Date.now()));
}

// load fetches a page of ours as a document: XMLHttpRequest parses, so that no
// text becomes HTML here.
export function load(url) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("GET", url);
    request.responseType = "document";
    request.onload = () => request.status === 200 && request.response ? resolve(request.response) : reject(new Error(request.statusText));
    request.onerror = () => reject(new Error("no connection"));
    request.send();
  });
}

let latest = 0;
// swap replaces one part of this page by that of another one, and its address.
export async function swap(url, selector) {
  const mine = ++latest, old = $(selector);
  const slow = setTimeout(() => { old.classList.add("dim"); say("updating") }, 300);
  try {
    const page = await load(url);
    const part = $(selector, page);
    if (mine !== latest || !part) return;
    old.replaceWith(document.adoptNode(part));
    history.replaceState(null, "", url);
    document.title = page.title;
    if (part.dataset.count) say(part.dataset.count);
    enhance(part);
  } catch (error) {
    say("The server does not answer. What you see is older.");
  } finally {
    clearTimeout(slow);
    old.classList.remove("dim");
  }
}

// Theme: as the system, light, dark.
const themes = ["", "light", "dark"];
export function setTheme(theme) {
  store.set("pacer-theme", theme);
  if (theme) document.documentElement.dataset.theme = theme; else delete document.documentElement.dataset.theme;
  const name = $("#theme-name");
  if (name) name.textContent = theme || "system";
  for (const input of $$("input[name=theme]")) input.checked = input.value === theme;
}
setTheme(store.get("pacer-theme") || "");
function nextTheme() {
  const next = themes[(themes.indexOf(store.get("pacer-theme") || "") + 1) % themes.length];
  setTheme(next);
  say("Theme: " + (next || "system"));
}
const themeButton = $("#theme");
if (themeButton) { themeButton.hidden = false; themeButton.addEventListener("click", nextTheme) }

// Help.
const help = $("#help");
const showHelp = () => { if (help && !help.open) help.showModal() };
$("#help-open")?.addEventListener("click", (event) => { event.preventDefault(); showHelp() });

// Menus close by Esc, and when something else is used.
document.addEventListener("click", (event) => {
  for (const menu of $$("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
});

// A page without data looks again by itself.
const refresh = $("[data-refresh]");
if (refresh) {
  const look = async () => {
    if (!document.hidden) try {
      const page = await load(location.href);
      if (!$("[data-refresh]", page)) return location.reload();
    } catch { /* later */ }
    setTimeout(look, refresh.dataset.refresh * 1000);
  };
  setTimeout(look, refresh.dataset.refresh * 1000);
}

// enhance does what has to be done anew for a part that was swapped in.
function enhance(root) {
  for (const button of $$("[data-copy]", root)) {
    if (!navigator.clipboard) continue;
    button.hidden = false;
    button.onclick = async () => {
      await navigator.clipboard.writeText(button.dataset.copy || location.href);
      say("copied");
      const menu = button.closest("details");
      if (menu) menu.open = false;
    };
  }
  for (const link of $$("a[data-swap]", root)) {
    link.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
      event.preventDefault();
      swap(link.href.split("#")[0], link.dataset.swap);
    });
  }
  for (const form of $$("form[data-live]", root)) liveForm(form);
  for (const figure of $$("[data-chart]", root)) chart(figure);
  for (const cell of $$("[data-verdict]", root)) seen.observe(cell);
}

// A form that applies while one types.
function liveForm(form) {
  let timer;
  const apply = () => {
    const query = new URLSearchParams();
    for (const [name, value] of new FormData(form)) if (value) query.set(name, value);
    const text = query.toString();
    swap(text ? "?" + text : location.pathname.split("/").pop() || "./", form.dataset.live);
  };
  form.addEventListener("input", (event) => {
    clearTimeout(timer);
    timer = setTimeout(apply, event.target.type === "search" ? 150 : 0);
  });
  form.addEventListener("submit", (event) => { event.preventDefault(); clearTimeout(timer); apply() });
}

// Verdicts of runs are asked for when their rows come into sight.
const seen = new IntersectionObserver((entries) => {
  for (const { isIntersecting, target } of entries) {
    if (!isIntersecting) continue;
    seen.unobserve(target);
    asking = asking.then(() => ask(target)).catch(() => { /* the link stays */ });
  }
});
let asking = Promise.resolve(); // one at a time: each is work for the server
async function ask(cell) {
  if (!cell.isConnected) return;
  const answer = await fetch(cell.dataset.verdict);
  if (!answer.ok) return;
  const { class: kind, icon, word, title } = await answer.json();
  const link = $("a", cell), chip = document.createElement("span");
  chip.className = "chip " + kind;
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  for (const [name, value] of Object.entries({ class: "icon", width: 16, height: 16, "aria-hidden": true })) svg.setAttribute(name, value);
  svg.append(document.createElementNS("http://www.w3.org/2000/svg", "use"));
  svg.firstChild.setAttribute("href", "#i-" + icon);
  chip.append(svg, word);
  const said = document.createElement("span");
  said.append(title);
  link.replaceChildren(chip, " ", said);
}

// A chart whose points are links: one of them takes the tab key, arrows move
// among them; the line beneath says what the pointer or the focus is at.
const zooms = []; // addresses, to zoom out to
function chart(figure) {
  const svg = $("svg", figure), caption = $("[data-caption]", figure);
  const points = $$("a[data-i]", svg);
  if (!points.length || !caption) return;
  const usual = caption.textContent, moves = $$("[data-change]", svg).map((g) => +g.dataset.change).sort((a, b) => a - b);
  for (const point of points) {
    // The page's own line and card say it: no tooltip beside them.
    const title = $("title", point);
    point.setAttribute("aria-label", title.textContent);
    title.remove();
    point.tabIndex = -1;
  }
  points.at(-1).tabIndex = 0;
  let at = -1, pinned = false, from = null;
  const card = document.createElement("div");
  card.className = "card-at";
  card.hidden = true;
  figure.append(card);
  const x = (point) => { const box = point.lastElementChild.getBoundingClientRect(); return box.left + box.width / 2 };
  const show = (i) => {
    at = i;
    for (const point of $$(".at", svg)) point.classList.remove("at");
    if (i < 0) { caption.textContent = usual; card.hidden = true; return }
    const point = points[i], text = point.getAttribute("aria-label"), box = figure.getBoundingClientRect();
    point.classList.add("at");
    caption.textContent = text + ".";
    card.replaceChildren(text.replace(/: /, ":\n").replace(/, (?=95|\d+ value)/g, "\n"));
    if (pinned) {
      card.append(action("Compare with the one before", point.href.baseVal), action("Unpin", null, () => pin(false)));
      if (navigator.clipboard) card.append(action("Copy", null, () => navigator.clipboard.writeText(text).then(() => say("copied"))));
    }
    card.classList.toggle("pinned", pinned);
    card.hidden = false;
    const width = card.offsetWidth, left = x(point) - box.left;
    card.style.left = Math.max(0, Math.min(left + (left > box.width / 2 ? -width - 14 : 14), box.width - width)) + "px";
  };
  const pin = (on) => { pinned = on; show(on ? at : -1) };
  const focus = (i) => {
    const point = points[Math.max(0, Math.min(i, points.length - 1))];
    for (const other of points) other.tabIndex = other === point ? 0 : -1;
    point.focus();
  };
  const nearest = (clientX) => points.reduce((best, point, i) => Math.abs(x(point) - clientX) < Math.abs(x(points[best]) - clientX) ? i : best, 0);
  const zoom = (a, b) => {
    if (b - a < 1) return;
    zooms.push(location.href);
    const url = new URL(location.href);
    url.searchParams.set("range", points[a].dataset.id + ".." + points[b].dataset.id);
    url.hash = "";
    swap(url.href, "#history").then(() => $("#history a[data-i][tabindex='0']")?.focus());
  };
  const out = () => {
    const back = zooms.pop() || $("[data-key-0]")?.href;
    if (back) swap(back.split("#")[0], "#history").then(() => $("#history a[data-i][tabindex='0']")?.focus());
  };
  svg.addEventListener("focusin", (event) => { const i = points.indexOf(event.target.closest("a")); if (i >= 0 && !pinned) show(i) });
  svg.addEventListener("focusout", () => { if (!pinned) show(-1) });
  svg.addEventListener("keydown", (event) => {
    const i = points.indexOf(document.activeElement), number = (k) => +points[k].dataset.i;
    if (i < 0 || event.ctrlKey || event.altKey || event.metaKey) return;
    const next = moves.find((m) => m > number(i)), previous = moves.findLast((m) => m < number(i));
    const to = (m) => m === undefined ? i : points.findIndex((p) => +p.dataset.i >= m);
    const acts = {
      ArrowLeft: () => focus(event.shiftKey ? to(previous) : i - 1),
      ArrowRight: () => focus(event.shiftKey ? to(next) : i + 1),
      Home: () => focus(0),
      End: () => focus(points.length - 1),
      " ": () => { at = i; pin(!pinned) },
      "+": () => { const half = Math.max(1, Math.floor(points.length / 4)); zoom(Math.max(0, i - half), Math.min(points.length - 1, i + half)) },
      "-": out,
      0: () => { zooms.length = 0; out() },
      Escape: () => pinned ? pin(false) : out(),
    };
    if (!acts[event.key] || store.get("pacer-keys") === "off" && event.key.length === 1 && event.key !== " ") return;
    event.preventDefault();
    event.stopPropagation();
    acts[event.key]();
  });
  // The pointer: the nearest point is meant, a drag is a zoom.
  let mark = null;
  svg.addEventListener("pointermove", (event) => {
    if (from !== null && Math.abs(event.clientX - from) > 6) {
      if (!mark) {
        mark = document.createElementNS("http://www.w3.org/2000/svg", "rect");
        for (const [name, value] of Object.entries({ class: "drag", y: 0, height: "100%" })) mark.setAttribute(name, value);
        svg.append(mark);
        svg.setPointerCapture(event.pointerId);
      }
      const left = svg.getBoundingClientRect().left;
      mark.setAttribute("x", Math.min(from, event.clientX) - left);
      mark.setAttribute("width", Math.abs(event.clientX - from));
    } else if (!pinned) show(nearest(event.clientX));
  });
  svg.addEventListener("pointerleave", () => { if (!pinned && !svg.contains(document.activeElement)) show(-1) });
  svg.addEventListener("pointerdown", (event) => { if (event.pointerType !== "touch" && event.button === 0) from = event.clientX });
  svg.addEventListener("pointerup", (event) => {
    const start = from;
    from = null;
    if (!mark) return;
    mark.remove();
    mark = null;
    svg.addEventListener("click", (click) => { click.preventDefault(); click.stopPropagation() }, { capture: true, once: true });
    const [a, b] = [nearest(start), nearest(event.clientX)].sort((p, q) => p - q);
    zoom(a, b);
  });
  svg.addEventListener("dragstart", (event) => event.preventDefault());
  svg.addEventListener("dblclick", out);
  svg.addEventListener("click", (event) => {
    if (event.target.closest("a") || mark) return;
    at = nearest(event.clientX);
    pin(true);
  });
}
function action(text, href, act) {
  const element = document.createElement(href ? "a" : "button");
  element.textContent = text;
  if (href) element.href = href; else { element.type = "button"; element.onclick = act }
  return element;
}

enhance(document);

// What is set for this browser.
for (const input of $$("input[name=theme]")) input.addEventListener("change", () => setTheme(input.value));
const keysOn = $("#keys-on");
if (keysOn) {
  keysOn.checked = store.get("pacer-keys") !== "off";
  keysOn.addEventListener("change", () => store.set("pacer-keys", keysOn.checked ? "" : "off"));
}

// Printing opens what is folded.
addEventListener("beforeprint", () => { for (const d of $$("details:not([open])")) { d.open = true; d.dataset.printed = "" } });
addEventListener("afterprint", () => { for (const d of $$("details[data-printed]")) { d.open = false; delete d.dataset.printed } });

// Keys.
const rows = () => $$("tbody tr").filter((row) => row.offsetParent !== null && $("a", row));
function move(step) {
  const list = rows(), here = list.indexOf(document.activeElement?.closest("tr"));
  const row = list[here < 0 ? (step > 0 ? 0 : list.length - 1) : Math.min(Math.max(here + step, 0), list.length - 1)];
  if (row) { $("a", row).focus(); row.scrollIntoView({ block: "nearest" }) }
}
// pick chooses the run of this row, for B and A in turn.
let side = "a";
function pick() {
  const row = document.activeElement?.closest("tr"), next = side === "a" ? "b" : "a", input = row && $(`input[name=${next}]`, row);
  if (!input) return;
  side = next;
  input.checked = true;
  say(input.getAttribute("aria-label"));
}
let going = 0;
export const keys = {
  "/": () => $("[data-key-find]")?.focus(),
  j: () => move(1),
  k: () => move(-1),
  c: () => $("[data-key-c]")?.click(),
  o: () => { const d = document.activeElement?.closest("tr, details"); const fold = d && (d.matches("details") ? d : $("details", d) || $("details", d.nextElementSibling)); if (fold) fold.open = !fold.open },
  x: () => pick(),
  t: nextTheme,
  "?": showHelp,
  Escape: () => { for (const menu of $$("details.menu[open]")) { menu.open = false; $("summary", menu).focus() } },
};
addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.defaultPrevented || event.isComposing) return;
  if (event.key !== "Escape" && (store.get("pacer-keys") === "off" || event.target.matches("input:not([type=checkbox], [type=radio]), select, textarea, [contenteditable]") || help?.open)) return;
  if (going && Date.now() - going < 1500) {
    going = 0;
    const link = $(`nav [data-key="${CSS.escape(event.key)}"]`);
    if (link) { event.preventDefault(); link.click() }
    return;
  }
  if (event.key === "g") { going = Date.now(); return }
  const act = keys[event.key];
  if (!act) return;
  if (event.key !== "Escape") event.preventDefault();
  act(event);
});
