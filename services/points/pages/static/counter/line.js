// Whether the server can be reached, and how far this device's clock is off.
// Every call goes through `call`: it tells apart what was refused from what was never answered.

import { Refused, api } from "/static/shared/page.js";

const PATIENCE_MS = 12000;
const LOOK_MS = 8000;
const listeners = new Set();
let offset = 0;
export let online = navigator.onLine;

/** What was not answered: nobody knows whether it happened. */
export class Unanswered extends Error {}

/** Be told when the line comes and goes. */
export function onLine(listener) {
  listeners.add(listener);
}

function be(state) {
  if (online === state) return;
  online = state;
  for (const listener of listeners) listener(state);
}

/** This moment by the server's clock, as RFC 3339. */
export const now = () => new Date(Date.now() + offset).toISOString();

/** Call the API. Raises Refused for what is final, Unanswered for what is to be repeated. */
export async function call(method, address, body, options) {
  const patience = new Promise((_, fail) => setTimeout(() => fail(new Unanswered("slow")), PATIENCE_MS));
  try {
    const answer = await Promise.race([api(method, address, body, options), patience]);
    be(true);
    return answer;
  } catch (error) {
    if (error instanceof Refused) {
      be(error.status < 502);
      if (passing(error)) throw new Unanswered(error.reason);
      throw error;
    }
    be(false);
    throw error instanceof Unanswered ? error : new Unanswered(String(error));
  }
}

/** A refusal that says nothing of the act itself: the same again later. */
function passing({ status, reason }) {
  return status === 401 || status === 408 || status === 429 || status >= 500 || ["csrf", "merged-meanwhile", "no-store"].includes(reason);
}

/** See whether the server answers; learn its clock. */
export async function look() {
  try {
    const answer = await fetch("/healthz", { cache: "no-store", signal: AbortSignal.timeout(5000) });
    const date = Date.parse(answer.headers.get("date") ?? "");
    if (date && Math.abs(date - Date.now()) > 5000) offset = date - Date.now();
    be(answer.ok || answer.status < 502);
  } catch {
    be(false);
  }
}

addEventListener("offline", () => be(false));
addEventListener("online", look);
setInterval(() => { if (!online && !document.hidden) look(); }, LOOK_MS);
