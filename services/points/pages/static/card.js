// The member card: asks LIFF who is looking, shows what the server says, renews the code.
"use strict";

const RENEW_MS = 25_000;
const view = document.getElementById("view");
const LOOK_MS = 1_000;
let token = null;
let renewing = null;

async function ask(path, body) {
  const headers = { Authorization: `Bearer ${token}` };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const sent = body === undefined ? { headers } : { method: "POST", headers, body: JSON.stringify(body) };
  const answer = await fetch(path, sent);
  const text = await answer.text();
  if (answer.ok) return text;
  let reason = "";
  try { reason = JSON.parse(text).type.split(":").pop(); } catch { /* not from us: no special words */ }
  throw Object.assign(new Error(text), { reason });
}

function localTimes() {
  const form = new Intl.DateTimeFormat(document.documentElement.lang, { month: "short", day: "numeric" });
  for (const time of view.querySelectorAll("time")) time.textContent = form.format(new Date(time.dateTime));
}

function showFailure(error) {
  const page = document.getElementById("failed").content.cloneNode(true);
  const words = [...page.querySelectorAll(".why")];
  const fitting = words.find((each) => each.dataset.reason === error.reason) ?? words.at(-1);
  for (const each of words) if (each !== fitting) each.remove();
  page.querySelector(".again").addEventListener("click", () => location.reload());
  view.replaceChildren(page);
  view.setAttribute("aria-busy", "false");
}

async function renewCode() {
  const place = document.getElementById("qr");
  if (!place || document.hidden) return;
  try {
    const picture = new DOMParser().parseFromString(await ask("/card/qr"), "image/svg+xml");
    place.replaceChildren(document.importNode(picture.documentElement, true));
    place.classList.remove("stale");
  } catch {
    place.classList.add("stale"); // offline: an old code would be refused at the till
  }
}

function say(word, link) {
  const line = view.querySelector("#mine [role=status]");
  line.replaceChildren(line.dataset[word] ?? "", ...(link ? [" ", link] : []));
}

async function takeCopy() {
  say("busy");
  const { id } = JSON.parse(await ask("/card/exports", {}));
  for (;;) {
    const text = await ask(`/card/exports/${id}`);
    const { status } = JSON.parse(text);
    if (status !== "assembling") { offer(text, status); return; }
    await new Promise((done) => setTimeout(done, LOOK_MS));
  }
}

function offer(text, status) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  link.download = "tamaru.json";
  link.textContent = view.querySelector("#mine [role=status]").dataset.save;
  say(status === "complete" ? "ready" : "partial", link);
}

async function leave(points) {
  const page = await ask("/card/leave", { points });
  clearInterval(renewing);
  view.innerHTML = page; // our own, escaped on the server
  window.scrollTo(0, 0);
}

const ACTS = {
  export: takeCopy,
  ask: async () => { view.querySelector("#mine .question").innerHTML = await ask("/card/leave"); },
  stay: async () => { view.querySelector("#mine .question").replaceChildren(); },
  leave: (button) => leave(Number(button.dataset.points)),
};

async function act(event) {
  const button = event.target.closest("button[data-act]");
  if (!button) return;
  button.disabled = true;
  try {
    say("");
    await ACTS[button.dataset.act](button);
  } catch (error) {
    say(error.reason === "points-changed" ? "changed" : "failed");
    if (error.reason === "points-changed") await ACTS.ask().catch(() => {});
  } finally {
    button.disabled = false;
  }
}

async function open() {
  if (typeof liff === "undefined") throw Object.assign(new Error("no SDK"), { reason: "unavailable" });
  await liff.init({ liffId: document.body.dataset.liffId });
  if (new URLSearchParams(location.search).has("liff.state")) return; // LIFF goes on to what was meant
  if (!liff.isLoggedIn()) { liff.login(); return; }
  token = liff.getIDToken();
  view.innerHTML = await ask("/card/view"); // our own, escaped on the server
  view.setAttribute("aria-busy", "false");
  localTimes();
  document.dispatchEvent(new CustomEvent("card:open", { detail: { token } }));
  view.addEventListener("click", act);
  renewing = setInterval(renewCode, RENEW_MS);
  document.addEventListener("visibilitychange", renewCode);
}

open().catch(showFailure);
