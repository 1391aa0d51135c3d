// Opens pages over the chat, as LIFF does, and speaks with the `liff` object inside them.

import { byId, post } from "./api.js";

let sandbox = null;
let userId = "";

export function prepareSheet(about) {
  sandbox = about;
  byId("sheet-close").addEventListener("click", closeSheet);
  byId("scanner-close").addEventListener("click", () => { byId("scanner").hidden = true; });
  byId("scanner").addEventListener("submit", scan);
  window.addEventListener("message", (event) => {
    if (event.source !== byId("sheet-frame").contentWindow) return;
    if (event.data?.type === "liff.closeWindow") closeSheet();
    if (event.data?.type === "liff.scanCodeV2") showScanner();
    if (event.data?.type === "line.addFriend") post(`/sandbox/users/${userId}/follow`).then(closeSheet);
  });
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") closeSheet(); });
}

export function setSheetUser(id) {
  userId = id;
  closeSheet();
}

// The address behind a link that LINE would open as LIFF; null for any other link.
export function liffAddress(uri) {
  const start = `https://liff.line.me/${sandbox.liff_id}`;
  if (uri === start || [..."/?#"].some((mark) => uri.startsWith(start + mark))) {
    return sandbox.card_url + uri.slice(start.length).replace(/#.*$/, "");
  }
  const own = uri === sandbox.card_url || [..."/?#"].some((mark) => uri.startsWith(sandbox.card_url + mark));
  return own ? uri.replace(/#.*$/, "") : null;
}

export function openSheet(address) {
  byId("sheet-frame").src = `${address}#sandbox-user=${userId}`;
  byId("sheet").hidden = false;
  byId("sheet-close").focus();
}

export const openCard = () => openSheet(sandbox.card_url);

function closeSheet() {
  byId("sheet").hidden = true;
  byId("scanner").hidden = true;
  byId("sheet-frame").src = "about:blank";
}

function showScanner() {
  byId("scanner").hidden = false;
  byId("code").focus();
}

async function scan(event) {
  event.preventDefault();
  byId("scanner").hidden = true;
  await post(`/sandbox/users/${userId}/scan`, { code: byId("code").value });
  byId("code").value = "";
}
