// Somebody else takes over on this device, by PIN. What waits here stays with whoever did it.

import { Refused } from "/static/shared/page.js";
import { Unanswered, call } from "./line.js";
import { $, desk, plain, say } from "./words.js";

const line = () => $("switch-form").querySelector("[data-problem]");

function tell(text = "") {
  line().textContent = text;
  line().hidden = !text;
}

function failed(error) {
  if (error instanceof Unanswered) tell(say("needs-line"));
  else if (error instanceof Refused) tell(plain(error.message));
  else throw error;
}

function choice({ id, name }) {
  const label = document.createElement("label");
  const input = document.createElement("input");
  input.type = "radio";
  input.name = "colleague";
  input.value = id;
  input.addEventListener("change", () => $("pin").focus());
  const words = document.createElement("span");
  words.textContent = name;
  label.append(input, words);
  return label;
}

async function open() {
  tell();
  $("pin").value = "";
  $("people").replaceChildren();
  $("nobody").hidden = true;
  $("switch-dialog").showModal();
  try {
    const { items } = await call("GET", "/session/switch");
    const others = items.filter((each) => each.id !== desk.dataset.staff);
    $("people").replaceChildren(...others.map(choice));
    $("nobody").hidden = others.length > 0;
    $("people").querySelector("input")?.focus();
  } catch (error) {
    failed(error);
  }
}

async function take() {
  const staff = document.querySelector("input[name=colleague]:checked")?.value;
  if (!staff || !$("pin").value) return;
  try {
    await call("POST", "/session/switch", { staff, pin: $("pin").value });
    location.reload();
  } catch (error) {
    $("pin").value = "";
    $("pin").focus();
    failed(error);
  }
}

/** Listen to the menu and the dialog. */
export function listen() {
  $("switch-open").addEventListener("click", open);
  $("switch-form").addEventListener("submit", (event) => {
    event.preventDefault();
    take();
  });
}
