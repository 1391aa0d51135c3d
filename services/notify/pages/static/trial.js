// A test to oneself: the dialog asks for a card, its member gets the message.

import { api, Refused, toast } from "/static/shared/page.js";

/** `sent(member)` sends it. */
export function tryOut(sent) {
  const trial = document.getElementById("trial");
  trial.addEventListener("submit", async (event) => {
    event.preventDefault();
    const problem = trial.querySelector("[data-problem]");
    problem.hidden = true;
    try {
      const card = trial.elements.card.value.replace(/\s/g, "");
      const member = await api("GET", `/v1/members/lookup?card=${encodeURIComponent(card)}`);
      await sent(member.id);
      trial.closest("dialog").close();
      toast(event.submitter.dataset.sent);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      problem.textContent = error.message;
      problem.hidden = false;
    }
  });
}
