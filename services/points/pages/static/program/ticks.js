// Several of what there is: boxes to tick. What the document holds and no box is for gets one.

import { same } from "./document.js";

const boxes = (field) => [...field.querySelectorAll("input[type=checkbox]")];

function box(value, words) {
  const label = document.createElement("label");
  const input = Object.assign(document.createElement("input"), { type: "checkbox", value });
  const said = document.createElement("span");
  label.className = "tick";
  said.textContent = words;
  label.append(input, said);
  return label;
}

/** Show which are chosen; `offered` ({code: name}) replaces what was on offer. */
export function tickOff(field, value, offered) {
  const list = field.querySelector(".ticks");
  const wanted = (Array.isArray(value) ? value : []).map(String);
  if (offered) {
    const codes = [...new Set([...Object.keys(offered), ...wanted])];
    const there = boxes(field).map((each) => `${each.value}\n${each.parentElement.textContent}`);
    const next = codes.map((code) => `${code}\n${offered[code] ?? code}`);
    if (there.join("\r") !== next.join("\r")) list.replaceChildren(...codes.map((code) => box(code, offered[code] ?? code)));
  }
  const known = new Set(boxes(field).map((each) => each.value));
  for (const each of wanted) if (!known.has(each)) list.append(box(each, each));
  for (const each of boxes(field)) each.checked = wanted.includes(each.value);
  field.hidden = field.dataset.kind !== "weekdays" && boxes(field).length === 0;
}

/** Those that are ticked: first as the document has them, then the others as they stand. */
export function chosen(field, about, before) {
  const ticked = boxes(field).filter((each) => each.checked).map((each) => each.value);
  if (Array.isArray(before) && same([...new Set(before)].map(String).sort(), [...ticked].sort())) return before;
  const kept = (Array.isArray(before) ? before : []).filter((each) => ticked.includes(each));
  const all = [...kept, ...ticked.filter((each) => !kept.includes(each))];
  if (field.dataset.kind === "weekdays") all.sort((one, other) => order(field, one) - order(field, other));
  return all.length ? all : undefined;
}

const order = (field, value) => boxes(field).findIndex((each) => each.value === value);
