// The pages where something is done: keys, and choosing several at once. All of
// it works without script as well.

const { keys, say } = await import(import.meta.url.replace("edit.js", "app.js")); // the same module as the page has

const $ = (selector, root = document) => root.querySelector(selector);
const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];

// Keys of the inbox: about the row that has the focus, else about what is
// chosen.
function act(key, name) {
  const row = document.activeElement?.closest("tr");
  const link = row && $(`[data-key-act="${key}"]`, row);
  const bulk = $(`[data-bulk] button[value="${name}"]`);
  if (link && !$("[data-bulk] input:checked")) link.click();
  else if (bulk && $("[data-bulk] input:checked")) bulk.click();
  else $(`[data-key-act="${key}"]`)?.click();
}
keys.a = () => act("a", "acknowledge");
keys.m = () => act("m", "mute");
const pick = keys.x;
keys.x = () => {
  const box = $("input[type=checkbox]", document.activeElement?.closest(".alerts tr") || document.createElement("i"));
  if (box) box.click(); else pick();
};

// Shift chooses everything between.
let last = null;
document.addEventListener("click", (event) => {
  const box = event.target;
  if (!box.matches?.("[data-bulk] input[type=checkbox]")) return;
  const boxes = $$("[data-bulk] input[type=checkbox]");
  if (event.shiftKey && last && boxes.includes(last)) {
    const [from, to] = [boxes.indexOf(last), boxes.indexOf(box)].sort((a, b) => a - b);
    for (const other of boxes.slice(from, to + 1)) other.checked = box.checked;
  }
  last = box;
  const n = boxes.filter((other) => other.checked).length;
  const words = $("[data-chosen]");
  if (words) words.textContent = n ? n + " chosen:" : "With what is chosen:";
  say(n + " chosen");
});

// Browsers do not take the focus to a field when an address leads to a place on
// the page.
if (location.hash === "#panel") $("#panel [autofocus]")?.focus();

// What is entered belongs to its choice.
for (const field of $$(".until input:not([type=radio])")) {
  field.addEventListener("input", () => { $("input[type=radio]", field.closest(".row")).checked = true });
}

// Budgets: what is entered is checked while one types, by the server, which
// also says what would change and what the last versions would have been
// judged. Fields are never replaced: whoever types keeps the place.
const budgets = $("form[data-budgets]");
let looking = 0, timer;
// post sends the form and returns the page that answers: the browser parses it.
function post(form) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest(), body = new URLSearchParams(new FormData(form));
    body.set("act", "preview");
    request.open("POST", form.getAttribute("action"));
    request.responseType = "document";
    request.onload = () => request.status === 200 && request.response ? resolve(request.response) : reject(new Error(request.statusText));
    request.onerror = () => reject(new Error("no connection"));
    request.send(body);
  });
}
async function look() {
  const mine = ++looking;
  let page;
  try { page = await post(budgets) } catch { say("The server does not answer. What you entered is still here."); return }
  if (mine !== looking) return;
  const theirs = $("form[data-budgets]", page);
  if (!theirs) return;
  for (const part of $$("[data-part]", theirs)) {
    const old = $(`[data-part="${CSS.escape(part.dataset.part)}"]`, budgets);
    if (old && !old.contains(document.activeElement) && old.innerHTML !== part.innerHTML) old.replaceWith(document.adoptNode(part));
  }
  for (const field of $$("input[name], select[name]", theirs)) {
    const old = budgets.elements.namedItem(field.name);
    if (!(old instanceof Element)) continue;
    for (const name of ["aria-invalid", "aria-describedby", "aria-label"]) {
      field.hasAttribute(name) ? old.setAttribute(name, field.getAttribute(name)) : old.removeAttribute(name);
    }
    if (field.name.startsWith("unit.")) old.value = field.value;
    const row = old.closest("tr"), like = field.closest("tr");
    if (row && like) row.className = like.className;
  }
  // Once the last row is used there is another one.
  const body = $(".budgets tbody", budgets), rows = $$(".budgets tbody tr", theirs);
  if (body) body.append(...rows.slice(body.rows.length).map((row) => document.adoptNode(row)));
  document.title = page.title;
  const n = $$(".error", budgets).length;
  say(n ? (n === 1 ? "1 mistake" : n + " mistakes") : $("[data-changes]", budgets)?.textContent || "No changes");
  dirty = Boolean($("[data-changes]", budgets));
}
let dirty = budgets && "unsaved" in budgets.dataset;
if (budgets) {
  budgets.addEventListener("input", () => { dirty = true; clearTimeout(timer); timer = setTimeout(look, 250) });
  addEventListener("submit", () => { dirty = false; clearTimeout(timer); looking++ });
  addEventListener("click", (event) => { if (event.target.closest?.("[data-discard]")) dirty = false });
  addEventListener("beforeunload", (event) => { if (dirty) event.preventDefault() });
  $(".here input:not([type=hidden]), .here select", budgets)?.focus();
}
