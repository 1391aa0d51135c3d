// The editor of one wording: every text of the messages as a field, the JSON beside them, a phone.

import { api, Refused, toast } from "/static/shared/page.js";
import { drawMessage } from "/static/shared/line/messages.js";
import { tryOut } from "/static/notify/trial.js";

const place = document.getElementById("wording");
const { kind, language, version } = place.dataset;
const editor = document.getElementById("editor");
const json = document.getElementById("json");
const wordsPlace = document.getElementById("words");
const WAIT_MS = 350;
const TEXTS = { text: "text", altText: "alt", label: "label", uri: "uri" };
let messages = JSON.parse(document.getElementById("messages").textContent);
let last = null;
let timer = 0;

/** All texts of a message, as [path, key, value]: what people read, and where buttons lead. */
function texts(node, path = []) {
  if (!node || typeof node !== "object") return [];
  return Object.entries(node).flatMap(([key, value]) => {
    const here = [...path, key];
    if (typeof value === "string" && Object.hasOwn(TEXTS, key)) return value.trim() ? [[here, key, value]] : [];
    return texts(value, here);
  });
}

function write(path, value) {
  const last = path.at(-1);
  path.slice(0, -1).reduce((node, key) => node[key], messages)[last] = value;
}

function fieldFor([path, key, value], number) {
  const box = document.createElement("div");
  box.className = "field";
  const id = `word-${number}`;
  const label = Object.assign(document.createElement("label"), { htmlFor: id, textContent: place.dataset[TEXTS[key]] });
  const input = document.createElement(value.includes("\n") || value.length > 40 ? "textarea" : "input");
  Object.assign(input, { id, value, readOnly: json.readOnly, rows: Math.min(8, value.split("\n").length + 1) });
  const error = Object.assign(document.createElement("p"), { className: "error" });
  error.setAttribute("role", "alert");
  error.dataset.path = ["messages", ...path].join(".");
  input.addEventListener("input", () => { write(path, input.value); changed("words"); });
  input.addEventListener("focus", () => { last = input; });
  box.append(label, input, error);
  return box;
}

function showWords() {
  let number = 0;
  wordsPlace.replaceChildren(...messages.map((message, index) => {
    const part = document.createElement("fieldset");
    const legend = document.createElement("legend");
    legend.textContent = place.dataset.messageTitle.replace("{n}", String(index + 1));
    part.append(legend, ...texts(message, [String(index)]).map((each) => fieldFor(each, (number += 1))));
    return part;
  }));
}

function complain(problems) {
  for (const line of wordsPlace.querySelectorAll(".error")) line.textContent = "";
  const rest = [];
  for (const { path, message } of problems) {
    const wanted = path.replace(/\[(\d+)\]/g, ".$1").replace(/^messages\.?/, "");
    const line = [...wordsPlace.querySelectorAll(".error")].find((each) => each.dataset.path === `messages.${wanted}`);
    if (line) line.textContent = message;
    else rest.push(path ? `${path}: ${message}` : message);
  }
  const top = editor.querySelector("[data-problem]");
  top.textContent = rest.join("\n");
  top.hidden = rest.length === 0;
}

async function look() {
  try {
    const shown = await api("POST", `/v1/messages/templates/${kind}/preview`, { language, messages });
    document.getElementById("preview").replaceChildren(...shown.messages.map((each) => drawMessage(each, () => {})));
    complain([]);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    complain(error.errors.length ? error.errors : [{ path: "", message: error.message }]);
  }
}

function changed(by) {
  editor.dataset.changed = "";
  if (by === "words") json.value = JSON.stringify(messages, null, 2);
  else showWords();
  clearTimeout(timer);
  timer = setTimeout(look, WAIT_MS);
}

json.addEventListener("input", () => {
  const line = document.getElementById("json-error");
  try {
    const read = JSON.parse(json.value);
    if (!Array.isArray(read)) throw new SyntaxError("no list");
    messages = read;
    line.textContent = "";
    changed("json");
  } catch {
    line.textContent = place.dataset.badJson;
  }
});

for (const button of document.querySelectorAll("[data-variable]")) {
  button.addEventListener("click", () => {
    if (!last || last.readOnly) return;
    last.setRangeText(button.dataset.variable, last.selectionStart, last.selectionEnd, "end");
    last.dispatchEvent(new Event("input", { bubbles: true }));
    last.focus();
  });
}

editor.addEventListener("submit", async (event) => {
  event.preventDefault();
  const note = document.getElementById("note").value.trim();
  try {
    const headers = { "If-Match": `"${version}"` };
    await api("PUT", `/v1/messages/templates/${kind}/${language}`, { messages, ...(note ? { note } : {}) }, { headers });
    delete editor.dataset.changed;
    location.reload();
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    complain(error.errors.length ? error.errors : [{ path: "", message: error.message }]);
  }
});

tryOut((member) => api("POST", `/v1/messages/templates/${kind}/test`, { member, language, messages }));

json.value = JSON.stringify(messages, null, 2);
showWords();
if (json.readOnly) document.getElementById("preview").replaceChildren(...messages.map((each) => drawMessage(each, () => {})));
else look();
