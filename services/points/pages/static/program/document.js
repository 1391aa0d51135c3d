// Places in a JSON document (`accrual.rules[0].per`): read, written, compared. No page in here.

/** The names on the way to a place. */
export const steps = (path) => path.match(/[^.[\]]+/g) ?? [];

/** What stands at a place; undefined for nothing. */
export function get(document, path) {
  let value = document;
  for (const name of steps(path)) {
    if (value === null || typeof value !== "object" || !Object.hasOwn(value, name)) return undefined;
    value = value[name];
  }
  return value;
}

const EMPTY_GOES = new Set(["when", "limit"]); // of no sense when nothing is left in them

/** Write at a place; `undefined` takes away what is there. Nothing else is touched. */
export function put(document, path, value) {
  const names = steps(path);
  const last = names.pop();
  if (value === undefined && get(document, path) === undefined) return;
  const way = [document];
  for (const name of names) {
    const here = way.at(-1);
    const next = Object.hasOwn(here, name) ? here[name] : undefined;
    way.push(next !== null && typeof next === "object" ? next : (here[name] = {}));
  }
  if (value !== undefined) {
    way.at(-1)[last] = value;
    return;
  }
  delete way.at(-1)[last];
  const parent = names.at(-1);
  if (EMPTY_GOES.has(parent) && !Object.keys(way.at(-1)).length) delete way.at(-2)[parent];
}

/** Whether two values mean the same, whatever the order of names. */
export function same(a, b) {
  if (a === b) return true;
  if (a === null || b === null || typeof a !== "object" || typeof b !== "object") return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => Object.hasOwn(b, name) && same(a[name], b[name]));
}

export const copy = (value) => (value === undefined ? undefined : structuredClone(value));

/** The document as it is shown and sent. */
export const written = (document) => JSON.stringify(document, null, 2);

/** An id that none of the items has yet: `spend`, `spend-2`, … */
export function fresh(items, wanted, name) {
  const taken = new Set(items.map((each) => each?.[name]));
  if (!taken.has(wanted)) return wanted;
  const stem = String(wanted).replace(/-\d+$/, "");
  let number = 2;
  while (taken.has(`${stem}-${number}`)) number += 1;
  return `${stem}-${number}`;
}

/** Whether a problem at `path` belongs to the control or item at `place`. */
export const within = (path, place) => path === place || path.startsWith(`${place}.`) || path.startsWith(`${place}[`);
