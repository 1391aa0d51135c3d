// Starts a backtest: fetches the rules to try, asks for the run, goes to its page.

import { api, newId, Refused } from "/static/shared/page.js";

const DAY_MS = 86_400_000;
const form = document.getElementById("begin");
const { elements } = form;
const days = document.getElementById("b-days");

function period() {
  const span = elements.span.value;
  if (span === "all") return {};
  if (span === "days") return Object.fromEntries(["from", "until"].map((each) => [each, elements[each].value]).filter(([, day]) => day));
  const first = Date.parse(`${form.dataset.today}T00:00:00Z`) - (Number(span) - 1) * DAY_MS;
  return { from: new Date(first).toISOString().slice(0, 10) };
}

async function rules() {
  if (elements.of.value === "now") return await api("GET", "/v1/program");
  return (await api("GET", "/v1/program/draft")).document;
}

function blame(error) {
  for (const line of form.querySelectorAll("[data-error]")) line.textContent = "";
  const rest = error.errors?.filter(({ path, message }) => {
    const line = form.querySelector(`[data-error="${CSS.escape(path)}"]`);
    if (line) line.textContent = message;
    return !line;
  }) ?? [];
  const line = form.querySelector("[data-problem]");
  line.textContent = error.reason === "no-draft" ? form.dataset.wordNone : [error.message, ...rest.map((each) => `${each.path}: ${each.message}`)].join("\n");
  line.hidden = false;
}

elements.span.addEventListener("change", () => { days.hidden = elements.span.value !== "days"; });
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = event.submitter;
  button?.setAttribute("aria-busy", "true");
  form.inert = true;
  form.dataset.key ??= newId();
  try {
    const run = await api("POST", "/v1/program/backtests", { program: await rules(), ...period() }, { key: form.dataset.key });
    location.assign(`/console/program/backtests/${run.id}`);
  } catch (error) {
    delete form.dataset.key;
    form.inert = false;
    button?.removeAttribute("aria-busy");
    if (!(error instanceof Refused)) throw error;
    blame(error);
  }
});
