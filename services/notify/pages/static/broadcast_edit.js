// Writing a broadcast: texts or messages as JSON, to whom, and how it looks on a phone.

import { api, Refused } from "/static/shared/page.js";
import { show } from "/static/notify/preview.js";

const form = document.getElementById("broadcast");
const { id, custom, badJson } = form.dataset;
const draft = JSON.parse(document.getElementById("draft").textContent);
const field = (name) => document.getElementById(name);
const CUSTOM = "*";
const definitions = new Map();
let last = field("ja");

const textMessages = (text) => [{ type: "text", text }];
const plain = (messages) => messages?.length === 1 && messages[0].type === "text" && Object.keys(messages[0]).length === 2;
const way = () => form.elements.way.value;

function texts() {
  const [ja, en] = [field("ja").value.trim(), field("en").value.trim()];
  return { ja: textMessages(ja), ...(en ? { en: textMessages(en) } : {}) };
}

/** What is written, as the API takes it; null while it cannot be read. */
function content() {
  if (way() === "text") return { messages: texts() };
  try {
    const read = JSON.parse(field("json").value);
    field("json-error").textContent = "";
    return Array.isArray(read) ? { messages: { ja: read } } : { messages: read };
  } catch {
    field("json-error").textContent = badJson;
    return null;
  }
}

function preview() {
  const { messages } = content() ?? {};
  show((messages?.ja ?? []).filter((each) => each.type !== "text" || each.text));
}

function showWay() {
  for (const part of form.querySelectorAll("[data-way]")) part.hidden = part.dataset.way !== way();
  if (way() === "json" && !field("json").value && field("ja").value) field("json").value = JSON.stringify(texts(), null, 2);
  preview();
}

function option(value, words) {
  return Object.assign(document.createElement("option"), { value, textContent: words });
}

async function fillSegments() {
  const select = form.elements.segment;
  let cursor = "";
  do {
    const page = await api("GET", `/v1/segments${cursor && `?cursor=${encodeURIComponent(cursor)}`}`);
    for (const each of page.items) {
      definitions.set(each.code, each.definition);
      select.append(option(each.code, each.name));
    }
    cursor = page.next ?? "";
  } while (cursor);
  if (draft.definition && !draft.definition.all && !definitions.has(draft.segment)) {
    definitions.set(CUSTOM, draft.definition);
    select.append(option(CUSTOM, custom));
    select.value = CUSTOM;
  } else select.value = draft.segment ?? "";
}

function fill() {
  const messages = draft.content?.messages;
  if (!messages) return;
  if (plain(messages.ja) && (!messages.en || plain(messages.en))) {
    field("ja").value = messages.ja[0].text;
    field("en").value = messages.en?.[0].text ?? "";
  } else {
    field("json").value = JSON.stringify(messages, null, 2);
    form.elements.way.value = "json";
  }
}

function blame(error) {
  for (const name of ["ja", "en", "json"]) field(`${name}-error`).textContent = "";
  const rest = [];
  for (const { path, message } of error.errors) {
    const language = /messages\.(ja|en)/.exec(path)?.[1];
    const place = way() === "json" ? "json" : language;
    if (place) field(`${place}-error`).textContent += `${path.replace(/^content\.messages\./, "")}: ${message}\n`;
    else rest.push(`${path}: ${message}`);
  }
  const line = form.querySelector("[data-problem]");
  line.textContent = rest.length || !error.errors.length ? [error.message, ...rest].join("\n") : "";
  line.hidden = !line.textContent;
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const said = content();
  if (!said) return;
  const segment = form.elements.segment.value;
  const to = segment ? { definition: definitions.get(segment) } : { definition: { all: true } };
  if (segment && segment !== CUSTOM) to.segment = segment;
  const body = { name: form.elements.name.value.trim(), content: said, ...to };
  event.submitter.setAttribute("aria-busy", "true");
  try {
    const saved = id
      ? await api("PATCH", `/v1/messages/broadcasts/${id}`, body)
      : await api("POST", "/v1/messages/broadcasts", body);
    await api("POST", `/v1/messages/broadcasts/${saved.id}/count`);
    delete form.dataset.changed;
    location.assign(`/console/messages/broadcasts/${saved.id}`);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    blame(error);
  } finally {
    event.submitter.removeAttribute("aria-busy");
  }
});

for (const name of ["ja", "en", "json"]) {
  field(name).addEventListener("input", preview);
  field(name).addEventListener("focus", () => { last = field(name); });
}
for (const radio of form.elements.way) radio.addEventListener("change", showWay);
for (const button of document.querySelectorAll("[data-variable]")) {
  button.addEventListener("click", () => {
    last.setRangeText(button.dataset.variable, last.selectionStart, last.selectionEnd, "end");
    last.focus();
    preview();
  });
}
fill();
showWay();
await fillSegments();
