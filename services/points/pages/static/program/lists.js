// Lists of items (rules, ranks, caps …): added, moved, copied, taken away.

import { copy, fresh, get, put } from "./document.js";

const itemsOf = (list) => list.querySelector("[data-items]");

function made(list) {
  const template = document.getElementById(list.dataset.template);
  return template.content.firstElementChild.cloneNode(true);
}

/** One item on the page for each in the document, each knowing its place. */
export function fill(form, document) {
  for (const list of form.querySelectorAll("[data-list]")) {
    const path = list.dataset.list;
    const value = get(document, path);
    const wanted = Array.isArray(value) ? value.length : 0;
    const items = itemsOf(list);
    while (items.children.length > wanted) items.lastElementChild.remove();
    while (items.children.length < wanted) items.append(made(list));
    [...items.children].forEach((item, at) => {
      item.dataset.path = `${path}[${at}]`;
      const up = item.querySelector("[data-up]");
      if (up) { up.disabled = at === 0; item.querySelector("[data-down]").disabled = at === wanted - 1; }
    });
    list.querySelector("[data-none]").hidden = wanted > 0;
  }
}

/** Do what a button of a list says; false when it was none. The page follows by `fill`. */
export function acted(target, document) {
  const list = target.closest("[data-list]");
  const button = target.closest("[data-add], [data-up], [data-down], [data-copy-item], [data-remove]");
  if (!list || !button) return false;
  const path = list.dataset.list;
  const found = get(document, path);
  const values = Array.isArray(found) ? found : [];
  if (!Array.isArray(found)) put(document, path, values);
  const item = button.closest("[data-item]");
  const at = item ? [...itemsOf(list).children].indexOf(item) : values.length;
  if ("add" in button.dataset) add(list, values, at, JSON.parse(button.dataset.add));
  else if ("copyItem" in button.dataset) add(list, values, at + 1, copy(values[at]));
  else if ("remove" in button.dataset) remove(list, values, at);
  else move(list, values, at, "up" in button.dataset ? at - 1 : at + 1, button);
  return true;
}

function add(list, values, at, value) {
  const name = "code" in value ? "code" : "id";
  if (typeof value[name] === "string") value[name] = fresh(values, value[name], name);
  values.splice(at, 0, value);
  const item = made(list);
  itemsOf(list).insertBefore(item, itemsOf(list).children[at] ?? null);
  item.querySelector("details").open = true;
  requestAnimationFrame(() => {
    item.scrollIntoView({ block: "nearest" });
    [...item.querySelectorAll("input, select")].find((each) => each.offsetParent)?.focus({ preventScroll: true });
  });
}

function remove(list, values, at) {
  values.splice(at, 1);
  const items = itemsOf(list);
  items.children[at].remove();
  (items.children[Math.min(at, items.children.length - 1)]?.querySelector("summary") ?? list.querySelector("[data-add]")).focus();
}

function move(list, values, from, to, button) {
  if (to < 0 || to >= values.length) return;
  values.splice(to, 0, ...values.splice(from, 1));
  const items = itemsOf(list);
  const item = items.children[from];
  items.insertBefore(item, to > from ? items.children[to].nextElementSibling : items.children[to]);
  requestAnimationFrame(() => button.focus());
}
