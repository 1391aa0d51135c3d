// From a poster into LINE: tells the server who comes by which route, then leads to the account.
"use strict";

const view = document.getElementById("view");

function show(name, next) {
  const page = document.getElementById(name).content.cloneNode(true);
  const link = page.querySelector("a.go");
  if (next && link) link.href = next;
  page.querySelector(".again")?.addEventListener("click", () => location.reload());
  view.replaceChildren(page);
  view.setAttribute("aria-busy", "false");
}

async function open() {
  const { liffId, code } = document.body.dataset;
  await liff.init({ liffId });
  if (!liff.isLoggedIn()) { liff.login({ redirectUri: location.href }); return; }
  const headers = { Authorization: `Bearer ${liff.getIDToken()}` };
  const answer = await fetch(`/card/join/${code}`, { method: "POST", headers });
  if (!answer.ok) throw new Error(`answered ${answer.status}`);
  const { next, member } = await answer.json();
  if (member) { show("member"); return; }
  if (!next) { show("add-yourself"); return; }
  show("add", next); // stays, for whoever comes back without adding
  location.assign(next);
}

open().catch(() => show("failed"));
