// "What would this purchase earn?": the draft beside the rules in force.

import { api, fieldsOf, Refused } from "/static/shared/page.js";
import { inLanguage } from "./said.js";

const AFTER_MS = 250;
const DAY_MS = 86_400_000;

function asked(form) {
  const { weekday, total, ...given } = fieldsOf(form);
  const places = form.dataset.decimals === "0" ? 1 : 100;
  return { ...given, total: Math.round(Number(String(total ?? 0).normalize("NFKC").replaceAll(",", "")) * places) };
}

/** The next day of this weekday, today included, on the shop's calendar. */
function nextDay(today, weekday) {
  const start = Date.parse(`${today}T00:00:00Z`);
  const ahead = (Number(weekday) - new Date(start).getUTCDay() + 7) % 7;
  return new Date(start + ahead * DAY_MS).toISOString().slice(0, 10);
}

export class Trial {
  /** `program()` is the draft, undefined while it cannot be tried. */
  constructor(form, program) {
    Object.assign(this, { form, program, turn: 0 });
    form.addEventListener("input", (event) => {
      if (event.target.name === "weekday") form.elements.day.value = nextDay(form.dataset.today, event.target.value);
      if (event.target.name === "day") form.elements.weekday.value = String(new Date(`${event.target.value}T00:00:00Z`).getUTCDay());
      this.soon();
    });
    form.addEventListener("submit", (event) => event.preventDefault());
  }

  /** Offer these ranks ({code: name}). */
  offer(ranks) {
    const select = this.form.elements.rank;
    const [none] = select.options;
    const before = select.value;
    select.replaceChildren(none, ...Object.entries(ranks).map(([code, name]) => new Option(name, code)));
    select.value = before in ranks ? before : "";
  }

  soon() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.#ask(), AFTER_MS);
  }

  async #ask() {
    this.turn += 1;
    const turn = this.turn;
    const body = asked(this.form);
    const program = this.program();
    const tried = (of) => api("POST", "/v1/program/trial", { ...body, ...of }).catch((error) => {
      if (error instanceof Refused) return undefined;
      throw error;
    });
    const [mine, now] = await Promise.all([program ? tried({ program }) : undefined, this.form.dataset.inForce ? tried({}) : undefined]);
    if (turn === this.turn) this.#show(mine, now);
  }

  #show(mine, now) {
    const { form } = this;
    const number = new Intl.NumberFormat();
    const said = (name, found) => { form.querySelector(`[data-${name}]`).textContent = found ? number.format(found.points) : "–"; };
    said("mine", mine);
    said("now", now);
    form.querySelector("[data-why]").replaceChildren(...(mine ?? now)?.why.map((each) => Object.assign(document.createElement("li"), { textContent: inLanguage(each) })) ?? []);
  }
}
