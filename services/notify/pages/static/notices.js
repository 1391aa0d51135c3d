// The part of the member card that says which notices are wanted. The card tells who is looking;
// without an answer of notify's the card is as good, so the part stays hidden.
"use strict";

(() => {
  let token = null;

  async function ask(path, body) {
    const headers = { Authorization: `Bearer ${token}` };
    const sent = body === undefined ? { headers } : {
      method: "POST",
      headers: { ...headers, "Content-Type": "application/json" },
      body: JSON.stringify(body),
    };
    const answer = await fetch(path, sent);
    if (!answer.ok) throw new Error(String(answer.status));
    return answer.text();
  }

  function say(place, word) {
    const line = place.querySelector("[role=status]");
    line.textContent = line.dataset[word];
  }

  async function move(event) {
    const box = event.target.closest("input[data-notice]");
    if (!box) return;
    const place = event.currentTarget;
    box.disabled = true;
    try {
      await ask("/notices/choices", { category: box.dataset.notice, receive: box.checked });
      say(place, "saved");
    } catch {
      box.checked = !box.checked;
      say(place, "failed");
    } finally {
      box.disabled = false;
    }
  }

  document.addEventListener("card:open", async (event) => {
    const place = document.getElementById("notices");
    if (!place) return;
    token = event.detail.token;
    try {
      place.innerHTML = await ask("/notices/view"); // our own, escaped on the server
    } catch {
      return;
    }
    place.hidden = false;
    place.addEventListener("change", move);
  });
})();
