// The member card: shows what the server said, keeps the code fresh, asks LIFF who is looking.
// The page may come with its content (the server knows who looked just before) or without; what
// members do on it is in card-acts.js, which is fetched when it is first needed.

const RETRY_MS = 5_000;
const SDK_MS = 15_000;
const KEPT = "tamaru-card";
const view = document.getElementById("view");
const said = document.getElementById("said");
let token = null;
let changesAt = 0;
let renewing = false;
let bright = null;

const failure = (reason) => Object.assign(new Error(reason), { reason });
const card = () => view.querySelector("[data-tag]");

export async function ask(path, body) {
  const headers = token ? { Authorization: `Bearer ${token}` } : {};
  const sent = { headers };
  if (body !== undefined) {
    headers["Content-Type"] = "application/json";
    Object.assign(sent, { method: "POST", body: JSON.stringify(body) });
  }
  const answer = await fetch(path, sent).catch(() => { throw failure("offline"); });
  const text = await answer.text();
  if (answer.ok || answer.headers.get("content-type")?.startsWith("text/html")) return text;
  let problem = {};
  try { problem = JSON.parse(text); } catch { /* not from us: no special words */ }
  throw Object.assign(failure(String(problem.type ?? "").split(":").pop()), { problem });
}

// The code and its clock

function pictureOf(svg) {
  const page = document.createElement("template");
  page.innerHTML = svg; // our own
  return page.content;
}

function showCode(svg, left) {
  changesAt = performance.now() + left * 1000;
  const place = document.getElementById("qr");
  if (!place) return;
  if (svg) place.replaceChildren(pictureOf(svg));
  place.classList.remove("stale");
  bright?.();
}

async function renewCode() {
  if (renewing) return;
  renewing = true;
  try {
    const now = JSON.parse(await ask("/card/now"));
    if (now.tag !== card().dataset.tag || now.stamp !== card().dataset.stamp) await refresh(now.tag);
    showCode(now.qr, now.left);
  } catch {
    changesAt = performance.now() + RETRY_MS;
    document.getElementById("qr")?.classList.add("stale"); // an old code would be refused at the till
  } finally {
    renewing = false;
  }
}

function tick() {
  const left = Math.max(0, Math.ceil((changesAt - performance.now()) / 1000));
  const text = new Date().toTimeString().slice(0, 8);
  for (const clock of document.querySelectorAll(".clock")) clock.textContent = text;
  for (const ring of document.querySelectorAll(".ring")) ring.style.setProperty("--left", left);
  if (left === 0 && card() && !document.hidden) renewCode();
}

// The content

function showName() {
  const place = view.querySelector("[data-name]");
  const name = globalThis.liff?.getDecodedIDToken?.()?.name;
  if (place && name && !place.dataset.known) place.textContent = place.dataset.name.replace("%", () => name);
}

/** Show the card as it is now: all of it for another member, else the parts that tell points. */
export async function refresh(tag) {
  if (!token) return;
  const fresh = document.createElement("template");
  fresh.innerHTML = await ask("/card/view"); // our own, escaped on the server
  const before = card();
  const points = Number(before?.dataset.balance);
  const gained = Number(fresh.content.querySelector("[data-tag]").dataset.balance) - points;
  if (!before || (tag && before.dataset.tag !== tag)) view.replaceChildren(fresh.content);
  else replaceParts(fresh.content);
  begin();
  if (before && gained > 0) celebrate(gained);
}

function replaceParts(fresh) {
  for (const part of [...view.querySelectorAll("[data-part]")]) {
    const next = fresh.querySelector(`[data-part=${part.dataset.part}]`);
    if (next) part.replaceWith(next); else part.remove();
  }
  for (const part of fresh.querySelectorAll("[data-part]")) {
    const after = { paused: "hero", points: "codes" }[part.dataset.part];
    view.querySelector(`[data-part=${after}]`)?.after(part);
  }
}

function celebrate(gained) {
  card().classList.add("gained");
  said.textContent = said.dataset.gained + gained;
}

/** The content is there, from whichever answer. */
function begin() {
  view.removeAttribute("aria-busy");
  showCode(null, Number(document.getElementById("qr").dataset.left));
  showName();
  keep();
  tick();
}

// Without the network: what was known last

function keep() {
  const text = (selector) => view.querySelector(selector)?.textContent.trim() ?? "";
  const kept = {
    at: card().dataset.at,
    balance: text(".balance strong"),
    rank: text(".rank"),
    digits: text(".digits"),
    bars: view.querySelector(".barcode path")?.getAttribute("d") ?? "",
  };
  try { localStorage.setItem(KEPT, JSON.stringify(kept)); } catch { /* private browsing: no copy */ }
}

/** Nothing of this member stays on the device. */
export function forget() {
  try { localStorage.removeItem(KEPT); } catch { /* there was none */ }
}

