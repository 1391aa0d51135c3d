// The store's own code on the counter's screen: customers scan it to count their visit. It changes every
// half minute, and only while somebody looks at it.

import { Refused } from "/static/shared/page.js";
import { Unanswered, call } from "./line.js";
import { $, desk, plain, problem, say } from "./words.js";

const AGAIN_MS = 3000;
let next = 0;

async function show() {
  if (!$("visit-dialog").open) return;
  let wait = AGAIN_MS;
  try {
    const code = await call("GET", `/v1/stores/${encodeURIComponent(desk.dataset.store)}/visit-code`);
    if (!$("visit-dialog").open) return;
    $("visit-code").src = `data:image/svg+xml,${encodeURIComponent(code.svg)}`;
    $("visit-code").hidden = false;
    problem("visit-problem");
    wait = Math.max(1000, new Date(code.changes_at) - Date.now());
  } catch (error) {
    if (error instanceof Unanswered) problem("visit-problem", say("needs-line"));
    else if (error instanceof Refused) problem("visit-problem", plain(error.message));
    else throw error;
    $("visit-code").hidden = true;
  }
  clearTimeout(next);
  next = setTimeout(show, Math.min(wait, 30000));
}

/** Listen to the menu and the dialog. */
export function listen() {
  $("visit-open").addEventListener("click", () => {
    $("visit-code").hidden = true;
    $("visit-dialog").showModal();
    show();
  });
  $("visit-dialog").addEventListener("close", () => clearTimeout(next));
}
