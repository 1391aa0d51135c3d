// Publishing: what changes, from when, asked once more; and what to do when somebody was faster.

import { api, ask, Refused, toast } from "/static/shared/page.js";
import { copy } from "./document.js";
import { merge } from "./merge.js";
import { differences, inLanguage } from "./said.js";

const dialog = document.getElementById("publish");
const clash = document.getElementById("overtaken");
const page = document.getElementById("editor").dataset;

function lines(list, texts) {
  list.replaceChildren(...texts.map((text) => Object.assign(document.createElement("li"), { textContent: text })));
  list.parentElement.hidden = texts.length === 0;
}

/** A day, or a moment with the shop's offset; undefined for at once. */
function start() {
  const { when, day, time } = dialog.querySelector("form").elements;
  if (when.value !== "later" || !day.value) return undefined;
  return time.value ? `${day.value}T${time.value}:00${page.offset}` : day.value;
}

function blame(error) {
  const line = dialog.querySelector("[data-problem]");
  line.textContent = error.errors.length ? error.errors.map((each) => each.message).join("\n") : error.message;
  line.hidden = false;
}

/** Ask, and publish `text`, which changes `checked`. `base` is the version that it began from. */
export async function publish(checked, text, draft, overtaken) {
  const form = dialog.querySelector("form");
  differences(dialog.querySelector("[data-differences]"), checked.differences);
  lines(dialog.querySelector("[data-doubts]"), checked.warnings.map((each) => inLanguage(each.text)));
  dialog.querySelector("[data-problem]").hidden = true;
  form.elements.later.hidden = form.elements.when.value !== "later";
  if (!(await ask(dialog))) return;
  const effective = start();
  if (form.elements.when.value === "later" && !effective) { toast(page.wordDay, "bad"); return publish(checked, text, draft, overtaken); }
  const address = `/v1/program${effective ? `?effective_from=${encodeURIComponent(effective)}` : ""}`;
  try {
    await api("PUT", address, new Blob([text], { type: "application/json" }), { headers: { "If-Match": `"${draft.base}"` } });
    await draft.discard();
    sessionStorage.setItem("said", effective ? page.wordScheduled : page.wordPublished);
    location.assign(page.after);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    if (error.status === 412) { await overtaken(); return; }
    blame(error);
    toast(error.errors[0]?.message ?? error.message, "bad");
  }
}

/** Somebody published meanwhile: say what, and put it together with `mine` if that is wanted. What
 * is given back goes on as the draft; undefined: nothing was decided. */
export async function reconcile(mine, base) {
  const now = await api("GET", "/v1/program/versions").then(({ items }) => items.find((each) => each.state === "in_force"));
  const [theirs, before] = await Promise.all([
    api("GET", `/v1/program/versions/${now.version}`),
    base ? api("GET", `/v1/program/versions/${base}`) : { document: {} },
  ]);
  const changes = base ? await api("GET", `/v1/program/versions/${now.version}/diff?against=${base}`) : { items: [] };
  clash.querySelector("[data-version]").textContent = String(now.version);
  differences(clash.querySelector("[data-differences]"), changes.items);
  const clashes = [];
  const both = merge(before.document, mine, theirs.document, clashes);
  lines(clash.querySelector("[data-clashes]"), clashes);
  clash.returnValue = "";
  clash.showModal();
  await new Promise((closed) => clash.addEventListener("close", closed, { once: true }));
  if (clash.returnValue === "both") return { document: both, base: now.version };
  if (clash.returnValue === "mine") return { document: copy(mine), base: now.version };
  return undefined;
}

for (const each of dialog.querySelectorAll("[name=when]")) {
  each.addEventListener("change", () => { dialog.querySelector("form").elements.later.hidden = each.value !== "later"; });
}
