// What script adds to pages that work without it: keys, filters that apply
// while one types, the theme, copying. Nothing here builds HTML out of text.

const $ = (selector, root = document) => root.querySelector(selector);
const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
const store = {
  get(key) { try { return localStorage.getItem(key) } catch { return null } },
  set(key, value) { try { value ? localStorage.setItem(key, value) : localStorage.removeItem(key) } catch { /* private mode */ } },
};

document.documentElement.classList.add("scripted");

// say tells those who do not see the page, once.
export function say(text) {
  const status = $("#status");
  if (status) status.textContent = text;
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

// Filters.
for (const form of $$("form[data-live]")) {
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
}
enhance(document);

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
let going = 0;
export const keys = {
  "/": () => $("[data-key-find]")?.focus(),
  j: () => move(1),
  k: () => move(-1),
  c: () => $("[data-key-c]")?.click(),
  o: () => { const d = document.activeElement?.closest("tr, details"); const fold = d && (d.matches("details") ? d : $("details", d) || $("details", d.nextElementSibling)); if (fold) fold.open = !fold.open },
  t: nextTheme,
  "?": showHelp,
  Escape: () => { for (const menu of $$("details.menu[open]")) { menu.open = false; $("summary", menu).focus() } },
};
addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.defaultPrevented || event.isComposing) return;
  if (event.key !== "Escape" && (store.get("pacer-keys") === "off" || event.target.matches("input, select, textarea, [contenteditable]") || help?.open)) return;
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