function showKept() {
  let kept = null;
  try { kept = JSON.parse(localStorage.getItem(KEPT)); } catch { /* none, or not ours */ }
  if (!kept?.digits || !/^[Mhvz\d\s.-]+$/.test(kept.bars)) return false;
  const page = document.getElementById("offline").content.cloneNode(true);
  const at = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "medium", timeStyle: "short" });
  for (const slot of page.querySelectorAll("[data-slot]")) {
    const name = slot.dataset.slot;
    if (name === "bars") slot.setAttribute("d", kept.bars);
    else slot.textContent = name === "at" ? at.format(new Date(kept.at)) : kept[name];
  }
  show(page);
  return true;
}

function show(page) {
  page.querySelector(".again").addEventListener("click", () => location.reload());
  view.replaceChildren(page);
  view.removeAttribute("aria-busy");
}

function showFailure(error) {
  if (card() && ["offline", "unavailable"].includes(error.reason)) return; // it stays, marked as old
  if (["offline", "unavailable"].includes(error.reason) && showKept()) return;
  if (["not-a-member-yet", "member-left"].includes(error.reason)) forget();
  const page = document.getElementById("failed").content.cloneNode(true);
  const words = [...page.querySelectorAll(".why")];
  const fitting = words.find((each) => each.dataset.reason === error.reason) ?? words.at(-1);
  for (const each of words) if (each !== fitting) each.remove();
  show(page);
}

// Who is looking

/** Whether the shop answers; then it is LINE that does not. */
const reached = () => fetch("/card/worker.js", { method: "HEAD", cache: "no-store" }).then(() => true, () => false);

function sdk() {
  if (globalThis.liff) return Promise.resolve();
  return new Promise((done, failed) => {
    const script = document.getElementById("liff-sdk"); // no id "liff": it would stand in for the SDK
    const away = async () => failed(failure(await reached() ? "unavailable" : "offline"));
    script.addEventListener("load", done);
    script.addEventListener("error", away);
    setTimeout(away, SDK_MS);
  });
}

/** In a plain browser the sign-in of an hour ago has ended: once, begin a new one. */
function signInAnew(error) {
  if (error.reason !== "line-token" || liff.isInClient() || sessionStorage.getItem("again")) throw error;
  sessionStorage.setItem("again", "1");
  liff.logout();
  liff.login();
}

async function open() {
  await sdk();
  await liff.init({ liffId: document.body.dataset.liffId });
  if (new URLSearchParams(location.search).has("liff.state")) return; // LIFF goes on to what was meant
  if (!liff.isLoggedIn()) { liff.login(); return; }
  token = liff.getIDToken();
  try {
    if (card()) await renewCode(); else await refresh();
    if (!card().dataset.tag) return;
  } catch (error) { signInAnew(error); return; }
  sessionStorage.removeItem("again");
  showName();
  offerMore();
}

function offerMore() {
  const scans = liff.isInClient() && (liff.isApiAvailable?.("scanCodeV2") ?? false);
  document.getElementById("acts").hidden = !scans;
  const style = Object.assign(document.createElement("link"), { rel: "stylesheet", href: "/static/notify/notices.css" });
  const script = Object.assign(document.createElement("script"), { src: "/static/notify/notices.js" });
  script.addEventListener("load", () => {
    document.dispatchEvent(new CustomEvent("card:open", { detail: { token } }));
  });
  document.head.append(style, script);
  keepShell();
}

// The page itself opens without the network too, where the browser can keep it.
function keepShell() {
  if (!("serviceWorker" in navigator)) return;
  const files = [...document.querySelectorAll("[href*='?v='], script[src*='?v=']")];
  const version = files.map((each) => (each.href || each.src).split("?v=")[1]).join("-");
  navigator.serviceWorker.register(`/card/worker.js?v=${version}`, { scope: "/card" }).catch(() => {});
}

// What members do

const context = {
  ask, refresh, forget, view,
  pictures: () => ({ qr: document.querySelector("#qr svg"), bars: document.querySelector(".barcode svg") }),
  onCode: (follow) => { bright = follow; },
  setToken: (fresh) => { token = fresh; },
};

async function act(event) {
  const { perform } = await import(document.body.dataset.acts);
  perform(event, context);
}

view.addEventListener("click", (event) => { if (event.target.closest("button[data-act]")) act(event); });
view.addEventListener("submit", (event) => { event.preventDefault(); act(event); });
view.addEventListener("toggle", (event) => { if (event.target.querySelector?.(".lazy:empty")) act(event); }, true);
document.addEventListener("visibilitychange", () => { if (!document.hidden) tick(); });
window.addEventListener("online", () => { if (card()) renewCode(); });
setInterval(tick, 1000);
if (card()) begin();
open().catch(showFailure);
