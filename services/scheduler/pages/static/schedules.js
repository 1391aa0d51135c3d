// What is due, drawn from the API with the key that the reader entered. Builds nodes, never HTML.
import { LANGUAGES, words } from "./words.js";

const KEY = "tamaru-owner-key";
const LANGUAGE = "tamaru-language";
const EVERY_MS = 10_000;
const find = (id) => document.getElementById(id);

let language = localStorage.getItem(LANGUAGE) ?? (navigator.language.startsWith("ja") ? "ja" : "en");
let place = null; // of the items beyond those that are shown
let zone = "Asia/Tokyo"; // the shop's, whatever the reader's machine is set to

const say = (name, values = {}) =>
  words[language][name].replace(/\{(\w+)\}/g, (_, slot) => values[slot] ?? "");

function node(tag, content = [], attributes = {}) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value !== false && value != null) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...[content].flat().filter((each) => each != null));
  return made;
}

const moment = (text) =>
  text == null ? "—" : new Intl.DateTimeFormat(language === "ja" ? "ja-JP" : "en-GB",
    { timeZone: zone, month: "numeric", day: "numeric", weekday: "short", hour: "2-digit", minute: "2-digit", second: "2-digit" })
    .format(new Date(text));

function span(seconds) {
  if (seconds < 1) return say("in_time");
  const [count, unit] = seconds < 90 ? [seconds, "seconds"] : seconds < 5400 ? [seconds / 60, "minutes"]
    : seconds < 172_800 ? [seconds / 3600, "hours"] : [seconds / 86_400, "days"];
  return say(unit, { n: Math.round(count).toLocaleString(language) });
}

async function call(path, { method = "GET", keyed = false } = {}) {
  const headers = { authorization: `Bearer ${sessionStorage.getItem(KEY)}` };
  if (keyed) headers["idempotency-key"] = crypto.randomUUID();
  const answer = await fetch(`/v1/schedules${path}`, { method, headers });
  const body = await answer.json().catch(() => ({}));
  if (!answer.ok) throw Object.assign(new Error(body.detail ?? answer.statusText), { status: answer.status });
  return body;
}

function ask(question, yes) {
  const dialog = find("ask");
  find("question").textContent = question;
  find("yes").textContent = yes;
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((resolve) => dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true }));
}

function act(name, path, { question, method = "POST", plain = true } = {}) {
  return node("button", say(name), { type: "button", class: plain ? "plain" : null, async onclick(event) {
    if (question && !(await ask(question, say(name)))) return;
    event.target.disabled = true;
    try {
      await call(path, { method, keyed: method === "POST" });
    } catch (problem) {
      tell(problem);
    }
    await refresh();
  } });
}

function schedule(each) {
  const path = `/${encodeURIComponent(each.name)}`;
  const { last } = each;
  return node("article", [
    node("header", [node("h3", words[language].names[each.name] ?? each.name), node("span", say(each.status), { class: `mark ${each.status}` })]),
    each.problem ? node("p", each.problem, { class: "problem" }) : null,
    node("dl", [
      node("dt", say("times")), node("dd", [node("code", each.cron), ` ${each.time_zone}`]),
      node("dt", say("last")), node("dd", last ? `${moment(last.fired_at)} ${last.asked_by ? say("by_hand") : ""}` : say("never")),
      last && !last.asked_by ? node("dt", say("lag")) : null,
      last && !last.asked_by ? node("dd", span(last.lag_seconds), { class: last.lag_seconds > 60 ? "late" : null }) : null,
      node("dt", say("next")), node("dd", each.status === "paused" ? say("not_while_paused") : moment(each.next_at)),
      each.lag_seconds > 5 ? node("dt", say("overdue")) : null,
      each.lag_seconds > 5 ? node("dd", span(each.lag_seconds), { class: "late" }) : null,
    ]),
    node("div", [
      act("run", `${path}/run`, { question: say("ask_run"), plain: false }),
      each.status === "paused" ? act("resume", `${path}/resume`) : act("pause", `${path}/pause`, { question: say("ask_pause") }),
    ], { class: "acts" }),
  ], { class: "card" });
}

function type(each, handed) {
  const over = handed.get(each.event_type);
  return node("div", [
    node("div", [
      node("code", each.event_type),
      node("div", say("waiting_count", { n: each.waiting.toLocaleString(language), at: moment(each.next_at) }), { class: "quiet" }),
      each.due ? node("div", say("due_count", { n: each.due.toLocaleString(language) }), { class: "late" }) : null,
      each.held ? node("div", say("held_count", { n: each.held.toLocaleString(language) }), { class: "quiet" }) : null,
    ]),
    node("div", over ? say("handed_over", { n: over.items.toLocaleString(language), lag: span(over.worst_lag_seconds) }) : "", { class: "quiet" }),
  ], { class: "row" });
}

