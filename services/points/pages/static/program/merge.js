// Two people changed the same document: what the other did is taken over, what I did stays.

import { copy, same } from "./document.js";

const keyOf = (item) => (item && typeof item === "object" ? item.id ?? item.code : undefined);
const plain = (value) => value !== null && typeof value === "object" && !Array.isArray(value);
const keyed = (list) => Array.isArray(list) && list.every((item) => typeof keyOf(item) === "string") && new Set(list.map(keyOf)).size === list.length;

/** `mine` with what `theirs` changed since `base`; where both changed the same, `mine` stays and its
 * place is added to `clashes`. */
export function merge(base, mine, theirs, clashes = [], path = "") {
  if (same(mine, theirs) || same(base, theirs)) return copy(mine);
  if (same(base, mine)) return copy(theirs);
  if (plain(mine) && plain(theirs)) return objects(plain(base) ? base : {}, mine, theirs, clashes, path);
  if (keyed(mine) && keyed(theirs) && (base === undefined || keyed(base))) return lists(base ?? [], mine, theirs, clashes, path);
  clashes.push(path);
  return copy(mine);
}

function objects(base, mine, theirs, clashes, path) {
  const merged = {};
  for (const name of new Set([...Object.keys(mine), ...Object.keys(theirs)])) {
    const value = merge(base[name], mine[name], theirs[name], clashes, path ? `${path}.${name}` : name);
    if (value !== undefined) merged[name] = value;
  }
  return merged;
}

/** Items by what they are called: in my order, those that the other added at the end. */
function lists(base, mine, theirs, clashes, path) {
  const find = (list, key) => list.find((item) => keyOf(item) === key);
  const merged = [];
  for (const key of new Set([...mine, ...theirs].map(keyOf))) {
    const value = merge(find(base, key), find(mine, key), find(theirs, key), clashes, `${path}[${key}]`);
    if (value !== undefined) merged.push(value);
  }
  return merged;
}
