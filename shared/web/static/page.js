// What all pages do: forms that go to the API, dialogs, toasts, the session that is kept alive.
//
//   <form data-api="POST /v1/members/{id}/adjustments" data-done="reload">
// sends its fields as JSON. `{name}` in the address is taken from the field of that name. A field
// `a.b` is put into the object `a`; `data-type` says what the API gets (integer, boolean, list …).
// `data-done`: reload · stay · go:/address/{id} (filled from the answer) · event:name (on the form).
// `data-ask="dialog-id"` asks in that dialog first. `data-headers='{"If-Match": "3"}'` adds headers.

const RENEW_MS = 4 * 60 * 1000;
const TOAST_MS = 5000;
const words = document.querySelector(".toasts");
let csrf = document.querySelector("meta[name=csrf]")?.content ?? "";
let working = 0;

/** A new UUID. The browser's own `crypto.randomUUID` is there on HTTPS and localhost only. */
export function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  [bytes[6], bytes[8]] = [(bytes[6] & 0x0f) | 0x40, (bytes[8] & 0x3f) | 0x80]; // version 4
  const digits = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

/** What the API refused: `status`, `reason` (the type's last word), `detail`, `errors`. */
export class Refused extends Error {
  constructor(status, body) {
    super(body.detail ?? words.dataset.undone);
    Object.assign(this, { status, body, errors: body.errors ?? [] });
    this.reason = String(body.type ?? "").split(":").pop();
  }
}

/** Say something at the foot of the page for a moment. */
export function toast(text, kind = "") {
  const line = document.createElement("p");
  line.className = `toast ${kind}`;
  line.textContent = text;
  words.append(line);
  setTimeout(() => line.remove(), TOAST_MS);
}

function busy(change) {
  working += change;
  document.body.classList.toggle("busy", working > 0);
}

/** The session's CSRF token as it is now, for calls whose answer comes in parts. */
export const csrfToken = () => csrf;

/** Renew the session; false when it has ended. */
export async function renew() {
  const answer = await fetch("/session/renew", { method: "POST", headers: { "X-CSRF-Token": csrf } });
  if (!answer.ok) return false;
  const given = await answer.json().catch(() => ({}));
  if (given.csrf) csrf = given.csrf;
  return true;
}

function signIn() {
  location.assign(`/session/renew?next=${encodeURIComponent(location.pathname + location.search)}`);
}

/** Call the API as whoever is signed in. `key` names the act: repeat with the same one. */
export async function api(method, address, body, { key = newId(), headers = {} } = {}) {
  const send = () => {
    const given = { Accept: "application/json", "X-CSRF-Token": csrf, ...headers };
    if (method === "POST") given["Idempotency-Key"] = key;
    if (body !== undefined && !(body instanceof Blob)) given["Content-Type"] = "application/json";
    const content = body === undefined || body instanceof Blob ? body : JSON.stringify(body);
    return fetch(address, { method, headers: given, body: content });
  };
  busy(1);
  try {
    let answer = await send();
    if (answer.status === 401 && (await renew())) answer = await send();
    if (answer.status === 401) {
      toast(words.dataset.ended, "bad");
      signIn();
    }
    const text = await answer.text();
    const json = text && answer.headers.get("content-type")?.includes("json") ? JSON.parse(text) : null;
    if (!answer.ok) throw new Refused(answer.status, json ?? {});
    return json ?? text;
  } finally {
    busy(-1);
  }
}

/** A moment on the clock of `zone` (`2026-11-28T14:05`), as RFC 3339 in UTC. */
export function momentIn(text, zone) {
  const wanted = Date.parse(`${text}Z`);
  const shows = (moment) => {
    const form = new Intl.DateTimeFormat("sv-SE", { timeZone: zone, dateStyle: "short", timeStyle: "medium" });
    return Date.parse(`${form.format(moment).replace(" ", "T")}Z`);
  };
  let moment = wanted;
  for (let turn = 0; turn < 2; turn += 1) moment += wanted - shows(moment); // twice: clocks may change between
  return new Date(moment).toISOString();
}

