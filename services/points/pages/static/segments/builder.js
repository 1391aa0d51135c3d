// The builder of a segment: its cards, what is wrong with it, how many members it has right now.

import { api, ask, Refused } from "/static/shared/page.js";
import { copy, get, put, same, within } from "../program/document.js";
import { Forms } from "../program/forms.js";
import { inLanguage } from "../program/said.js";
import { cardOf, isGroup, siblings, turned } from "./tree.js";

const WAIT_MS = 350;
const LONG_MS = 2000;
const page = document.getElementById("builder");
const words = page.dataset;
const given = JSON.parse(document.getElementById("segment").textContent);
const tree = document.getElementById("tree");
const find = (name) => document.querySelector(`[data-${name}]`);
const number = new Intl.NumberFormat(document.documentElement.lang);

let definition = isGroup(given.definition) ? copy(given.definition) : { all: same(given.definition, { all: true }) ? [] : [copy(given.definition)] };
let revision = given.revision;
let saved = JSON.stringify(spoken());
let counting = Promise.resolve();
let turn = 0;
let timer;

const forms = new Forms(tree.closest("form"), changed);

/** A part without the groups in it that are still empty; undefined for such a group. */
function pruned(node) {
  if (node && typeof node === "object" && "not" in node) {
    const inner = pruned(node.not);
    return inner && { not: inner };
  }
  if (!isGroup(node)) return node;
  const name = node.all ? "all" : "any";
  const kept = node[name].map(pruned).filter((each) => each !== undefined);
  return kept.length ? { [name]: kept } : undefined;
}

/** The definition as it is counted and stored: without conditions it is everybody. */
function spoken() {
  const whole = pruned(definition);
  if (!whole) return { all: true };
  const list = whole.all ?? whole.any;
  return list.length === 1 ? list[0] : whole;
}

function changed() {
  clearTimeout(timer);
  timer = setTimeout(look, WAIT_MS);
  find("unsaved").hidden = JSON.stringify(spoken()) === saved;
  find("json").textContent = JSON.stringify(spoken(), null, 2);
}

function draw() {
  tree.replaceChildren(cardOf(definition, ""));
  forms.fill(definition);
  changed();
}

function blame(problems) {
  for (const line of tree.querySelectorAll(".error")) line.textContent = "";
  const fields = forms.fields().map((field) => [forms.pathOf(field), field.querySelector(".error")]);
  const cards = [...tree.querySelectorAll("[data-path]")].map((card) => [card.dataset.path, card.querySelector(":scope > .error")]);
  const places = [...fields, ...cards].filter(([, line]) => line).sort(([a], [b]) => b.length - a.length);
  for (const { path, ...text } of problems) {
    const line = places.find(([place]) => place === "" || within(path, place))?.[1];
    if (line) line.textContent = inLanguage(text);
  }
}

async function look() {
  turn += 1;
  const mine = turn;
  const wanted = copy(spoken());
  const checked = await api("POST", "/v1/segments/check", { definition }).catch(refused);
  if (mine !== turn || !checked) return;
  const problems = checked.problems.filter(({ path }) => get(definition, path)?.length !== 0); // a group still empty
  blame(problems);
  for (const button of document.querySelectorAll("[data-needs-valid]")) button.disabled = problems.length > 0;
  if (problems.length) { find("words").textContent = ""; show(undefined, words.wordWrong); return; }
  show(undefined, words.wordCounting);
  const long = setTimeout(() => { if (mine === turn) show(undefined, words.wordLong); }, LONG_MS);
  const before = counting;
  counting = count(wanted, mine, before).finally(() => clearTimeout(long));
}

/** One count after another, and only the latest one that was asked for. */
async function count(wanted, mine, before) {
  await before;
  if (mine !== turn) return;
  const found = await api("POST", "/v1/segments/count", { definition: wanted }).catch(refused);
  if (mine !== turn || !found) return;
  show(found, "");
  find("words").textContent = inLanguage(found.words);
  const address = `/console/segments/sample?definition=${encodeURIComponent(JSON.stringify(wanted))}`;
  if (address.length < 8000) window.htmx.ajax("GET", address, { target: "#sample", swap: "innerHTML" });
}

