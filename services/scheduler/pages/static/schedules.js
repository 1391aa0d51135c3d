// What is due, drawn from the API as whoever is signed in. Builds nodes, never HTML.
import { api, ask as confirmed } from "/static/shared/page.js";
import { words } from "./words.js";

const EVERY_MS = 10_000;
const find = (id) => document.getElementById(id);
const { lang: language } = document.documentElement;
const may = Boolean(find("content").dataset.may); // change things, not only look

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

// What happens daily, which is the usual, in words; anything else as it was set.
function times(cron) {
  const daily = /^(\d{1,2}) (\d{1,2}) \* \* \*$/.exec(cron);
  return daily ? say("daily", { at: `${daily[2].padStart(2, "0")}:${daily[1].padStart(2, "0")}` }) : node("code", cron);
}

const MARKS = { active: "good", paused: "warn", held: "warn", broken: "bad", due: "bad" };
const call = (path, method = "GET") => api(method, `/v1/schedules${path}`);

function ask(question, yes) {
  find("question").textContent = question;
  find("yes").textContent = yes;
  return confirmed(find("ask"));
}

function act(name, path, { question, method = "POST", plain = true } = {}) {
  if (!may) return null;
  return node("button", say(name), { type: "button", class: plain ? "button plain" : "button", async onclick(event) {
    if (question && !(await ask(question, say(name)))) return;
    event.target.disabled = true;
    try {
      await call(path, method);
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
    node("div", [node("h3", words[language].names[each.name] ?? each.name), node("span", say(each.status), { class: `badge ${MARKS[each.status] ?? ""}` })], { class: "card-head" }),
    each.problem ? node("p", each.problem, { class: "problem" }) : null,
    node("dl", [
      node("dt", say("times")), node("dd", [times(each.cron), ` ${each.time_zone}`]),
      node("dt", say("last")), node("dd", last ? `${moment(last.fired_at)} ${last.asked_by ? say("by_hand") : ""}` : say("never")),
      last && !last.asked_by ? node("dt", say("lag")) : null,
      last && !last.asked_by ? node("dd", span(last.lag_seconds), { class: last.lag_seconds > 60 ? "late" : null }) : null,
      node("dt", say("next")), node("dd", each.status === "paused" ? say("not_while_paused") : moment(each.next_at)),
      each.lag_seconds > 5 ? node("dt", say("overdue")) : null,
      each.lag_seconds > 5 ? node("dd", span(each.lag_seconds), { class: "late" }) : null,
    ], { class: "facts" }),
    node("div", [
      act("run", `${path}/run`, { question: say("ask_run"), plain: false }),
      each.status === "paused" ? act("resume", `${path}/resume`) : act("pause", `${path}/pause`, { question: say("ask_pause") }),
    ], { class: "actions" }),
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
      node("div", [node("strong", moment(each.due_at)), " ", node("span", say(each.status), { class: `badge ${MARKS[each.status] ?? ""}` })]),
      node("code", each.key), node("div", each.event_type, { class: "quiet" }),
    ]),
    node("div", [
      act("run", path("/run"), { question: say("ask_run_item") }),
      each.status === "held" ? act("resume", path("/resume")) : act("pause", path("/pause")),
      act("cancel", path(""), { method: "DELETE", question: say("ask_cancel") }),
    ], { class: "actions" }),
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
    find("content").hidden = false;
  } catch (problem) {
    tell(problem);
  }
}

find("more").addEventListener("click", async () => find("items").append(...(await items(place))));
find("subject").addEventListener("change", refresh);
refresh();
setInterval(() => { if (!document.hidden && !find("ask").open) refresh(); }, EVERY_MS);
