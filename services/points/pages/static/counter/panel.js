// The member who is served: who it is, what is done for them, and the points before they are given.

import { Refused } from "/static/shared/page.js";
import { Unanswered, call, now, online } from "./line.js";
import { $, day, desk, money, number, plain, points, problem, say } from "./words.js";

const QUOTE_MS = 250;
const PATHS = { purchase: "purchases", visit: "visits", service: "service-points", redemption: "redemptions" };
const DIGITS = 9;
let served = null; // {panel, code, scannedAt}; `panel` is null while nobody could be asked
let quote = null; // {amount, used, …} of what stands in the field
let quoting = 0;
let gift = null;

export const mode = () => document.querySelector("input[name=mode]:checked").value;
export const amount = () => Number($("amount").value.replace(/\D/g, "") || 0);
export const current = () => served;
export const isOpen = () => served !== null;
export const isTouched = () => amount() > 0 || $("reason").value !== "";

/** Whether a code belongs to the member who is shown already. */
export const isSame = (panel) => served?.panel?.member.id === panel?.member.id;

/** Serve somebody. `panel` is null without the network: then the code alone names them. */
export function open(panel, code, scannedAt) {
  const again = served?.panel && isSame(panel);
  served = { panel, code, scannedAt };
  show(panel);
  if (again) {
    problem("act-problem");
    return;
  }
  document.querySelector("input[name=mode][value=purchase]").checked = true;
  clear();
}

/** Nobody is served. */
export function close() {
  served = null;
  clear();
}

function clear() {
  for (const id of ["amount", "reason", "receipt", "use-points"]) $(id).value = "";
  $("use-on").checked = false;
  gift = null;
  problem("act-problem");
  changed();
}

function show(panel) {
  const member = panel?.member;
  const card = member ? say("card", { end: member.card.slice(-4) }) : named(served.code).label;
  $("member-name").textContent = member ? panel.name ?? card : say("unknown");
  $("member-rank").textContent = member?.rank?.name ?? "";
  $("member-rank").hidden = !member?.rank;
  $("member-card").textContent = panel && !panel.name ? say("no-name") : card;
  $("member-balance").textContent = member ? points(member.points.balance) : "";
  $("member-more").textContent = member ? more(panel) : say("name-later");
  $("warnings").replaceChildren(...(panel?.warnings ?? []).map(({ text }) => {
    const line = document.createElement("li");
    line.textContent = text[document.documentElement.lang] ?? text.ja;
    return line;
  }));
  $("gifts").replaceChildren(...(panel?.gifts.rules ?? []).map(giftButton));
  for (const each of document.querySelectorAll("input[name=mode]")) {
    each.disabled = !member && ["visit", "redemption"].includes(each.value);
  }
}

function usable({ points: count, worth }) {
  return count ? say("usable", { n: number(count), money: money(worth) }) : say("none-usable");
}

function more({ member, usable: offer }) {
  const parts = [usable(offer)];
  if (member.points.pending) parts.push(say("pending", { n: number(member.points.pending) }));
  const [soon] = member.points.expiring;
  if (soon) parts.push(say("expiring", { n: number(soon.points), date: day(new Date(soon.at) - 1) }));
  if (member.next_rank?.progress) parts.push(`${say("next-rank", { name: member.next_rank.name })} ${member.next_rank.progress}%`);
  return parts.join(" · ");
}

function giftButton({ id, name, points: count }) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "button plain";
  button.textContent = `${name || id} +${number(count)}`;
  button.setAttribute("aria-pressed", "false");
  button.addEventListener("click", () => {
    gift = gift?.id === id ? null : { id, points: count };
    for (const each of $("gifts").children) each.setAttribute("aria-pressed", String(each === button && gift !== null));
    $("amount").value = gift ? number(count) : "";
    changed(false);
  });
  return button;
}

/** How a code names a member without the server: what to send, and what to show. */
export function named(code) {
  const digits = code.replace(/[\s-]/g, "");
  if (/^T1\./i.test(code)) return { member: { qr: code }, label: "QR" };
  if (/^29\d{11}$/.test(digits) && checked(digits)) return { member: { card: digits }, label: say("card", { end: digits.slice(-4) }) };
  return null;
}

function checked(digits) {
  const sum = [...digits.slice(0, 12)].reduce((total, digit, place) => total + Number(digit) * (place % 2 ? 3 : 1), 0);
  return (10 - (sum % 10)) % 10 === Number(digits[12]);
}

/** Something was entered: say what it comes to. `fresh`: the points were typed, not picked. */
export function changed(fresh = true) {
  const kind = mode();
  $("act-form").dataset.kind = kind;
  for (const part of document.querySelectorAll("[data-modes]")) part.hidden = !part.dataset.modes.split(" ").includes(kind);
  if (fresh && gift && kind === "service" && amount() !== gift.points) {
    gift = null;
    for (const each of $("gifts").children) each.setAttribute("aria-pressed", "false");
  }
  if ($("amount").value) $("amount").value = number(amount());
  $("use-row").hidden = !served?.panel?.usable.points;
  $("use-points").hidden = !$("use-on").checked;
  const fits = kind === "purchase" && quote?.total === amount() && quote.tax === tax(amount());
  if (!fits) {
    quote = null;
    clearTimeout(quoting);
    if (kind === "purchase" && amount() && served?.panel && online) quoting = setTimeout(ask, QUOTE_MS);
  }
  preview();
}

function tax(total) {
  const chosen = document.querySelector("input[name=tax]:checked");
  const rate = Number(chosen?.value ?? 0);
  return chosen ? Math.floor((total * rate) / (100 + rate)) : 0;
}