function item(each) {
  const path = (name) => `/items${name}?item=${encodeURIComponent(each.key)}`;
  return node("div", [
    node("div", [
      node("div", [node("strong", moment(each.due_at)), " ", node("span", say(each.status), { class: `mark ${each.status}` })]),
      node("code", each.key), node("div", each.event_type, { class: "quiet" }),
    ]),
    node("div", [
      act("run", path("/run"), { question: say("ask_run_item") }),
      each.status === "held" ? act("resume", path("/resume")) : act("pause", path("/pause")),
      act("cancel", path(""), { method: "DELETE", question: say("ask_cancel") }),
    ], { class: "acts" }),
  ], { class: "row" });
}

async function items(after) {
  const query = new URLSearchParams({ limit: "20" });
  const subject = find("subject").value.trim();
  if (subject) query.set("subject", subject);
  if (after) query.set("after", after);
  const page = await call(`/items?${query}`);
  place = page.next;
  find("more").hidden = !place;
  return page.items.map(item);
}

function tell(problem) {
  find("state").textContent = problem.message;
  find("state").className = "problem";
}

async function refresh() {
  if (!sessionStorage.getItem(KEY)) return signIn();
  try {
    const view = await call("");
    zone = view.time_zone;
    const [waiting, done] = await Promise.all([items(null), call("/acts?limit=10")]);
    const handed = new Map(view.handed_over.map((each) => [each.event_type, each]));
    const counted = new Set(view.waiting.map((each) => each.event_type));
    const gone = view.handed_over.filter((each) => !counted.has(each.event_type))
      .map((each) => ({ event_type: each.event_type, waiting: 0, due: 0, held: 0, next_at: null }));
    const types = [...view.waiting, ...gone].map((each) => type(each, handed));
    find("schedules").replaceChildren(...view.items.map(schedule));
    find("types").replaceChildren(...(types.length ? types : [node("p", say("no_items"), { class: "quiet" })]));
    find("items").replaceChildren(...(waiting.length ? waiting : [node("p", say("nothing_waits"), { class: "quiet" })]));
    find("acts").replaceChildren(...(done.items.length
      ? done.items.map((each) => node("div", [
          node("div", [node("strong", say(`did_${each.act}`)), " ", node("code", each.target)]),
          node("div", `${moment(each.at)} · ${each.actor}`, { class: "quiet" }),
        ], { class: "row" }))
      : [node("p", say("nobody_did"), { class: "quiet" })]));
    find("state").className = view.lag_seconds > 5 ? "late" : "quiet";
    find("state").textContent = view.lag_seconds > 5
      ? say("is_late", { lag: span(view.lag_seconds) }) : say("as_of", { at: moment(view.at) });
    show(true);
  } catch (problem) {
    if (problem.status === 401 || problem.status === 403) signIn(problem.message);
    else tell(problem);
  }
}

function show(open) {
  find("content").hidden = !open;
  find("leave").hidden = !open;
  find("sign-in").hidden = open;
}

function signIn(refused) {
  sessionStorage.removeItem(KEY);
  show(false);
  find("state").textContent = "";
  find("refused").hidden = !refused;
  find("refused").textContent = refused ? say("refused") : "";
  find("key").focus();
}

function speak() {
  document.documentElement.lang = language;
  document.title = `${say("title")} · Tamaru`;
  for (const each of document.querySelectorAll("[data-ja]")) each.textContent = each.dataset[language];
  const other = LANGUAGES.find((each) => each !== language);
  find("language").textContent = words[other].itself;
  find("language").lang = other;
}

find("sign-in").addEventListener("submit", (event) => {
  event.preventDefault();
  sessionStorage.setItem(KEY, find("key").value.trim());
  find("key").value = "";
  refresh();
});
find("leave").addEventListener("click", () => signIn());
find("language").addEventListener("click", () => {
  language = LANGUAGES.find((each) => each !== language);
  localStorage.setItem(LANGUAGE, language);
  speak();
  refresh();
});
find("more").addEventListener("click", async () => find("items").append(...(await items(place))));
find("subject").addEventListener("change", refresh);

speak();
refresh();
setInterval(() => { if (!document.hidden && !find("ask").open && !find("content").hidden) refresh(); }, EVERY_MS);
