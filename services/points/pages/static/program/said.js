// What the service says of the document: problems and warnings at their controls, sentences beside
// the items and parts, differences to the version in force.

import { within } from "./document.js";

const lang = document.documentElement.lang === "en" ? "en" : "ja";
export const inLanguage = (text) => text?.[lang] ?? "";

/** Paths as the check gives them name list items by number, as ours do. */
function placesOf(forms) {
  const fields = forms.fields().filter((field) => !field.closest("[data-show][hidden]")).map((field) => [forms.pathOf(field), field]);
  const items = [...forms.form.querySelectorAll("[data-item]")].map((item) => [item.dataset.path, item]);
  return { fields, items };
}

function clear(form) {
  for (const line of form.querySelectorAll(".error, .warning, [data-item-error], [data-item-warning]")) line.textContent = "";
  for (const field of form.querySelectorAll("[aria-invalid]")) field.removeAttribute("aria-invalid");
  for (const badge of form.querySelectorAll("[data-item-wrong], [data-part-wrong]")) badge.hidden = true;
}

const add = (line, words) => { line.textContent = line.textContent ? `${line.textContent} ${words}` : words; };

/** Put words where they belong; false where no control or item is meant. */
function placed(places, path, words, kind) {
  const deepest = (found) => found.filter(([place]) => within(path, place)).sort(([a], [b]) => b.length - a.length)[0]?.[1];
  const field = deepest(places.fields);
  const item = deepest(places.items);
  const target = field ?? item;
  if (!target) return false;
  add(target.querySelector(field ? `.${kind}` : `[data-item-${kind}]`), words);
  if (kind === "error") {
    (field?.matches("fieldset") ? field : field?.querySelector("input, select"))?.setAttribute("aria-invalid", "true");
    for (const holder of [item, target.closest("[data-part]")]) {
      const badge = holder?.querySelector(":scope > summary > [data-part-wrong], :scope > details > summary > [data-item-wrong]");
      if (badge) badge.hidden = false;
    }
  }
  return true;
}

/** Show what a check found. What has no place on the forms is given back, in words. */
export function show(forms, checked) {
  clear(forms.form);
  const places = placesOf(forms);
  const rest = [];
  for (const { path, text } of checked.problems) {
    if (!placed(places, path, inLanguage(text), "error")) rest.push(path ? `${path}: ${inLanguage(text)}` : inLanguage(text));
  }
  const doubts = [];
  for (const { path, text } of checked.warnings) {
    if (!placed(places, path, inLanguage(text), "warning")) doubts.push(inLanguage(text));
  }
  if (checked.valid) sentences(forms.form, checked.sentences);
  return { rest, doubts };
}

function sentences(form, found) {
  const said = new Map(found.map((each) => [each.path, each]));
  for (const item of form.querySelectorAll("[data-item]")) {
    const found = said.get(item.dataset.path);
    item.querySelector("[data-item-said]").textContent = inLanguage(found?.text);
    if (found) item.querySelector("[data-name]").textContent = found.name;
  }
  for (const part of form.querySelectorAll("[data-part]")) {
    const wanted = part.dataset.part.split(" ");
    const own = found.filter((each) => wanted.some((path) => each.path === path || each.path.startsWith(`${path}[`)));
    const words = own.map((each) => inLanguage(each.text));
    const some = words.slice(0, 3).join(lang === "ja" ? "／" : " · ");
    part.querySelector("[data-part-said]").textContent = words.length > 3 ? `${some} …` : some;
  }
}

/** A list of differences in words. */
export function differences(list, found) {
  list.replaceChildren(...found.map(({ text }) => {
    const line = document.createElement("li");
    line.textContent = inLanguage(text);
    return line;
  }));
}
