// A store's code was scanned: signs in, has the visit counted once, shows what came of it.

const SDK_MS = 15_000;
const view = document.getElementById("view");
const { liffId, code } = document.body.dataset;
const failure = (reason) => Object.assign(new Error(reason), { reason });

function sdk() {
  if (globalThis.liff) return Promise.resolve();
  return new Promise((done, failed) => {
    const script = document.getElementById("liff-sdk");
    script.addEventListener("load", done);
    script.addEventListener("error", () => failed(failure("unavailable")));
    setTimeout(() => failed(failure("unavailable")), SDK_MS);
  });
}

// The same scan keeps its name when the page is loaded anew, so that it counts once.
function scanName() {
  const key = `visit-${code}`;
  const known = sessionStorage.getItem(key) ?? crypto.getRandomValues(new Uint32Array(4)).join("-");
  sessionStorage.setItem(key, known);
  return known;
}

async function open() {
  await sdk();
  await liff.init({ liffId });
  if (!liff.isLoggedIn()) { liff.login({ redirectUri: location.href }); return; }
  const headers = { Authorization: `Bearer ${liff.getIDToken()}`, "Content-Type": "application/json" };
  const body = JSON.stringify({ code, act: scanName() });
  const answer = await fetch("/card/visit", { method: "POST", headers, body });
  const text = await answer.text();
  if (!answer.headers.get("content-type")?.startsWith("text/html")) {
    let reason = "";
    try { reason = JSON.parse(text).type.split(":").pop(); } catch { /* not from us: no special words */ }
    throw failure(reason);
  }
  view.innerHTML = text; // our own, escaped on the server
  view.removeAttribute("aria-busy");
}

function showFailure(error) {
  const page = document.getElementById("failed").content.cloneNode(true);
  const words = [...page.querySelectorAll(".why")];
  const fitting = words.find((each) => each.dataset.reason === error.reason) ?? words.at(-1);
  for (const each of words) if (each !== fitting) each.remove();
  page.querySelector(".again").addEventListener("click", () => location.reload());
  view.replaceChildren(page);
  view.removeAttribute("aria-busy");
}

open().catch(showFailure);
