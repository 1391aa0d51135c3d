// The forms of the editor: every control shows one place of the document and writes only there, so
// what the forms do not know stays as it is.

import { copy, get, put, same } from "./document.js";
import { addChip, KINDS } from "./kinds.js";
import * as lists from "./lists.js";

const DECIDING = new Set(["variant", "limit", "span"]); // kinds that say what else there is
let numbered = 0;

/** Give a control an id, its label the same, and let it be described by what stands below it. */
function named(field) {
  if (field.dataset.named) return;
  field.dataset.named = "";
  const control = field.querySelector("input, select");
  const label = field.querySelector(":scope > label:not(:has(input))");
  numbered += 1;
  const described = [...field.querySelectorAll(".hint, .error, .warning")].map((each, at) => {
    each.id = `c${numbered}-${at}`;
    return each.id;
  });
  if (label) { control.id = `c${numbered}`; label.htmlFor = control.id; }
  const owner = field.tagName === "FIELDSET" ? field : control;
  owner?.setAttribute("aria-describedby", described.join(" "));
}

/** What stands in all boxes of a control, to see whether somebody touched it. */
const looks = (field) => [...field.querySelectorAll("input, select")]
  .map((each) => (each.type === "checkbox" ? each.checked : each.value)).concat(field.querySelectorAll(".chip").length ? [...field.querySelectorAll(".chip")].map((each) => each.chipValue) : []).join("\u0000");

export class Forms {
  /** `form` holds the controls; `changed()` is told after each change of `this.document`. */
  constructor(form, changed) {
    this.form = form;
    this.changed = changed;
    this.document = {};
    form.addEventListener("input", (event) => this.#touched(event));
    form.addEventListener("change", (event) => this.#touched(event, true));
    form.addEventListener("click", (event) => this.#clicked(event));
    form.addEventListener("keydown", (event) => this.#typed(event));
    form.addEventListener("submit", (event) => event.preventDefault());
  }

  /** Show another document. */
  fill(document) {
    this.document = document;
    this.#show();
  }

  /** The whole path of a control or item. */
  pathOf(field) {
    const scope = field.parentElement.closest("[data-path]")?.dataset.path;
    const at = field.dataset.at ?? "";
    return scope ? (at ? `${scope}.${at}` : scope) : at;
  }

  fields() {
    return [...this.form.querySelectorAll("[data-at]")];
  }

  /** What controls have to know besides their value. */
  about() {
    const levels = get(this.document, "ranks.levels");
    const ranks = {};
    for (const level of Array.isArray(levels) ? levels : []) {
      if (typeof level?.code === "string") ranks[level.code] = level.name || level.code;
    }
    return { currency: get(this.document, "currency") ?? this.form.dataset.currency ?? "JPY", ranks, offset: this.form.dataset.offset };
  }

  #show() {
    lists.fill(this.form, this.document);
    const about = this.about();
    for (const field of this.fields()) {
      named(field);
      this.#put(field, about);
    }
    this.#visible();
    this.#summaries(about);
  }

  #default(field) {
    return field.dataset.default === undefined ? undefined : JSON.parse(field.dataset.default);
  }

  #put(field, about) {
    const value = get(this.document, this.pathOf(field));
    KINDS[field.dataset.kind].show(field, value ?? this.#default(field), about);
    field.seen = looks(field);
  }

  #visible() {
    for (const part of this.form.querySelectorAll("[data-show]")) {
      const [at, values] = part.dataset.show.split("=");
      const scope = part.parentElement.closest("[data-path]")?.dataset.path;
      const value = get(this.document, scope ? `${scope}.${at}` : at) ?? "";
      part.hidden = !values.split(",").includes(String(value));
    }
  }

  #summaries(about) {
    for (const each of this.form.querySelectorAll("[data-money]")) {
      each.textContent = about.currency === "JPY" && document.documentElement.lang === "ja" ? "円" : about.currency;
    }
    for (const item of this.form.querySelectorAll("[data-item]")) {
      const it = get(this.document, item.dataset.path);
      const unsaid = !item.querySelector("[data-item-said]").textContent;
      item.querySelector("[data-name]").textContent = it?.name || (unsaid && (it?.code || it?.id)) || "";
      const count = item.querySelector("[data-condition-count]");
      if (count) {
        const given = Object.values(it?.when ?? {}).filter((each) => (Array.isArray(each) ? each.length : each)).length;
        count.textContent = given ? String(given) : this.form.dataset.wordAlways;
      }
    }
  }

  #touched(event, left = false) {
    const field = event.target.closest("[data-at]");
    if (!field || event.target.closest(".chips")) return;
    const kind = KINDS[field.dataset.kind];
    const about = this.about();
    if (looks(field) !== field.seen && !kind.waits?.(field)) this.#take(field, kind, about);
    if (left && !kind.waits?.(field)) this.#put(field, about);
  }

  #take(field, kind, about) {
    const path = this.pathOf(field);
    const before = get(this.document, path);
    const value = kind.read(field, about, copy(before));
    const fallback = this.#default(field);
    const meant = kind.means ?? ((it) => it ?? fallback);
    field.seen = looks(field);
    if (same(meant(value) ?? null, meant(before) ?? null)) return;
    if (field.dataset.kind === "variant" || field.dataset.kind === "limit") this.#turn(field, path, value);
    else put(this.document, path, value === false && fallback === false ? undefined : value);
    this.#after(DECIDING.has(field.dataset.kind) || path === "currency" || path.startsWith("ranks.levels"));
  }

  /** Another type is another object: only what both have stays. */
  #turn(field, path, value) {
    const parent = path.slice(0, path.lastIndexOf("."));
    const name = path.slice(parent.length + 1);
    const before = get(this.document, parent) ?? {};
    const kept = Object.fromEntries((field.dataset.keep ?? "").split(" ").filter((each) => each in before && value !== "none").map((each) => [each, before[each]]));
    const begun = { fixed: { months: 12 }, sliding: { months: 12 }, day: { count: 1 }, hours: { count: 1, hours: 3 } };
    put(this.document, parent, value === undefined ? undefined : { [name]: value, ...(begun[value] ?? {}), ...kept });
  }

  /** One change may show others (`wide`): what was hidden, the ranks to choose from, the currency. */
  #after(wide = false) {
    const about = this.about();
    this.#visible();
    this.#summaries(about);
    for (const field of wide ? this.fields() : []) {
      if (!field.contains(document.activeElement) && !field.matches("[data-show][hidden]")) this.#put(field, about);
    }
    this.changed();
  }

  #chipped(field) {
    put(this.document, this.pathOf(field), KINDS[field.dataset.kind].read(field, this.about(), get(this.document, this.pathOf(field))));
    field.seen = looks(field);
    this.#after();
  }

  #typed(event) {
    if (event.key !== "Enter" || event.isComposing) return;
    const field = event.target.closest(".chips");
    if (field) { event.preventDefault(); if (addChip(field)) this.#chipped(field); }
  }

  #clicked(event) {
    const field = event.target.closest(".chips");
    if (field && event.target.closest("[data-chip-remove]")) {
      event.target.closest(".chip").remove();
      field.querySelector("input").focus();
      this.#chipped(field);
    } else if (field && event.target.closest("[data-chip-add]")) {
      if (addChip(field)) this.#chipped(field);
    } else if (lists.acted(event.target, this.document)) {
      this.#show();
      this.changed();
    }
  }
}
