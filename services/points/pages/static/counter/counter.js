// The counter: scan → panel → act → done. Everything works from the keyboard: digits and Enter serve a
// member, Escape goes back. Acts go through the queue, so that a lost network loses none.

import { Refused, ask } from "/static/shared/page.js";
import { Unanswered, call, look, now, onLine, online } from "./line.js";
import * as panel from "./panel.js";
import { Unkept, act, flush, onChange } from "./queue.js";
import { openCamera, readWedge } from "./scan.js";
import * as shift from "./shift.js";
import * as today from "./today.js";
import * as visit from "./visit.js";
import { $, desk, number, plain, points, problem, say, time } from "./words.js";

const FOLLOW_MS = 1500;
const FOLLOW_TIMES = 20;
let camera = null;
let busy = false;
let done = null; // the act on the last screen

function view(name) {
  for (const each of ["idle", "panel", "done"]) $(`view-${each}`).hidden = each !== name;
  desk.dataset.view = name;
  show("serve");
  if (name !== "idle") closeCamera();
  ({ idle: () => $("code").focus(), panel: () => $("amount").focus(), done: () => $("next").focus() })[name]();
}

function show(part) {
  desk.dataset.show = part;
  for (const each of document.querySelectorAll("[data-show]")) each.setAttribute?.("aria-pressed", String(each.dataset.show === part));
  desk.removeAttribute("aria-pressed");
}

async function found(text) {
  if (busy) return;
  busy = true;
  const code = text.normalize("NFKC").trim();
  const scannedAt = now();
  const place = panel.isOpen() ? "act-problem" : "scan-problem";
  try {
    await serve(await call("POST", "/v1/counter/scans", { code, store: desk.dataset.store }), code, scannedAt);
  } catch (error) {
    if (error instanceof Unanswered) await serveWithoutLine(code, scannedAt, place);
    else if (error instanceof Refused) problem(place, plain(error.message));
    else throw error;
  } finally {
    busy = false;
  }
}

async function serve(found, code, scannedAt) {
  problem("scan-problem");
  if (panel.isOpen() && panel.isTouched() && !panel.isSame(found) && !(await ask($("switch-member")))) return;
  $("code").value = "";
  panel.open(found, code, scannedAt);
  view("panel");
}

async function serveWithoutLine(code, scannedAt, place) {
  if (!panel.named(code)) problem(place, say("bad-code"));
  else await serve(null, code, scannedAt);
}

async function confirm() {
  if (busy || !panel.isReady()) return;
  busy = true;
  $("confirm").setAttribute("aria-busy", "true");
  $("confirm").disabled = true;
  problem("act-problem");
  try {
    const { kind, address, body, label } = panel.wanted();
    const outcome = await act(kind, address, body, label);
    if (outcome.state === "refused") problem("act-problem", plain(outcome.error.message));
    else finish(outcome.answer ?? { kind, label });
  } catch (error) {
    if (!(error instanceof Unkept)) throw error;
    problem("act-problem", say("unkept"));
  } finally {
    busy = false;
    $("confirm").removeAttribute("aria-busy");
    panel.changed(false);
  }
}

function finish(made) {
  done = made;
  panel.close();
  problem("done-problem");
  tell(made);
  view("done");
  today.refresh();
  if (made.status === "accepted") follow(made.id, FOLLOW_TIMES);
}

function tell(made) {
  const kept = made.id === undefined;
  $("done").classList.toggle("kept", kept);
  $("done").classList.toggle("gone", Boolean(made.undone));
  $("done-main").textContent = main(made, kept);
  $("done-more").textContent = kept ? made.label : [
    made.used > 0 ? say("used", { n: number(made.used) }) : "",
    say("balance", { n: number(made.balance) }),
    made.pending ? say("pending", { n: number(made.pending) }) : "",
  ].filter(Boolean).join("\n");
  $("done-why").textContent = kept ? say("kept-why") : made.undone ? "" : made.explanation?.text[document.documentElement.lang] ?? "";
  $("undo").hidden = !made.undo_until;
  $("undo-until").textContent = made.undo_until ? say("undo-until", { time: time(made.undo_until) }) : "";
}

function main(made, kept) {
  if (kept) return say("kept");
  if (made.undone) return say("undone");
  if (made.status === "accepted") return say("soon");
  if (made.kind === "redemption") return say("used", { n: number(-made.points) });
  if (made.kind === "visit") return made.visits ? [say("visited"), made.points ? `+${points(made.points)}` : ""].join(" ") : say("no-visit");
  return say("given", { n: number(made.points) });
}

async function follow(id, times) {
  if (!times || done?.id !== id) return;
  await new Promise((then) => setTimeout(then, FOLLOW_MS));
  try {
    const made = await call("GET", `/v1/counter/acts/${id}`);
    if (done?.id !== id) return;
    if (made.status === "accepted") return follow(id, times - 1);
    done = made;
    if (made.status === "rejected") problem("done-problem", made.detail ?? "");
    tell(made);
    today.refresh();
  } catch (error) {
    if (error instanceof Unanswered) follow(id, times - 1);
    else if (!(error instanceof Refused)) throw error;
  }
}

