// Acts are written down on this device before they are sent, under the key that names them, and
// deleted once answered. So nothing is lost by a reload or a lost network, and nothing is done twice:
// what was never answered is sent again with the same key. Each act is sent only while whoever did it
// is signed in, at the same store, in the order of doing. No member's name is ever written down.

import { Refused, newId } from "/static/shared/page.js";
import { Unanswered, call } from "./line.js";
import { desk } from "./words.js";

const NAME = "tamaru-counter";
const ACTS = "acts";
let flushing = null;
let changed = () => {};

function opened() {
  return new Promise((done, fail) => {
    const asked = indexedDB.open(NAME, 1);
    asked.onupgradeneeded = () => asked.result.createObjectStore(ACTS, { keyPath: "order", autoIncrement: true });
    asked.onsuccess = () => done(asked.result);
    asked.onerror = () => fail(asked.error);
  });
}

async function within(mode, work) {
  const base = await opened();
  try {
    return await new Promise((done, fail) => {
      const act = base.transaction(ACTS, mode, { durability: "strict" });
      const asked = work(act.objectStore(ACTS));
      act.oncomplete = () => done(asked.result);
      act.onerror = act.onabort = () => fail(act.error);
    });
  } finally {
    base.close();
  }
}

const forget = (order) => within("readwrite", (acts) => acts.delete(order));
const write = (act) => within("readwrite", (acts) => acts.put(act));

/** All that waits, in the order of doing. */
export const waiting = () => within("readonly", (acts) => acts.getAll());

/** Be told when something waits, or does no more. */
export function onChange(listener) {
  changed = listener;
}

/** Whether an act may be sent by whoever is here now. */
export function isOurs(act) {
  return act.staff === desk.dataset.staff && act.store === desk.dataset.store;
}

/** This device writes nothing down: without that, an answer that is lost could make an act happen twice. */
export class Unkept extends Error {}

/** Do an act: `{state: "done", answer}`, `{state: "refused", error}`, or `{state: "kept"}` until the
 *  network is back. Raises Unkept, and nothing is done, where the device can write nothing down. */
export async function act(kind, address, body, label) {
  const made = {
    key: newId(), kind, address, body, label, at: new Date().toISOString(),
    staff: desk.dataset.staff, staffName: desk.dataset.staffName, store: desk.dataset.store, refused: null,
  };
  try {
    made.order = await write(made);
  } catch (error) {
    throw new Unkept(String(error));
  }
  const outcomes = await flush(made.order);
  return outcomes.get(made.order) ?? { state: "kept" };
}

/** Send what waits. Nobody stands at the screen for what was done before: if that is refused, it stays
 *  and says why. `shown` is the act that somebody looks at. */
export function flush(shown) {
  const before = flushing ?? Promise.resolve();
  flushing = before.catch(() => {}).then(() => send(shown));
  return flushing;
}

// One tab at a time: two would send the same act, harmlessly but in vain. So browsers may do without
// locks, which they have on HTTPS and localhost only.
async function alone(work) {
  await (navigator.locks ? navigator.locks.request(NAME, work) : work());
}

async function send(shown) {
  const outcomes = new Map();
  await alone(async () => {
    for (const each of await waiting()) {
      if (each.refused || !isOurs(each)) continue;
      try {
        const headers = each.kind === "purchase" ? { Prefer: "wait=5" } : {};
        const answer = await call("POST", each.address, each.body, { key: each.key, headers });
        await forget(each.order);
        outcomes.set(each.order, { state: "done", answer });
      } catch (error) {
        if (error instanceof Unanswered) break;
        if (!(error instanceof Refused)) throw error;
        outcomes.set(each.order, { state: "refused", error });
        if (each.order === shown) await forget(each.order);
        else await write({ ...each, refused: error.message });
      }
    }
  });
  changed();
  return outcomes;
}

/** Take off what was refused, once somebody has read why. */
export async function dismiss(order) {
  await forget(order);
  changed();
}
