// A segment's definition as cards on the page: groups (all, any) that hold conditions and groups, each
// of which may be turned round (not). Every card knows the path of its part of the definition.

import { get } from "../program/document.js";

const template = (id) => document.getElementById(id)?.content.firstElementChild.cloneNode(true);

/** Whether it is a group, rather than a condition. */
export const isGroup = (node) => Array.isArray(node?.all) || Array.isArray(node?.any);
const joinOf = (node) => (Array.isArray(node.any) ? "any" : "all");
const under = (path, name) => (path ? `${path}.${name}` : name);

/** The part itself, without what turns it round, and how often that is said. */
function straight(node, path) {
  let nots = 0;
  while (node && typeof node === "object" && "not" in node) {
    node = node.not;
    path = under(path, "not");
    nots += 1;
  }
  return { node, path, nots };
}

function groupCard(node, path) {
  const card = template("t-group");
  const join = joinOf(node);
  card.querySelector("[data-join]").value = join;
  node[join].forEach((each, at) => card.querySelector("[data-nodes]").append(cardOf(each, `${under(path, join)}[${at}]`)));
  card.querySelector("[data-empty]").hidden = node[join].length > 0;
  return card;
}

function conditionCard(node) {
  const name = Object.keys(node ?? {})[0] ?? "";
  const card = template(`t-${name === "all" ? "everybody" : name}`) ?? template("t-unknown");
  const raw = card.querySelector("[data-raw]");
  if (raw) raw.textContent = JSON.stringify(node);
  return card;
}

/** The card of a part at a path, with all that is in it. */
export function cardOf(whole, outer) {
  const { node, path, nots } = straight(whole, outer);
  const card = isGroup(node) ? groupCard(node, path) : conditionCard(node);
  card.dataset.path = path;
  card.dataset.outer = outer;
  const not = card.querySelector(":scope > .group-head [data-not]");
  not.checked = nots % 2 === 1;
  card.classList.toggle("not", not.checked);
  if (!outer) card.querySelector(":scope > .group-head").classList.add("root");
  return card;
}

/** Turn a part round, or back. */
export const turned = (whole) => (whole && typeof whole === "object" && "not" in whole ? whole.not : { not: whole });

/** The list that a part stands in, and its place there; undefined for the whole. */
export function siblings(definition, outer) {
  const found = outer.match(/^(.*)\[(\d+)\]$/);
  return found ? { list: get(definition, found[1]), at: Number(found[2]) } : undefined;
}