function used() {
  if (!$("use-on").checked || $("use-row").hidden) return 0;
  const typed = $("use-points").value.normalize("NFKC").replace(/\D/g, "");
  return typed ? Number(typed) : quote?.redemption.maximum ?? 0;
}

/** Ask what the purchase would earn. */
export async function ask() {
  clearTimeout(quoting);
  const total = amount();
  if (!total || !served?.panel) return;
  const body = { store: desk.dataset.store, member: { id: served.panel.member.id }, total, tax: tax(total) };
  try {
    const answer = await call("POST", "/v1/quotes", body);
    if (total !== amount() || mode() !== "purchase") return;
    quote = { ...answer, total, tax: body.tax };
  } catch (error) {
    if (!(error instanceof Refused || error instanceof Unanswered)) throw error;
    if (error instanceof Refused) problem("act-problem", plain(error.message));
  }
  preview();
}

/** Use as many points as this bill allows, until another number is entered. */
export function useMost() {
  $("use-points").value = "";
  changed();
  if ($("use-on").checked) $("use-points").focus();
}

function preview() {
  const said = words();
  $("use-points").placeholder = quote ? number(quote.redemption.maximum) : "";
  $("preview-main").textContent = said.main;
  $("preview-main").classList.toggle("bad", Boolean(said.bad));
  $("preview-pay").textContent = said.pay ?? "";
  $("preview-more").textContent = said.rest ?? "";
  $("why").hidden = !(mode() === "purchase" && quote);
  $("why-text").textContent = quote?.explanation.text[document.documentElement.lang] ?? "";
  $("confirm-words").textContent = said.button;
  $("confirm").disabled = !said.ready;
}

function words() {
  const kind = mode();
  const count = amount();
  const usableNow = served?.panel?.usable;
  if (kind === "visit") return { main: "", button: say("count-visit"), ready: online };
  if (kind === "service") return { main: "", button: say("give", { n: number(count) }), ready: count > 0 && (gift !== null || $("reason").value.trim() !== "") };
  if (kind === "redemption") {
    const fits = usableNow && count <= usableNow.points;
    const worth = usableNow ? Math.floor((count * usableNow.value.amount) / usableNow.value.points) : 0;
    const main = !count ? "" : fits ? say("worth", { money: money(worth) }) : say("more-than-usable", { n: number(usableNow?.points ?? 0) });
    return { main, bad: !fits, button: say("use", { n: number(count) }), ready: count > 0 && Boolean(fits) && online };
  }
  return purchaseWords(count);
}

function purchaseWords(total) {
  const later = { main: "", button: say("give-later"), ready: total > 0 };
  if (!served?.panel || !online) return later;
  if (!total) return { ...later, button: say("give-later") };
  if (quote?.total !== total) return { main: "…", button: say("give-later"), ready: false };
  const { earned, balance_after: after, pending_after: pending } = quote.points;
  const spent = used();
  if (spent > quote.redemption.maximum) return { main: say("more-than-usable", { n: number(quote.redemption.maximum) }), bad: true, button: say("give-later"), ready: false };
  const { value } = quote.redemption;
  const pay = spent ? say("pay", { money: money(total - Math.floor((spent * value.amount) / value.points)) }) : "";
  const rest = pending ? say("after-pending", { n: number(pending) }) : say("after", { n: number(after - spent) });
  const plain = earned ? say("give", { n: number(earned) }) : say("give-later");
  const button = spent ? say("use-and-give", { used: number(spent), n: number(earned) }) : plain;
  return { main: `+${points(earned)}`, pay, rest, button, ready: true };
}

/** Whether what stands there can be done; if points are still being asked for, that is done first. */
export function isReady() {
  if (!$("confirm").disabled) return true;
  if (mode() === "purchase" && amount() && quote === null) ask();
  return false;
}

/** The act that is to be done: kind, address, body, and what to call it while it waits. */
export function wanted() {
  const kind = mode();
  const { panel, code, scannedAt } = served;
  const byCode = /^T1\./i.test(code ?? "");
  const member = panel ? { id: panel.member.id, ...(byCode ? { qr: code } : {}) } : named(code).member;
  const body = { member, store: desk.dataset.store };
  if (byCode && scannedAt) body.scanned_at = scannedAt;
  if (kind === "purchase") {
    Object.assign(body, { total: amount(), tax: tax(amount()), at: now() });
    if (used()) body.use_points = used();
    if ($("receipt").value.trim()) body.receipt = $("receipt").value.trim();
  } else if (kind === "service") {
    Object.assign(body, gift ? { rule: gift.id } : { points: amount() }, { at: now() });
    if ($("reason").value.trim()) body.reason = $("reason").value.trim();
  } else if (kind === "redemption") body.points = amount();
  const who = panel ? say("card", { end: panel.member.card.slice(-4) }) : named(code).label;
  const what = kind === "purchase" ? money(amount()) : kind === "visit" ? "" : points(amount());
  return { kind, address: `/v1/counter/${PATHS[kind]}`, body, label: [what, who].filter(Boolean).join(" · ") };
}

/** A digit of the pad. */
export function press(digit) {
  const field = $("amount");
  field.value = field.value.replace(/\D/g, "") + digit;
  if (field.value.length > DIGITS) field.value = field.value.slice(0, DIGITS);
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

/** Take the last digit off. */
export function erase() {
  const field = $("amount");
  field.value = field.value.replace(/\D/g, "").slice(0, -1);
  field.dispatchEvent(new Event("input", { bubbles: true }));
}
