// The editor of the program: forms and JSON of one document in step, checked live, kept as a draft.

import { api, ask, Refused, toast } from "/static/shared/page.js";
import { copy, written } from "./document.js";
import { Draft } from "./draft.js";
import { Forms } from "./forms.js";
import { merge } from "./merge.js";
import { publish, reconcile } from "./publish.js";
import { differences, show } from "./said.js";
import { Trial } from "./trial.js";

const CHECK_MS = 300;
const page = document.getElementById("editor");
const words = page.dataset;
const given = JSON.parse(document.getElementById("document").textContent);
const json = document.getElementById("json");
const find = (name) => page.querySelector(`[data-${name}]`);

let text = written(given.document); // what is checked and published, as it was written by hand
let readable = true;
let checked; // of this very text, else undefined
let turn = 0;
let timer;

const forms = new Forms(document.getElementById("forms"), () => changed(written(forms.document)));
const trial = new Trial(document.getElementById("trial"), () => (checked?.valid ? forms.document : undefined));
const draft = new Draft({ revision: given.revision, base: given.base }, (state, error) => {
  find("saved").textContent = words[`state${state[0].toUpperCase()}${state.slice(1)}`] ?? "";
  find("saved").classList.toggle("error", state === "stopped" || state === "clash");
  if (state === "clash") elsewhere();
  if (state === "stopped" && error instanceof Refused) toast(error.message, "bad");
});

/** The document is another one now, as `next` writes it. */
function changed(next, { byHand = false } = {}) {
  text = next;
  if (!byHand) json.value = text;
  checked = undefined;
  if (readable) draft.keep(copy(forms.document));
  look();
}

function look() {
  clearTimeout(timer);
  timer = setTimeout(check, CHECK_MS);
}

function byHand() {
  const line = find("json-problem");
  try {
    const found = JSON.parse(json.value);
    if (found === null || typeof found !== "object" || Array.isArray(found)) throw new SyntaxError(words.wordObject);
    readable = true;
    forms.fill(found);
    line.textContent = "";
  } catch (error) {
    readable = false;
    line.textContent = `${words.wordUnreadable} (${error.message})`;
  }
  json.toggleAttribute("aria-invalid", !readable);
  forms.form.inert = !readable;
  changed(json.value, { byHand: true });
}

async function check() {
  turn += 1;
  const mine = turn;
  if (!readable) { summary({ valid: false, differences: [], warnings: [], problems: [] }, { rest: [words.wordUnreadable], doubts: [] }); return; }
  const of = text;
  let found;
  try {
    found = await api("POST", "/v1/program/check", new Blob([of], { type: "application/json" }), {});
  } catch (error) {
    if (mine === turn) summary({ valid: false, differences: [], warnings: [], problems: [] }, { rest: [error.message], doubts: [] });
    return;
  }
  if (mine !== turn) return;
  checked = of === text ? found : undefined;
  summary(found, show(forms, found));
  trial.offer(forms.about().ranks);
  trial.soon();
}

function summary(found, { rest, doubts }) {
  const wrong = found.problems.length || rest.length;
  const count = found.differences.length;
  const asText = (template, n) => template.replace("{n}", String(n));
  find("state").textContent = wrong ? asText(words.wordWrong, wrong) : count ? asText(words.wordChanges, count) : words.wordSame;
  find("state").className = `badge ${wrong ? "bad" : count ? "brand" : "plain"}`;
  find("publish").disabled = !found.valid || count === 0;
  find("try").disabled = !found.valid;
  for (const each of page.querySelectorAll("[data-needs-valid]")) each.disabled = !found.valid;
  find("nothing").hidden = count > 0 || wrong > 0;
  if (found.valid) differences(find("differences"), found.differences);
  for (const [name, texts] of [["rest", rest], ["doubts", doubts]]) {
    const list = find(name);
    list.replaceChildren(...texts.map((each) => Object.assign(document.createElement("li"), { textContent: each })));
    list.parentElement.hidden = texts.length === 0;
  }
}

/** Another document and base, as somebody decided. */
function goOn({ document: next, base }) {
  draft.base = base;
  readable = true;
  forms.form.inert = false;
  forms.fill(next);
  changed(written(next));
}

/** The draft was saved on another device: both are put together, mine first. */
async function elsewhere() {
  const other = await draft.theirs().catch(() => ({ document: given.document, revision: 0, base: draft.base }));
  const both = merge(given.document, forms.document, other.document);
  draft.resume(other.revision);
  given.document = copy(other.document);
  goOn({ document: both, base: other.base });
  toast(words.wordElsewhere);
}

async function overtaken() {
  const decided = await reconcile(copy(forms.document), draft.base);
  if (!decided) return;
  goOn(decided);
  find("behind")?.remove();
  toast(words.wordTogether);
}

async function discard() {
  if (!(await ask(document.getElementById("discard")))) return;
  await draft.discard();
  location.reload();
}

/** Take a draft to where it is tried: it is saved first. */
async function leave(address) {
  await draft.flush();
  location.assign(address);
}

find("publish").addEventListener("click", async () => {
  await draft.flush();
  if (!checked) { clearTimeout(timer); await check(); }
  if (checked?.valid) await publish(checked, text, draft, overtaken);
});
find("try").addEventListener("click", () => leave(words.tryAt));
for (const each of page.querySelectorAll("[data-discard]")) each.addEventListener("click", discard);
find("take-over")?.addEventListener("click", overtaken);
json.addEventListener("input", byHand);
for (const tab of page.querySelectorAll("[name=pane]")) {
  tab.addEventListener("change", () => {
    for (const pane of page.querySelectorAll("[data-pane]")) pane.hidden = pane.dataset.pane !== tab.value;
  });
}
document.getElementById("open-all").addEventListener("click", (event) => {
  const parts = [...page.querySelectorAll("details.part")];
  const open = parts.some((each) => !each.open);
  for (const each of parts) each.open = open;
  event.currentTarget.setAttribute("aria-expanded", String(open));
});

forms.fill(copy(given.document));
json.value = text;
if (location.hash) { const part = document.getElementById(location.hash.slice(1)); if (part?.matches("details")) { part.open = true; part.scrollIntoView(); } }
look();
forms.form.inert = false;
page.dataset.ready = "";