const READ = {
  integer: (text) => (/^[-−]?[\d,]+$/.test(text) ? Number(text.replaceAll(",", "").replace("−", "-")) : text),
  decimal: (text) => text,
  list: (text) => text.split(/[\n,、]/).map((each) => each.trim()).filter(Boolean),
  json: (text) => JSON.parse(text),
  moment: (text, field) => momentIn(text, field.dataset.zone),
};

function put(into, path, value) {
  const names = path.split(".");
  const last = names.pop();
  const place = names.reduce((object, name) => (object[name] ??= {}), into);
  if (last.endsWith("[]")) (place[last.slice(0, -2)] ??= []).push(value);
  else place[last] = value;
}

/** A form's fields as the API wants them; fields named `a[]` make a list. */
export function fieldsOf(form) {
  const found = {};
  for (const field of form.elements) {
    const { name, type, disabled, dataset } = field;
    if (!name || disabled || (type === "radio" && !field.checked)) continue;
    if (name.endsWith("[]")) put(found, name, undefined); // there, if only as an empty list
    const kind = dataset.type ?? "";
    if (type === "checkbox") {
      if (kind === "boolean") put(found, name, field.checked);
      else if (field.checked) put(found, name, field.value);
      continue;
    }
    const text = field.value.trim();
    const plain = kind.replace("?", "");
    if (text === "") {
      if (kind.endsWith("?")) put(found, name, plain === "list" ? [] : null);
      continue;
    }
    put(found, name, READ[plain] ? READ[plain](text, field) : text);
  }
  const given = (value) => (Array.isArray(value) ? value.filter((each) => each !== null) : value);
  return JSON.parse(JSON.stringify(found), (_, value) => given(value));
}

function clear(form) {
  for (const field of form.querySelectorAll("[aria-invalid]")) field.removeAttribute("aria-invalid");
  for (const line of form.querySelectorAll("[data-error]")) line.textContent = "";
  const line = form.querySelector("[data-problem]");
  if (line) line.hidden = true;
}

function blame(form, error) {
  const rest = [];
  for (const { path, message } of error.errors) {
    const line = [...form.querySelectorAll("[data-error]")].find(
      (each) => each.dataset.error === path || path.startsWith(`${each.dataset.error}.`));
    if (!line) { rest.push(path ? `${path}: ${message}` : message); continue; }
    line.textContent = message;
    form.elements[line.dataset.error]?.setAttribute?.("aria-invalid", "true");
  }
  const marked = error.errors.length > rest.length;
  const text = marked && !rest.length ? words.dataset.check : [error.message, ...rest].join("\n");
  const line = form.querySelector("[data-problem]");
  if (line) { line.textContent = text; line.hidden = false; line.scrollIntoView({ block: "nearest" }); } else toast(text, "bad");
  form.querySelector("[aria-invalid]")?.focus();
}

function filled(address, values, taken = []) {
  return address.replace(/\{(\w+)\}/g, (_, name) => {
    taken.push(name);
    return encodeURIComponent(values[name] ?? "");
  });
}

function done(form, answer) {
  const { done: then = "reload", said } = form.dataset;
  if (then === "reload") { sessionStorage.setItem("said", said ?? words.dataset.saved); location.reload(); return; }
  if (then.startsWith("go:")) { location.assign(filled(then.slice(3), answer ?? {})); return; }
  form.closest("dialog")?.close();
  toast(said ?? words.dataset.saved);
  if (then.startsWith("event:")) form.dispatchEvent(new CustomEvent(then.slice(6), { bubbles: true, detail: answer }));
}

async function submit(form, button) {
  const [method, address] = form.dataset.api.split(" ");
  const fields = fieldsOf(form);
  const taken = [];
  const path = filled(address, fields, taken);
  for (const name of taken) delete fields[name];
  form.dataset.key ??= newId(); // the same act until it is answered
  clear(form);
  button?.setAttribute("aria-busy", "true");
  form.inert = true;
  try {
    const headers = JSON.parse(form.dataset.headers ?? "{}");
    const body = method === "DELETE" || form.dataset.body === "none" ? undefined : fields;
    const answer = await api(method, path, body, { key: form.dataset.key, headers });
    delete form.dataset.key;
    delete form.dataset.changed;
    done(form, answer);
  } catch (error) {
    form.inert = false;
    if (error instanceof Refused) {
      if (error.status < 500) delete form.dataset.key;
      if (error.status !== 401) blame(form, error);
    } else if (error instanceof TypeError) toast(words.dataset.offline, "bad");
    else throw error;
  } finally {
    form.inert = false;
    button?.removeAttribute("aria-busy");
  }
}

