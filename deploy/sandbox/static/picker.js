// The date picker of a `datetimepicker` action; gives what was chosen in LINE's form.

import { byId } from "./api.js";

const FIELDS = { date: "date", time: "time", datetime: "datetime-local" };
let finish = null;

export function preparePicker() {
  byId("picker").addEventListener("submit", (event) => {
    event.preventDefault();
    close(byId("picked").value);
  });
  byId("picker-close").addEventListener("click", () => close(null));
}

function close(value) {
  byId("picker").hidden = true;
  finish?.(value);
  finish = null;
}

// `{date: …}`, `{time: …}` or `{datetime: …}`; null when it was called off.
export async function pick({ mode, initial, min, max }) {
  const field = byId("picked");
  field.type = Object.hasOwn(FIELDS, mode) ? FIELDS[mode] : "date";
  const proper = (value) => (value ?? "").replace("t", "T");
  Object.assign(field, { min: proper(min), max: proper(max), value: proper(initial) });
  byId("picker").hidden = false;
  field.focus();
  const chosen = await new Promise((resolve) => { finish = resolve; });
  return chosen ? { [mode]: chosen } : null;
}