function next() {
  done = null;
  panel.close();
  problem("scan-problem");
  view("idle");
}

async function startCamera() {
  problem("scan-problem");
  $("camera-open").setAttribute("aria-busy", "true");
  try {
    camera = await openCamera($("video"), desk.dataset.scanner, (code) => { closeCamera(); found(code); });
    $("camera").hidden = false;
    $("camera-open").hidden = true;
    $("torch").hidden = !camera.torch;
  } catch {
    problem("scan-problem", say("no-camera"));
  } finally {
    $("camera-open").removeAttribute("aria-busy");
  }
}

function closeCamera() {
  camera?.close();
  camera = null;
  $("camera").hidden = true;
  $("camera-open").hidden = false;
}

let waits = 0;
function tellLine() {
  $("line").classList.toggle("off", !online);
  $("line").classList.toggle("waits", online && waits > 0);
  const words = [online && waits ? "" : say(online ? "online" : "offline"), waits ? say("waiting", { n: waits }) : ""];
  $("line-words").textContent = words.filter(Boolean).join(" ");
  $("offline-note").hidden = online;
  if (panel.isOpen()) panel.changed(false);
}

function keys(event) {
  if (event.defaultPrevented || document.querySelector("dialog[open]")) return;
  if (event.key === "Escape" && !$("view-idle").hidden) closeCamera();
  else if (event.key === "Escape") next();
  const typing = document.activeElement?.matches?.("input:not([type=radio], [type=checkbox]), textarea, select");
  if (typing || $("serve").checkVisibility?.() === false || !/^[0-9]$/.test(event.key) || event.ctrlKey || event.altKey || event.metaKey) return;
  if (!$("view-panel").hidden) $("amount").focus();
  else if (!$("view-idle").hidden) $("code").focus();
}

function listen() {
  $("camera-open").addEventListener("click", startCamera);
  $("camera-close").addEventListener("click", closeCamera);
  $("torch").addEventListener("click", () => {
    const on = $("torch").getAttribute("aria-pressed") !== "true";
    $("torch").setAttribute("aria-pressed", String(on));
    camera?.torch?.(on);
  });
  $("code-form").addEventListener("submit", (event) => {
    event.preventDefault();
    if ($("code").value.trim()) found($("code").value);
  });
  $("act-form").addEventListener("submit", (event) => { event.preventDefault(); confirm(); });
  for (const id of ["amount", "reason", "use-points"]) $(id).addEventListener("input", () => panel.changed());
  for (const each of document.querySelectorAll("input[name=tax]")) each.addEventListener("change", () => panel.changed());
  for (const each of document.querySelectorAll("input[name=mode]")) each.addEventListener("change", () => { $("amount").value = ""; problem("act-problem"); panel.changed(); });
  $("use-on").addEventListener("change", panel.useMost);
  $("pad").addEventListener("click", (event) => {
    const key = event.target.closest("button");
    if (key?.dataset.digit) panel.press(key.dataset.digit);
    else if (key) panel.erase();
  });
  $("panel-back").addEventListener("click", next);
  $("next").addEventListener("click", next);
  $("undo").addEventListener("click", async () => {
    const made = await today.undo(done.id, $("done-main").textContent, true);
    if (made) { done = made; tell(made); $("next").focus(); }
  });
  for (const each of document.querySelectorAll(".feet [data-show]")) each.addEventListener("click", () => show(each.dataset.show));
  document.addEventListener("keydown", keys);
  readWedge(found);
  desk.addEventListener("waits", ({ detail }) => { waits = detail; tellLine(); });
  onChange(today.showWaiting);
  onLine((back) => { tellLine(); if (back) sendWaiting(); });
  document.addEventListener("visibilitychange", () => { if (!document.hidden) look().then(sendWaiting); });
}

/** Send what waits, and show what came of it. */
async function sendWaiting() {
  const outcomes = await flush();
  if (outcomes.size) today.refresh();
}

/** A shell that stays on the device, so that a reload without the network still works. */
async function keepShell() {
  const worker = await navigator.serviceWorker?.register("/counter/worker.js", { scope: "/counter" }).catch(() => null);
  if (!worker) return;
  const ready = await navigator.serviceWorker.ready;
  const files = performance.getEntriesByType("resource").map(({ name }) => name).filter((name) => new URL(name).pathname.startsWith("/static/"));
  const keep = [...new Set([location.origin + location.pathname, ...files, new URL(desk.dataset.scanner, location).href])];
  const kept = new MessageChannel();
  kept.port1.onmessage = () => { document.documentElement.dataset.kept = ""; };
  ready.active?.postMessage({ keep }, [kept.port2]);
}

listen();
today.listen();
shift.listen();
visit.listen();
panel.close();
view("idle");
tellLine();
look();
today.showWaiting().then(sendWaiting);
addEventListener("load", keepShell);
