// Members: the keyboard in the results, the balance before it is changed, refunds, copies.
import { api, newId, toast } from "/static/shared/page.js";

// Arrows lead from the search box through the results and back.
const box = document.getElementById("q");
const people = () => [...document.querySelectorAll("#found a.person")];
document.addEventListener("keydown", (event) => {
  if (!box || !["ArrowDown", "ArrowUp", "Enter"].includes(event.key) || event.isComposing) return;
  const all = people();
  const at = all.indexOf(document.activeElement);
  if (event.key === "Enter") {
    if (document.activeElement !== box || all.length !== 1) return;
    event.preventDefault();
    all[0].click();
    return;
  }
  if (document.activeElement !== box && at < 0) return;
  event.preventDefault();
  const next = at + (event.key === "ArrowDown" ? 1 : -1);
  (next < 0 ? box : all[Math.min(next, all.length - 1)])?.focus();
});

// The address keeps what is typed, so that going back shows the same.
box?.addEventListener("htmx:afterRequest", () => {
  const query = new URLSearchParams([...new FormData(box.form)].filter(([, value]) => value));
  history.replaceState(history.state, "", `/console/members${query.size ? `?${query}` : ""}`);
});

// What the balance will be.
document.addEventListener("input", (event) => {
  const form = event.target.closest?.("form[data-balance]");
  const line = form?.querySelector("[data-after]");
  if (!line || event.target.name !== "points") return;
  const points = Number(event.target.value.replaceAll(",", "").replace("−", "-"));
  const now = Number(form.dataset.balance);
  const later = Number.isInteger(points) ? now + points : now;
  line.replaceChildren(`${line.dataset.after} `, Object.assign(document.createElement("strong"), { textContent: `${now.toLocaleString()} → ${later.toLocaleString()}` }));
  line.classList.toggle("below", later < 0);
});

// A refund by line, by amount, or of all that is left.
document.addEventListener("change", (event) => {
  const form = event.target.closest?.("form[data-refund]");
  if (!form || event.target.name !== "how") return;
  for (const part of form.querySelectorAll("[data-how]")) part.hidden = part.dataset.how !== event.target.value;
});

function wanted(form) {
  const how = new FormData(form).get("how");
  if (how === "amount") return { amount: Number(form.querySelector("#back-amount").value) };
  if (how !== "lines") return {};
  const lines = [...form.querySelectorAll("[data-sku]")]
    .map((field) => ({ sku: field.dataset.sku, quantity: Number(field.value) }))
    .filter((line) => line.quantity > 0);
  return { lines };
}

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!form.matches("form[data-refund]")) return;
  event.preventDefault(); // page.js leaves it alone then
  const [method, address] = form.dataset.api.split(" ");
  form.dataset.key ??= newId();
  form.inert = true;
  try {
    await api(method, address, wanted(form), { key: form.dataset.key });
    sessionStorage.setItem("said", form.dataset.said);
    location.reload();
  } catch (error) {
    if (!(error.status >= 500)) delete form.dataset.key;
    const line = form.querySelector("[data-problem]");
    line.textContent = error.errors?.[0]?.message ?? error.message;
    line.hidden = false;
  } finally {
    form.inert = false;
  }
}, true);

// A copy of all data: asked for, then looked after until it is there.
document.addEventListener("exported", (event) => {
  const { id } = event.detail;
  const dialog = document.getElementById("export");
  if (!dialog.open) dialog.showModal();
  event.target.querySelector("[type=submit]").hidden = true; // it is on its way
  window.htmx.ajax("GET", `/console/members/${event.target.dataset.member}/exports/${id}`, { target: "#export-state", swap: "innerHTML" });
});

// A code for linking a card to LINE.
document.addEventListener("coded", (event) => {
  const output = event.target.querySelector("[data-coded]");
  output.textContent = event.detail.code;
  output.hidden = false;
  const dialog = event.target.closest("dialog");
  if (!dialog.open) dialog.showModal();
  toast(event.detail.code);
});
