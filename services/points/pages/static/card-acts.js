// What members do on their card: look at it large, scan a visit, read on in the history, tell about
// themselves, bring an old card, take a copy of their data, leave.

const LOOK_MS = 1_000;
let card = null; // what card.js lends: ask, refresh, view …

const line = () => card.view.querySelector("#mine [role=status]");

function say(word, link) {
  line().replaceChildren(line().dataset[word] ?? "", ...(link ? [" ", link] : []));
}

function tell(place, text, kind) {
  place.textContent = text;
  place.className = `told ${kind}`;
  place.hidden = !text;
}

// Large, on white

function enlarge() {
  const dialog = document.getElementById("bright");
  dialog.replaceChildren(document.getElementById("bright-page").content.cloneNode(true));
  const digits = card.view.querySelector(".digits").textContent;
  const follow = () => {
    const { qr } = card.pictures();
    if (qr) dialog.querySelector(".bright-qr").replaceChildren(qr.cloneNode(true));
    dialog.classList.toggle("stale", card.view.querySelector("#qr").classList.contains("stale"));
  };
  follow();
  dialog.querySelector(".bright-bars").replaceChildren(card.pictures().bars.cloneNode(true));
  dialog.querySelector(".bright-bars").setAttribute("aria-label", digits);
  dialog.querySelector(".bright-digits").textContent = digits;
  dialog.querySelector(".tick").prepend(card.view.querySelector(".ring").cloneNode(true));
  card.onCode(follow);
  let lock = null;
  navigator.wakeLock?.request("screen").then((given) => { lock = given; }, () => {});
  dialog.addEventListener("click", (event) => { if (event.target.closest("[data-close]")) dialog.close(); });
  dialog.addEventListener("close", () => {
    card.onCode(null);
    lock?.release();
    dialog.replaceChildren();
  }, { once: true });
  dialog.showModal();
}

// A visit

async function scan() {
  const { value } = await liff.scanCodeV2();
  if (!value) return;
  const page = await card.ask("/card/visit", { code: value.slice(0, 300), act: crypto.getRandomValues(new Uint32Array(4)).join("-") });
  const fresh = document.createElement("template");
  fresh.innerHTML = page; // our own, escaped on the server
  const result = fresh.content.querySelector("[data-result]");
  const words = [...result.querySelectorAll("h1, .gain, p:not(:has(a)):not(.mark)")];
  const counted = result.dataset.result === "counted";
  tell(document.getElementById("told"), words.slice(0, counted ? 3 : 2).map((each) => each.textContent.trim()).join(" · "), counted ? "good" : "bad");
  if (counted) await card.refresh();
}

// The history

async function older(button) {
  const { before, filter } = button.dataset;
  const page = await card.ask(`/card/history?filter=${filter}&before=${before}`);
  const fresh = document.createElement("template");
  fresh.innerHTML = page; // our own, escaped on the server
  const first = fresh.content.querySelector("summary");
  button.closest(".more").replaceWith(fresh.content);
  first?.focus();
}

async function filter(button) {
  const page = await card.ask(`/card/history?filter=${button.dataset.filter}`);
  document.getElementById("entries").innerHTML = page; // our own, escaped on the server
  for (const each of button.parentElement.children) each.setAttribute("aria-pressed", String(each === button));
}

// Data and leaving

async function takeCopy() {
  say("busy");
  const { id } = JSON.parse(await card.ask("/card/exports", {}));
  for (;;) {
    const text = await card.ask(`/card/exports/${id}`);
    const { status } = JSON.parse(text);
    if (status !== "assembling") { offer(text, status); return; }
    await new Promise((done) => setTimeout(done, LOOK_MS));
  }
}

function offer(text, status) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  link.download = "tamaru.json";
  link.textContent = line().dataset.save;
  say(status === "complete" ? "ready" : "partial", link);
}

async function leave(button) {
  const page = await card.ask("/card/leave", { points: Number(button.dataset.points) });
  card.forget();
  card.view.innerHTML = page; // our own, escaped on the server
  window.scrollTo(0, 0);
}

// Forms

async function profile(form) {
  const place = form.querySelector("[data-told]");
  const { name, birthday, gender, area, consent } = form.elements;
  const filled = [name, birthday, gender, area].some((each) => each.value);
  if (!consent.checked && filled && !form.dataset.sure) {
    form.dataset.sure = "1"; // what was told would be deleted: asked for once more
    tell(place, place.dataset.withdraw, "bad");
    return;
  }
  const body = { name: name.value, gender: gender.value, area: area.value, consent: consent.checked };
  if (!birthday.disabled) body.birthday = birthday.value || null;
  const page = await card.ask("/card/profile", body);
  form.parentElement.innerHTML = page; // our own, escaped on the server
}

async function oldCard(form) {
  const fields = Object.fromEntries(new FormData(form));
  await card.ask("/card/old-card", fields);
  location.reload();
}

async function submit(form) {
  const place = form.querySelector("[data-told]");
  const button = form.querySelector("[type=submit]");
  button.disabled = true;
  tell(place, "", "");
  try {
    await (form.dataset.form === "profile" ? profile(form) : oldCard(form));
  } catch (error) {
    tell(place, error.problem?.detail ?? line().dataset.failed, "bad");
  } finally {
    button.disabled = false;
  }
}

const ACTS = {
  bright: enlarge,
  scan,
  older,
  filter,
  export: takeCopy,
  ask: async () => { card.view.querySelector("#mine .question").innerHTML = await card.ask("/card/leave"); },
  stay: async () => { card.view.querySelector("#mine .question").replaceChildren(); },
  leave,
  language: (button) => {
    document.cookie = `lang=${button.dataset.lang}; path=/; max-age=31536000; samesite=lax`;
    location.reload();
  },
};

async function press(button) {
  button.disabled = true;
  try {
    say("");
    await ACTS[button.dataset.act](button);
  } catch (error) {
    const word = error.reason === "points-changed" ? "changed" : "failed";
    if (button.closest("#mine")) say(word);
    else tell(document.getElementById("told"), line().dataset[word], "bad");
    if (word === "changed") await ACTS.ask().catch(() => {});
  } finally {
    button.disabled = false;
  }
}

async function load(details) {
  const place = details.querySelector(".lazy");
  try {
    place.innerHTML = await card.ask(place.dataset.load); // our own, escaped on the server
  } catch {
    place.textContent = line().dataset.failed;
  }
}

export function perform(event, lent) {
  card = lent;
  if (event.type === "submit") return submit(event.target);
  if (event.type === "toggle") return load(event.target);
  return press(event.target.closest("button[data-act]"));
}
