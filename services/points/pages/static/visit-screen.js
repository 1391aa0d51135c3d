// The code for visits on the counter's own screen: a new one each half minute, marked when it is old.

import { api } from "/static/shared/page.js";

const RETRY_MS = 3_000;
const place = document.getElementById("code");
const state = document.getElementById("state");
const ring = document.querySelector(".screen-ring");
const { store, seconds } = document.querySelector("main").dataset;
let changesAt = 0;
let asking = false;

async function renew() {
  asking = true;
  try {
    const code = await api("GET", `/v1/stores/${encodeURIComponent(store)}/visit-code`);
    place.innerHTML = code.svg; // our own
    place.classList.remove("stale");
    place.removeAttribute("aria-busy");
    state.textContent = state.dataset.live;
    // Never longer than a code lives, however wrong this device's clock is.
    const left = Math.min(Math.max(new Date(code.changes_at) - Date.now(), 1_000), seconds * 1_000);
    changesAt = performance.now() + left;
  } catch {
    place.classList.add("stale");
    state.textContent = state.dataset.old;
    changesAt = performance.now() + RETRY_MS;
  } finally {
    asking = false;
  }
}

function tick() {
  const left = Math.max(0, Math.ceil((changesAt - performance.now()) / 1000));
  ring.style.setProperty("--left", left);
  if (left === 0 && !asking && !document.hidden) renew();
}

navigator.wakeLock?.request("screen").catch(() => {});
setInterval(tick, 1000);
tick();
