// Marks that the page Live makes: elements, icons, and how a value stands in a
// budget. They are made as nodes, never out of HTML.

import { percent } from "./live-data.js";

// set changes a text only where it differs: what is selected stays selected.
export function set(cell, text) {
  if (cell.firstChild?.nodeType === Node.TEXT_NODE && !cell.firstChild.nextSibling) {
    if (cell.firstChild.data !== text) cell.firstChild.data = text;
  } else {
    cell.textContent = text;
  }
}

export const svg = (name, attributes, ...children) => {
  const e = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) e.setAttribute(key, value);
  e.append(...children);
  return e;
};
export const element = (name, attributes, ...children) => {
  const e = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) if (value !== undefined) e.setAttribute(key, value);
  e.append(...children);
  return e;
};
export const icon = (name) => svg("svg", { class: "icon", width: 16, height: 16, "aria-hidden": "true" }, svg("use", { href: "#i-" + name }));

// drawBudget says how a value stands in a budget: word, shape, colour.
export function drawBudget(place, metric, value) {
  if (!metric.budget || !(value >= 0)) return;
  const [tier, limit] = metric.tier(value);
  const [look, shape, word] = { "": ["within", "full", "within"], target: ["warning", "half", "over target"], warning: ["warning", "triangle", "warning"], critical: ["critical", "octagon", "critical"] }[tier];
  let chip = place.querySelector(".budget");
  if (!chip) {
    chip = element("span", { class: "budget" }, icon(shape), element("span", {}, ""), " ", element("span", { class: "part" }, ""));
    place.replaceChildren(chip);
  }
  if (chip.dataset.word !== word) {
    chip.dataset.word = word;
    chip.className = "budget " + look;
    chip.querySelector("use").setAttribute("href", "#i-" + shape);
    chip.querySelector("span").textContent = word;
  }
  const part = percent(value / limit, true);
  if (chip.querySelector(".part").textContent !== part) chip.querySelector(".part").textContent = part;
}

