// The till panel: posts a purchase through the edge and says in words what came of it.

import { byId, element, get, post } from "./api.js";

let automatic = "";

export function prepareTill(available) {
  byId("till-panel").hidden = !available;
  byId("till").addEventListener("submit", sell);
  for (const preset of document.querySelectorAll("[data-amount]")) {
    preset.addEventListener("click", () => { byId("amount").value = preset.dataset.amount; });
  }
}

export function forgetCard() {
  automatic = "";
  byId("card").value = "";
  byId("receipt").hidden = true;
}

// The card's number comes from an owner's look-up, or from what the account has told the member.
export async function learnCard(userId, items) {
  if (automatic || !items.some((item) => item.from === "account")) return;
  const found = await get(`/sandbox/users/${userId}/card`).catch(() => null);
  const told = items.map((item) => JSON.stringify(item.messages ?? "")).join(" ");
  setCard(found?.card ?? cardNumber(told));
}

// 13 digits with a right check digit, as under an EAN-13 barcode.
function cardNumber(text) {
  for (const [found] of text.matchAll(/(?<![\d-])\d(?:[ -]?\d){12}(?![\d-])/g)) {
    const digits = [...found.replace(/\D/g, "")].map(Number);
    const sum = digits.reduce((total, digit, index) => total + digit * (index % 2 ? 3 : 1), 0);
    if (sum % 10 === 0) return digits.join("");
  }
  return null;
}

function setCard(number) {
  const field = byId("card");
  if (!number || (field.value && field.value !== automatic)) return;
  automatic = number;
  field.value = number;
}

async function sell(event) {
  event.preventDefault();
  const button = event.submitter ?? byId("till").querySelector("[type=submit]");
  button.disabled = true;
  try {
    const sale = { card: byId("card").value, amount: Number(byId("amount").value) };
    showResult(await post("/sandbox/till", sale));
  } catch (error) {
    show(true, "送れませんでした", error.message);
  } finally {
    button.disabled = false;
  }
}

const points = (value) => Number(value).toLocaleString("ja-JP");

function showResult({ status, content }) {
  if (status === 201 && content?.points) {
    const pending = content.points.pending ? ` · 確定待ち ${points(content.points.pending)}` : "";
    const rank = content.rank?.name ?? content.rank?.code ?? content.rank;
    show(false, `+${points(content.points.earned)} ポイント`,
      `残高 ${points(content.points.balance)}${pending}${rank ? ` · ${rank}` : ""}`, "Awarded while you waited");
  } else if (status === 202) {
    const waiting = content?.status === "waiting_for_member";
    show(false, waiting ? "会員を待っています" : "受け付けました",
      waiting ? "この番号の会員はまだいません。" : "ポイントはまもなく付きます。", waiting ? "No such member yet" : "Accepted; points follow");
  } else if (status === 0) {
    show(true, "つながりません", "入口(エッジ)に届きませんでした。", "The edge could not be reached");
  } else {
    const errors = (content?.errors ?? []).map((one) => `${one.path}: ${one.message}`).join("、");
    show(true, content?.title ?? `エラー ${status}`, [content?.detail, errors].filter(Boolean).join(" "), `HTTP ${status}`);
  }
}

function show(bad, headline, words, english) {
  const receipt = byId("receipt");
  receipt.className = `receipt${bad ? " bad" : ""}`;
  receipt.replaceChildren(element("strong", "", headline), element("p", "", words));
  if (english) receipt.append(element("small", "", english));
  receipt.hidden = false;
}
