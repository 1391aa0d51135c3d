// The card's design: shows at once what a colour or name would look like, sends pictures, prints.

import { api, toast } from "/static/shared/page.js";

const WAIT_MS = 250;
const form = document.getElementById("brand");
const frame = document.getElementById("preview");
const lang = document.documentElement.lang;
let waiting = null;

function paint(schemes) {
  for (const swatch of document.querySelectorAll(".swatch")) {
    const { brand, on, accent } = schemes?.[swatch.dataset.scheme] ?? swatch.dataset;
    swatch.style.setProperty("--brand", brand);
    swatch.style.setProperty("--on", on);
    swatch.style.setProperty("--accent", accent);
  }
  const line = document.getElementById("contrast");
  const light = schemes?.light.contrast ?? line.dataset.light;
  const dark = schemes?.dark.contrast ?? line.dataset.dark;
  line.textContent = line.dataset.words.replace("%l", light).replace("%d", dark);
}

async function tryOut() {
  const { color, name_ja: ja, name_en: en } = form.elements;
  const wanted = new URLSearchParams({ color: color.value, name_ja: ja.value, name_en: en.value });
  frame.contentWindow.location.replace(`/console/design/preview?${wanted}`);
  const look = await api("GET", `/v1/brand/preview?${new URLSearchParams({ color: color.value })}`);
  paint(look);
  document.getElementById("advice").replaceChildren(...look.advice.map((each) => {
    const line = document.createElement("li");
    line.textContent = each[lang] ?? each.ja;
    return line;
  }));
}

async function sendPicture(input) {
  const [file] = input.files;
  if (!file) return;
  input.disabled = true;
  try {
    await api("PUT", `/v1/brand/${input.dataset.picture}`, file);
    location.reload();
  } catch (error) {
    toast(error.message, "bad");
    input.value = "";
    input.disabled = false;
  }
}

if (form) {
  paint();
  form.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => tryOut().catch((error) => toast(error.message, "bad")), WAIT_MS);
  });
}
for (const input of document.querySelectorAll("[data-picture]")) {
  input.addEventListener("change", () => sendPicture(input));
}
document.querySelector("[data-print]")?.addEventListener("click", () => window.print());