function refused(error) {
  if (!(error instanceof Refused)) throw error;
  show(undefined, error.status === 503 ? words.wordTooLong : error.message);
  return undefined;
}

function show(found, note) {
  const fill = (text, n) => text.replace("{n}", number.format(n));
  find("count").textContent = found ? fill(words.wordMembers, found.count) : "–";
  find("reach").textContent = found ? fill(words.wordReach, found.reachable_by_line) : "";
  find("note").textContent = note;
  document.getElementById("count-box").setAttribute("aria-busy", String(!found && note !== words.wordWrong));
}

function add(card, node) {
  const path = card.dataset.path;
  const group = path ? get(definition, path) : definition;
  (group.all ?? group.any).push(node);
  draw();
  const cards = tree.querySelectorAll("[data-path]");
  const mine = `${path ? `${path}.` : ""}${group.all ? "all" : "any"}[${(group.all ?? group.any).length - 1}]`;
  [...cards].find((each) => each.dataset.outer === mine)?.querySelector("input:not([data-not]), select, [data-add]")?.focus();
}

tree.addEventListener("change", (event) => {
  const card = event.target.closest("[data-path]");
  if (event.target.matches("[data-add]") && event.target.value) {
    const node = JSON.parse(event.target.value);
    event.target.value = "";
    add(card, node);
  } else if (event.target.matches("[data-join]")) {
    const group = card.dataset.path ? get(definition, card.dataset.path) : definition;
    const items = group.all ?? group.any;
    delete group.all;
    delete group.any;
    group[event.target.value] = items;
    draw();
  } else if (event.target.matches("[data-not]")) {
    put(definition, card.dataset.outer, turned(get(definition, card.dataset.outer)));
    draw();
  }
});
tree.addEventListener("click", (event) => {
  const button = event.target.closest("[data-remove-node], [data-add-group]");
  if (!button) return;
  const card = button.closest("[data-path]");
  if ("addGroup" in button.dataset) { add(card, { any: [] }); return; }
  const { list, at } = siblings(definition, card.dataset.outer);
  list.splice(at, 1);
  draw();
  tree.querySelector("[data-add]").focus();
});

async function save(event) {
  event.preventDefault();
  const form = event.target;
  const problem = form.querySelector("[data-problem]");
  const body = { name: form.elements.name.value.trim(), definition: spoken(), revision };
  const code = given.code || form.elements.code.value.trim();
  problem.hidden = true;
  if (!/^[a-z0-9][a-z0-9_-]{0,63}$/.test(code)) { problem.textContent = words.wordCode; problem.hidden = false; form.elements.code?.focus(); return; }
  form.inert = true;
  try {
    const stored = await api("PUT", `/v1/segments/${code}`, body);
    saved = JSON.stringify(spoken());
    revision = stored.revision;
    sessionStorage.setItem("said", words.wordSaved);
    location.assign(`/console/segments/${code}`);
  } catch (error) {
    form.inert = false;
    if (!(error instanceof Refused)) throw error;
    if (error.reason === "segment-changed") { await clash(code, form); return; }
    problem.textContent = [error.message, ...error.errors.map((each) => each.message)].join("\n");
    problem.hidden = false;
  }
}

/** Somebody stored this segment meanwhile: theirs is shown, mine is kept until it is decided. */
async function clash(code, form) {
  const theirs = await api("GET", `/v1/segments/${code}`);
  const dialog = document.getElementById("clash");
  dialog.querySelector("[data-theirs]").textContent = `${inLanguage(theirs.name)}: ${inLanguage(theirs.words)}`;
  if (!(await ask(dialog))) return;
  revision = theirs.revision;
  form.requestSubmit();
}

const form = document.getElementById("save");
form.addEventListener("submit", save);
window.addEventListener("beforeunload", (event) => { if (JSON.stringify(spoken()) !== saved && !form.inert) event.preventDefault(); });
draw();
page.dataset.ready = "";
