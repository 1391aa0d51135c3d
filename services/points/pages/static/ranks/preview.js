// Who would move if the draft were published: the service tells how far it is, line by line.

import { csrfToken } from "/static/shared/page.js";

const SHOWN = 20;
const panel = document.getElementById("moves");
const words = panel.dataset;
const button = document.querySelector("[data-preview]");
const find = (name) => panel.querySelector(`[data-${name}]`);
const number = new Intl.NumberFormat(document.documentElement.lang);
const filled = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => number.format(values[name]));
const draft = () => JSON.parse(document.getElementById("json").value);

function names() {
  const levels = draft().ranks?.levels ?? [];
  return Object.fromEntries(levels.map((level) => [level.code, level.name || level.code]));
}

async function* lines(answer) {
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const parts = (rest + value).split("\n");
    rest = parts.pop();
    for (const part of parts) if (part) yield JSON.parse(part);
  }
}

function progress({ members, of }) {
  const bar = find("progress").querySelector("progress");
  bar.max = Math.max(of, 1);
  bar.value = members;
  find("words").textContent = filled(words.wordRunning, { n: members, of });
}

function cell(text, className = "") {
  return Object.assign(document.createElement("td"), { textContent: text, className });
}

function show(found, titles) {
  const title = (code) => (code === null ? words.wordNorank : titles[code] ?? code);
  const when = (each) => (each.when === "at_once" ? words.wordOnce : words.wordLater);
  find("stay").textContent = found.moves.length ? filled(words.wordStay, { n: found.staying }) : words.wordNone;
  find("gifts").textContent = found.points ? filled(words.wordPoints, { n: found.points }) : "";
  find("moves").closest(".scroll").hidden = found.moves.length === 0;
  find("moves").replaceChildren(...found.moves.map((each) => {
    const row = document.createElement("tr");
    row.append(cell(title(each.from)), cell(title(each.to)), cell(when(each)), cell(filled(words.wordPeople, { n: each.members }), "figure"));
    return row;
  }));
  const list = find("examples");
  list.replaceChildren(...found.examples.map((each, at) => {
    const link = Object.assign(document.createElement("a"), { href: `/console/members/${each.id}`, textContent: each.card });
    const item = document.createElement("li");
    item.append(link, ` ${title(each.from)} → ${title(each.to)} (${when(each)})`);
    item.hidden = at >= SHOWN;
    return item;
  }));
  list.previousElementSibling.hidden = found.examples.length === 0;
  find("more").hidden = found.examples.length <= SHOWN;
  find("result").hidden = false;
}

async function look() {
  panel.hidden = false;
  find("result").hidden = true;
  find("failed").textContent = "";
  find("progress").hidden = false;
  find("progress").querySelector("progress").removeAttribute("value");
  button.setAttribute("aria-busy", "true");
  panel.scrollIntoView({ block: "nearest" });
  try {
    const titles = { ...JSON.parse(panel.dataset.names ?? "{}"), ...names() };
    const answer = await fetch("/v1/program/rank-preview", {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-CSRF-Token": csrfToken() },
      body: document.getElementById("json").value,
    });
    if (!answer.ok) throw new Error(answer.status === 429 ? words.wordBusy : (await answer.json()).detail);
    let last;
    for await (const line of lines(answer)) { if ("moves" in line) last = line; else progress(line); }
    if (!last) throw new Error(words.wordCut);
    show(last, titles);
  } catch (error) {
    find("failed").textContent = error instanceof TypeError ? words.wordCut : error.message;
  } finally {
    find("progress").hidden = true;
    button.removeAttribute("aria-busy");
  }
}

button.addEventListener("click", () => { if (button.getAttribute("aria-busy") !== "true") look(); });
find("more").addEventListener("click", () => {
  for (const item of [...find("examples").querySelectorAll("li[hidden]")].slice(0, SHOWN)) item.hidden = false;
  find("more").hidden = !find("examples").querySelector("li[hidden]");
});
