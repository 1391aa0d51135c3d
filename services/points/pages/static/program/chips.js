// A list of codes or numbers: each is a chip that can be taken away; one is added by typing it.

import { same } from "./document.js";

const list = (field) => field.querySelector(".chip-list");

function chip(field, value) {
  const item = document.createElement("li");
  const words = document.createElement("span");
  const button = Object.assign(document.createElement("button"), { type: "button", textContent: "×" });
  item.className = "chip";
  item.chipValue = value;
  words.textContent = String(value);
  button.dataset.chipRemove = "";
  button.setAttribute("aria-label", `${field.closest("form").dataset.wordRemove} ${value}`);
  item.append(words, button);
  return item;
}

export function showChips(field, value) {
  const wanted = Array.isArray(value) ? value : [];
  if (same(chipsOf(field) ?? [], wanted)) return;
  list(field).replaceChildren(...wanted.map((each) => chip(field, each)));
}

/** The values; none where there are none, unless having none is something of its own. */
export function chipsOf(field) {
  const values = [...list(field).children].map((each) => each.chipValue);
  const none = JSON.parse(field.dataset.default ?? "[]").length ? [] : undefined;
  return values.length ? values : none;
}

/** Take what was typed as new chips: parted by commas and line breaks. */
export function addChip(field) {
  const input = field.querySelector("input");
  const typed = input.value.split(/[\n,、]/).map((each) => each.trim()).filter(Boolean);
  const numbers = field.dataset.kind === "numbers";
  for (const each of typed) {
    const value = numbers && /^\d{1,9}$/.test(each.normalize("NFKC")) ? Number(each.normalize("NFKC")) : each;
    if (!(chipsOf(field) ?? []).some((there) => there === value)) list(field).append(chip(field, value));
  }
  input.value = "";
  return typed.length > 0;
}
