// How a message to many looks on a phone, with example values in place of its variables.

import { drawMessage } from "/static/shared/line/messages.js";

const place = document.getElementById("preview");
const examples = JSON.parse(place.dataset.examples);

const filled = (text) =>
  text.replace(/\{\{|\}\}|\{(\w+)\}/g, (whole, name) => (name ? examples[name] ?? whole : whole[0]));

function fill(node) {
  if (typeof node === "string") return filled(node);
  if (!node || typeof node !== "object") return node;
  if (Array.isArray(node)) return node.map(fill);
  return Object.fromEntries(Object.entries(node).map(([name, value]) => [name, fill(value)]));
}

/** Draw these messages. */
export function show(messages) {
  place.replaceChildren(...fill(messages).map((each) => drawMessage(each, () => {})));
}
