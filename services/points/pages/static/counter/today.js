// The day's list: what waits on this device, what was done, undoing and refunds.

import { Refused, ask, newId, toast } from "/static/shared/page.js";
import { Unanswered, call } from "./line.js";
import { dismiss, isOurs, waiting } from "./queue.js";
import { $, desk, money, plain, say, time } from "./words.js";

/** Fetch the list anew. Without the network the last one stays. */
export async function refresh() {
  const mine = document.querySelector("input[name=whose]:checked").value;
  await put("acts", `/counter/list${mine ? "?mine=true" : ""}`);
}

async function put(id, address) {
  try {
    const answer = await fetch(address, { headers: { "HX-Request": "true" } });
    if (!answer.ok) return;
    // From our own server, which escapes all that it puts in.
    $(id).innerHTML = await answer.text();
    window.htmx?.process($(id));
  } catch {
    // The line tells it.
  }
}

/** Show what waits on this device. */
export async function showWaiting() {
  const all = await waiting();
  $("count").textContent = all.length;
  $("count").hidden = !all.length;
  desk.dispatchEvent(new CustomEvent("waits", { detail: all.length }));
  $("waiting").replaceChildren(...all.map((act) => {
    const line = $("waiting-item").content.cloneNode(true).firstElementChild;
    line.querySelector("b").textContent = say(act.kind);
    line.querySelector("span").textContent = act.label;
    line.querySelector(".small").textContent = [time(act.at), state(act)].filter(Boolean).join(" · ");
    line.classList.toggle("refused", Boolean(act.refused));
    const remove = line.querySelector("button");
    remove.hidden = !act.refused;
    remove.addEventListener("click", () => dismiss(act.order));
    return line;
  }));
}

function state(act) {
  if (act.refused) return say("refused", { detail: plain(act.refused) });
  if (isOurs(act)) return "";
  return act.staff === desk.dataset.staff ? say("elsewhere") : say("theirs", { name: act.staffName });
}

/** Undo an act after asking; gives what it has become, or null. `quiet`: the screen says it itself. */
export async function undo(id, what, quiet = false) {
  $("undo-what").textContent = what;
  if (!(await ask($("undo-dialog")))) return null;
  try {
    const done = await call("POST", `/v1/counter/acts/${id}/undo`, undefined, { key: `undo-${id}` });
    if (!quiet) toast(say("undone"));
    return done;
  } catch (error) {
    if (error instanceof Unanswered) toast(say("needs-line"), "bad");
    else if (error instanceof Refused) toast(plain(error.message), "bad");
    else throw error;
    return null;
  } finally {
    refresh();
  }
}

let refunding = null;

function openRefund({ refund: purchase, remaining, what }) {
  refunding = { purchase, key: newId() };
  $("refund-what").textContent = `${what} · ${money(Number(remaining))}`;
  $("refund-amount").value = "";
  $("refund-form").querySelector("[data-problem]").hidden = true;
  $("refund-dialog").showModal();
}

async function refund() {
  const typed = $("refund-amount").value.normalize("NFKC").replace(/\D/g, "");
  const body = { purchase: refunding.purchase, store: desk.dataset.store, ...(typed ? { amount: Number(typed) } : {}) };
  const line = $("refund-form").querySelector("[data-problem]");
  try {
    // The same key until what is asked changes: an answer that was lost is no second refund.
    if (refunding.sent !== undefined && refunding.sent !== typed) refunding.key = newId();
    refunding.sent = typed;
    await call("POST", "/v1/counter/refunds", body, { key: refunding.key });
    $("refund-dialog").close();
    toast(say("refunded"));
    $("sales").replaceChildren();
    refresh();
  } catch (error) {
    if (!(error instanceof Refused || error instanceof Unanswered)) throw error;
    line.textContent = error instanceof Unanswered ? say("needs-line") : plain(error.message);
    line.hidden = false;
  }
}

/** Listen to the list's buttons and forms. */
export function listen() {
  $("day").addEventListener("click", (event) => {
    const { dataset } = event.target.closest("[data-undo], [data-refund]") ?? { dataset: {} };
    if (dataset.undo) undo(dataset.undo, dataset.what);
    else if (dataset.refund) openRefund(dataset);
  });
  for (const each of document.querySelectorAll("input[name=whose]")) each.addEventListener("change", refresh);
  $("receipt-form").addEventListener("submit", (event) => {
    event.preventDefault();
    const number = $("receipt-code").value.trim();
    if (number) put("sales", `/counter/sales?receipt=${encodeURIComponent(number)}`);
  });
  $("refund-form").addEventListener("submit", (event) => {
    event.preventDefault();
    refund();
  });
}