/** Ask in a dialog; true when its button with `value="yes"` closed it. */
export function ask(dialog) {
  return new Promise((answer) => {
    dialog.returnValue = "";
    dialog.addEventListener("close", () => answer(dialog.returnValue === "yes"), { once: true });
    dialog.showModal();
  });
}

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!form.dataset?.api || event.defaultPrevented) return;
  event.preventDefault();
  const question = form.dataset.ask && document.getElementById(form.dataset.ask);
  if (question && !(await ask(question))) return;
  await submit(form, event.submitter);
});

document.addEventListener("change", (event) => {
  if (event.target.matches?.("[data-submit-on-change]")) event.target.form.requestSubmit();
});
document.addEventListener("input", (event) => {
  const form = event.target.closest?.("form[data-guard]");
  if (form) form.dataset.changed = "";
});
window.addEventListener("beforeunload", (event) => {
  if (document.querySelector("form[data-guard][data-changed]")) event.preventDefault();
});

async function copy(button) {
  if (navigator.clipboard) await navigator.clipboard.writeText(button.dataset.copy);
  else copySelected(button); // on plain HTTP there is no clipboard
  toast(words.dataset.copied);
}

function copySelected(button) {
  const field = Object.assign(document.createElement("textarea"), { value: button.dataset.copy });
  button.after(field); // within the dialog, if it is in one
  field.select();
  document.execCommand("copy");
  field.remove();
  button.focus();
}

async function signOut() {
  await fetch("/session/end", { method: "POST", headers: { "X-CSRF-Token": csrf } });
  location.assign("/sign-in");
}

function menu(open) {
  document.body.classList.toggle("menu-open", open);
  document.querySelector("[data-menu]")?.setAttribute("aria-expanded", String(open));
}

document.addEventListener("click", (event) => {
  const target = event.target.closest?.("button:is([data-open], [data-close], [data-copy], [data-language], [data-sign-out], [data-menu])");
  if (!event.target.closest?.(".menu")) for (const each of document.querySelectorAll("details.menu[open]")) each.open = false;
  if (document.body.classList.contains("menu-open") && !event.target.closest?.(".side, [data-menu]")) menu(false);
  if (!target) return;
  const { open, language } = target.dataset;
  if (open) document.getElementById(open)?.showModal();
  else if ("close" in target.dataset) target.closest("dialog").close();
  else if ("copy" in target.dataset) copy(target);
  else if ("signOut" in target.dataset) signOut();
  else if ("menu" in target.dataset) menu(!document.body.classList.contains("menu-open"));
  else if (language) {
    document.cookie = `lang=${language}; path=/; max-age=31536000; samesite=lax`;
    location.reload();
  }
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  menu(false);
  for (const each of document.querySelectorAll("details.menu[open]")) each.open = false;
});

document.addEventListener("htmx:configRequest", (event) => { event.detail.headers["X-CSRF-Token"] = csrf; });
document.addEventListener("htmx:beforeRequest", () => busy(1));
document.addEventListener("htmx:afterRequest", () => busy(-1));
document.addEventListener("htmx:sendError", () => toast(words.dataset.offline, "bad"));
document.addEventListener("htmx:responseError", async (event) => {
  const { status } = event.detail.xhr;
  if (event.detail.elt.closest("[data-optional]")) return; // a part that may be absent
  if (status !== 401) toast(words.dataset.undone, "bad");
  else if (await renew()) window.htmx.trigger(event.detail.elt, event.detail.requestConfig.triggeringEvent?.type ?? "load");
  else signIn();
});

if (csrf) setInterval(() => { if (!document.hidden) renew().catch(() => {}); }, RENEW_MS);
const said = sessionStorage.getItem("said");
if (said) { sessionStorage.removeItem("said"); toast(said); }
