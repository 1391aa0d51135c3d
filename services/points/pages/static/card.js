// The member card: asks LIFF who is looking, shows what the server says, renews the code.
"use strict";

const RENEW_MS = 25_000;
const view = document.getElementById("view");
let token = null;

async function ask(path) {
  const answer = await fetch(path, { headers: { Authorization: `Bearer ${token}` } });
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

async function open() {
  if (typeof liff === "undefined") throw Object.assign(new Error("no SDK"), { reason: "unavailable" });
  await liff.init({ liffId: document.body.dataset.liffId });
  if (!liff.isLoggedIn()) { liff.login(); return; }
  token = liff.getIDToken();
  view.innerHTML = await ask("/card/view"); // our own, escaped on the server
  view.setAttribute("aria-busy", "false");
  localTimes();
  setInterval(renewCode, RENEW_MS);
  document.addEventListener("visibilitychange", renewCode);
}

open().catch(showFailure);
