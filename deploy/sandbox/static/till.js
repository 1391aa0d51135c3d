// The till panel: posts a purchase through the edge and says in words what came of it.

import { byId, element, get, post } from "./api.js";
import { number as points, t } from "./words.js";

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
    show(true, t("送れませんでした", "Not sent"), error.message);
  } finally {
    button.disabled = false;
  }
}

function showResult({ status, content }) {
  if (status === 201 && content?.points) {
    const { earned, balance, pending } = content.points;
    const rank = content.rank?.name ?? content.rank?.code ?? content.rank;
    const rest = [
      t(`残高 ${points(balance)}`, `Balance ${points(balance)}`),
      pending ? t(`確定待ち ${points(pending)}`, `Pending ${points(pending)}`) : "",
      rank ?? "",
    ];
    show(false, t(`+${points(earned)} ポイント`, `+${points(earned)} points`), rest.filter(Boolean).join(" · "));
  } else if (status === 202 && content?.status === "waiting_for_member") {
    show(false, t("会員を待っています", "Waiting for the member"), t("この番号の会員はまだいません。", "Nobody has this card yet."));
  } else if (status === 202) {
    show(false, t("受け付けました", "Accepted"), t("ポイントはまもなく付きます。", "The points follow shortly."));
  } else if (status === 0) {
    show(true, t("つながりません", "Cannot be reached"), t("入口(エッジ)に届きませんでした。", "The edge did not answer."));
  } else {
    const errors = (content?.errors ?? []).map((one) => `${one.path}: ${one.message}`).join("、");
    show(true, content?.title ?? t(`エラー ${status}`, `Error ${status}`), [content?.detail, errors].filter(Boolean).join(" "));
  }
}

function show(bad, headline, words) {
  const receipt = byId("receipt");
  receipt.className = `receipt${bad ? " bad" : ""}`;
  receipt.replaceChildren(element("strong", "", headline), element("p", "", words));
  receipt.hidden = false;
}
