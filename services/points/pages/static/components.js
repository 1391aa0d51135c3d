// The states that come and go, brought about by hand.
import { toast } from "/static/shared/page.js";

const WORK_MS = 3000;
const form = document.querySelector("[data-broken]");
const english = document.documentElement.lang === "en";

form.elements.broken.setAttribute("aria-invalid", "true");
form.querySelector('[data-error="broken"]').textContent = english ? "Use digits only, such as 09012345678." : "半角の数字だけで入力してください(例 09012345678)。";
const problem = form.querySelector("[data-problem]");
problem.textContent = english ? "It was not saved: please check the marked field." : "保存できませんでした。赤い欄をご確認ください。";
problem.hidden = false;
form.addEventListener("submit", (event) => event.preventDefault());

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-toast], [data-working]");
  if (!button) return;
  if ("toast" in button.dataset) toast(button.textContent, button.dataset.toast);
  else {
    document.body.classList.add("busy");
    button.setAttribute("aria-busy", "true");
    setTimeout(() => {
      document.body.classList.remove("busy");
      button.removeAttribute("aria-busy");
    }, WORK_MS);
  }
});
