// How each kind of control shows a value of the document, and what it says back.
//
// `show(field, value, about)` puts the value into the control; `read(field, about)` is the value that
// stands there (undefined: nothing). What was typed wrong goes through as it is: the check of the
// service says what is wrong with it. `about` knows the currency, the ranks, the offset of the clock.

import { chosen, tickOff } from "./ticks.js";
import { addChip, chipsOf, showChips } from "./chips.js";

const WHOLE = ["JPY", "KRW", "VND", "CLP", "ISK"];
const digits = (currency) => (WHOLE.includes(currency) ? 0 : 2);
const input = (field) => field.querySelector("input, select");
const plain = (text) => text.normalize("NFKC").replaceAll(",", "").replace("−", "-").trim();

function whole(text) {
  const cleaned = plain(text);
  if (cleaned === "") return undefined;
  return /^-?\d{1,15}$/.test(cleaned) ? Number(cleaned) : text.trim();
}

/** Put a text into a control, unless it says the same already: whoever types is not disturbed. */
function say(control, text) {
  if (control.value !== text) control.value = text;
}

const text = {
  show: (field, value) => say(input(field), value === undefined || value === null ? "" : String(value)),
  read: (field) => input(field).value || undefined,
};

/** A text that is always there, if only as an empty one. */
const words = { show: text.show, read: (field) => input(field).value };

const integer = {
  show: (field, value) => {
    if (typeof value === "number" && whole(input(field).value) === value) return;
    text.show(field, value);
  },
  read: (field) => whole(input(field).value),
};

/** A decimal number is text in the document, as it was written. */
const decimal = {
  show: text.show,
  read: (field) => {
    const cleaned = plain(input(field).value);
    return cleaned === "" ? undefined : cleaned;
  },
};

/** Money is a whole number of the smallest unit; people write the large one. */
const money = {
  show: (field, value, about) => {
    if (typeof value !== "number") { text.show(field, value); return; }
    if (money.read(field, about) === value) return;
    say(input(field), (value / 10 ** digits(about.currency)).toFixed(digits(about.currency)));
  },
  read: (field, about) => {
    const cleaned = plain(input(field).value);
    const places = digits(about.currency);
    const found = cleaned.match(places ? /^(\d{1,13})(?:\.(\d{1,2}))?$/ : /^(\d{1,15})()$/);
    if (!found) return whole(cleaned);
    return places ? Number(found[1]) * 100 + Number((found[2] ?? "").padEnd(2, "0")) : Number(found[1]);
  },
};

const choice = {
  show: (field, value) => {
    const select = input(field);
    const wanted = value === undefined || value === null ? "" : String(value);
    if (![...select.options].some((option) => option.value === wanted)) select.add(new Option(wanted, wanted));
    say(select, wanted);
  },
  read: (field) => input(field).value || undefined,
};

const boolean = {
  show: (field, value) => { input(field).checked = value === true; },
  read: (field) => input(field).checked,
};

const several = { show: (field, value) => tickOff(field, value), read: chosen };
const ranks = { show: (field, value, about) => tickOff(field, value, about.ranks), read: chosen };
const chips = { show: showChips, read: chipsOf };

const hours = {
  show: (field, value) => {
    const [from, until] = field.querySelectorAll("input");
    const found = typeof value === "string" ? value.split("-") : ["", ""];
    say(from, found[0] ?? "");
    say(until, found[1] === "24:00" ? "00:00" : found[1] ?? "");
  },
  read: (field) => {
    const [from, until] = [...field.querySelectorAll("input")].map((each) => each.value);
    if (!from && !until) return undefined;
    return `${from}-${until === "00:00" ? "24:00" : until}`;
  },
  waits: (field) => [...field.querySelectorAll("input")].filter((each) => each.value).length === 1,
};

/** A day; with a time it needs an offset: the one that was written, else the shop's. */
const moment = {
  show: (field, value) => {
    const [day, time] = field.querySelectorAll("input");
    const found = typeof value === "string" ? value : "";
    field.dataset.offset = found.length > 10 ? found.slice(10).match(/([Zz]|[+-]\d\d:\d\d)$/)?.[0] ?? "" : "";
    say(day, found.slice(0, 10));
    say(time, found.slice(11, 16));
  },
  read: (field, about) => {
    const [day, time] = [...field.querySelectorAll("input")].map((each) => each.value);
    if (!day) return undefined;
    return time ? `${day}T${time}:00${field.dataset.offset || about.offset}` : day;
  },
};

/** So many months or so many days: one of two names of the same object. */
const span = {
  show: (field, value) => {
    const [number, unit] = field.querySelectorAll("input, select");
    const name = typeof value?.days === "number" ? "days" : "months";
    say(unit, name);
    say(number, value?.[name] === undefined || value[name] === null ? "" : String(value[name]));
  },
  read: (field, about, value) => {
    const [number, unit] = field.querySelectorAll("input, select");
    const { months, days, ...rest } = value ?? {};
    const typed = whole(number.value);
    return typed === undefined ? rest : { ...rest, [unit.value]: typed };
  },
};

/** `"lifetime"` is short for `{"type": "lifetime"}`. */
const window_ = {
  show: (field, value) => {
    const [type, months] = field.querySelectorAll("select, input");
    const kind = typeof value === "string" ? value : value?.type ?? "lifetime";
    say(type, kind);
    if (kind === "rolling") say(months, value?.months === undefined ? "" : String(value.months));
    field.querySelector("[data-months]").hidden = kind !== "rolling";
  },
  read: (field) => {
    const [type, months] = field.querySelectorAll("select, input");
    if (type.value !== "rolling") return { type: type.value };
    if (months.value === "") months.value = "12";
    return { type: "rolling", months: whole(months.value) };
  },
  means: (value) => (typeof value === "string" ? { type: value } : value ?? { type: "lifetime" }),
};

/** Yes, or nothing at all. */
const flag = { show: boolean.show, read: (field) => input(field).checked || undefined };

/** One of several, of which those written in digits are numbers. */
const month = { show: choice.show, read: (field) => (/^\d+$/.test(input(field).value) ? Number(input(field).value) : choice.read(field)) };

/** Codes of which one may be null, "none of them": its box has an empty value. */
const nullable = {
  show: (field, value) => tickOff(field, Array.isArray(value) ? value.map((each) => each ?? "") : []),
  read: (field, about, before) => chosen(field, about, before?.map((each) => each ?? ""))?.map((each) => each || null),
};

export const KINDS = {
  words, flag, month, nullable,
  text, integer, decimal, money, choice, boolean, several, ranks, hours, moment, span,
  window: window_, variant: choice, limit: choice,
  weekdays: several, texts: chips, numbers: chips,
};
export { addChip };
