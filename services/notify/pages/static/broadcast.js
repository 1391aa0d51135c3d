// One broadcast: how it looks on a phone, a test to oneself, acts whose state then shows.

import { api, Refused, toast } from "/static/shared/page.js";
import { show } from "/static/notify/preview.js";
import { tryOut } from "/static/notify/trial.js";

const content = JSON.parse(document.getElementById("content").textContent);
show(content.messages?.ja ?? []);

function refresh() {
  window.htmx.ajax("GET", `${location.pathname}/state`, "#state");
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-act]");
  if (!button) return;
  const [method, address] = button.dataset.act.split(" ");
  button.setAttribute("aria-busy", "true");
  button.disabled = true;
  try {
    await api(method, address, button.dataset.body ? JSON.parse(button.dataset.body) : undefined);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    toast(error.message, "bad");
  }
  button.closest("dialog")?.close();
  refresh();
});
document.addEventListener("done", (event) => { if (event.target.matches("[data-refresh]")) refresh(); });

tryOut((member) => api("POST", `/v1/messages/broadcasts/${document.getElementById("trial").dataset.id}/test`, { member }));
