// What the counter says: its words come with the page, in the reader's language.

export const desk = document.querySelector(".desk");
const language = document.documentElement.lang;

/** The words of this name, `{x}` filled in. */
export function say(name, values = {}) {
  const text = desk.dataset[`word${name.split("-").map((part) => part[0].toUpperCase() + part.slice(1)).join("")}`] ?? "";
  return text.replace(/\{(\w+)\}/g, (_, key) => values[key] ?? "");
}

export const number = (value) => Number(value).toLocaleString(language);

/** Money, given in minor units. */
export function money(amount) {
  const { currency } = desk.dataset;
  if (currency === "JPY") return language === "en" ? `¥${number(amount)}` : `${number(amount)}円`;
  const format = new Intl.NumberFormat(language, { style: "currency", currency });
  return format.format(amount / 10 ** format.resolvedOptions().maximumFractionDigits);
}

export const day = (at) => new Date(at).toLocaleDateString(language, { month: "short", day: "numeric" });

/** `14:05`; with the day if that is another one. */
export function time(at) {
  const moment = new Date(at);
  const clock = moment.toLocaleTimeString(language, { hour: "2-digit", minute: "2-digit", hour12: false });
  return moment.toDateString() === new Date().toDateString() ? clock : `${day(at)} ${clock}`;
}

export const points = (count, name = "points") => say(name === "points" && Math.abs(count) === 1 ? "point" : name, { n: number(count) });

/** A problem's words in one language: the API gives both, Japanese first. */
export function plain(detail) {
  const parts = /^([^]*[。」)])\s+([A-Z][^]*)$/.exec(detail ?? "");
  return parts ? parts[language === "en" ? 2 : 1].replaceAll("。。", "。") : detail;
}

export const $ = (id) => document.getElementById(id);

/** Show a problem in its place, or nothing. */
export function problem(id, text = "") {
  $(id).textContent = text;
  $(id).hidden = !text;
}
