// The import's own: a file is dropped or chosen and sent; kinds of rows are switched.
import { api, newId, Refused, toast } from "/static/shared/page.js";

const form = document.querySelector("form[data-upload]");

function say(text) {
  const line = form.querySelector("[data-problem]");
  line.textContent = text;
  line.hidden = false;
  line.scrollIntoView({ block: "nearest" });
}

if (form) {
  const { file } = form.elements;
  const place = form.querySelector("[data-drop]");
  const chosen = form.querySelector("[data-chosen]");
  const show = () => { chosen.textContent = file.files[0]?.name ?? chosen.dataset.empty; };
  file.addEventListener("change", show);
  for (const kind of ["dragenter", "dragover"]) {
    place.addEventListener(kind, (event) => { event.preventDefault(); place.classList.add("over"); });
  }
  for (const kind of ["dragleave", "drop"]) place.addEventListener(kind, () => place.classList.remove("over"));
  place.addEventListener("drop", (event) => {
    event.preventDefault();
    if (event.dataTransfer.files.length) { file.files = event.dataTransfer.files; show(); }
  });
  let key = newId(); // the same act until it is answered
  form.addEventListener("change", () => { key = newId(); });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = form.querySelector("button[type=submit]");
    const before = button.textContent;
    const sent = file.files[0];
    const named = new URLSearchParams({ file_name: sent.name.slice(-200), preset: form.elements.preset.value });
    form.querySelector("[data-problem]").hidden = true;
    button.textContent = button.dataset.sending;
    button.setAttribute("aria-busy", "true");
    form.inert = true;
    try {
      const made = await api("POST", `/v1/imports?${named}`, sent, { key, headers: { "Content-Type": "application/octet-stream" } });
      location.assign(`/console/import/${encodeURIComponent(made.id)}`);
    } catch (error) {
      form.inert = false;
      button.textContent = before;
      button.removeAttribute("aria-busy");
      if (error instanceof Refused) say([error.message, ...error.errors.map((each) => each.message)].join("\n"));
      else if (error instanceof TypeError) toast(document.querySelector(".toasts").dataset.offline, "bad");
      else throw error;
    }
  });
}

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-kind]");
  if (!button) return;
  for (const each of button.parentElement.querySelectorAll("[data-kind]")) each.setAttribute("aria-pressed", String(each === button));
});
