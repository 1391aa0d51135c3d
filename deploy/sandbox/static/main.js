// The page: who holds the phone, what they do, and the stream that brings what happens.

import { byId, call, element, get, post } from "./api.js";
import { liffAddress, openCard, openSheet, prepareSheet, setSheetUser } from "./card.js";
import { clearChat, showItems } from "./chat.js";
import { prepareFaults, showQuota } from "./faults.js";
import { clearLog, showLines } from "./log.js";
import { pick, preparePicker } from "./picker.js";
import { obey, prepareMenu, showMenu } from "./richmenu.js";
import { forgetCard, learnCard, prepareTill } from "./till.js";
import { choose, t, translate } from "./words.js";

const KEY = "sandbox-user";
let about = null;
let user = null;
let stream = null;

async function start() {
  translate();
  showClock();
  about = await get("/sandbox/about");
  for (const node of document.querySelectorAll("[data-account-name]")) node.textContent = about.account;
  for (const node of document.querySelectorAll("[data-account-initial]")) node.textContent = [...about.account][0];
  document.title = `${about.account} · Tamaru ${t("サンドボックス", "Sandbox")}`;
  prepareDoors();
  prepareSheet(about);
  prepareTill(about.till);
  prepareMenu();
  preparePicker();
  prepareFaults();
  listen();
  const wanted = location.hash.slice(1) || sessionStorage.getItem(KEY);
  const known = await listUsers();
  const chosen = known.find((one) => one.user_id === wanted) ?? known[0];
  if (chosen) hold(chosen.user_id);
  else showJoin();
}

function listen() {
  byId("join").addEventListener("submit", guarded(join));
  byId("follow").addEventListener("click", guarded(() => act("follow")));
  byId("block").addEventListener("click", guarded(() => act("unfollow")));
  byId("new-user").addEventListener("click", showJoin);
  byId("users").addEventListener("change", (event) => hold(event.target.value));
  byId("language").addEventListener("change", guarded(changeLanguage));
  byId("say").addEventListener("submit", guarded(sayTyped));
  byId("menu-card").addEventListener("click", openCard);
  byId("menu-points").addEventListener("click", guarded(() => say("ポイント")));
  byId("menu-why").addEventListener("click", guarded(() => say("なぜ？")));
}

// The shop's own pages, and the switch of the language.
function prepareDoors() {
  byId("door-counter").href = `${about.shop_url}/counter`;
  byId("door-console").href = `${about.shop_url}/console`;
  byId("tongue").textContent = t("English", "日本語");
  byId("tongue").lang = t("en", "ja");
  byId("tongue").addEventListener("click", () => choose(t("en", "ja")));
}

function showClock() {
  byId("clock").textContent = new Date().toLocaleTimeString("ja-JP", { hour: "numeric", minute: "2-digit" });
  setTimeout(showClock, 15_000);
}

const guarded = (work) => async (event) => {
  event.preventDefault();
  try {
    await work(event);
  } catch (error) {
    byId("chat").append(element("li", "notice", error.message));
  }
};

const act = (what, body) => post(`/sandbox/users/${user.user_id}/${what}`, body);
const say = (text) => act("say", { text });

async function sayTyped() {
  const text = byId("words").value;
  if (!text) return;
  byId("words").value = "";
  await say(text);
}

async function changeLanguage() {
  if (user) await call("PATCH", `/sandbox/users/${user.user_id}`, { language: byId("language").value || null });
}

async function join() {
  const made = await post("/sandbox/users", { name: byId("name").value });
  await post(`/sandbox/users/${made.user_id}/follow`);
  hold(made.user_id);
}

// What a tapped button, link, quick reply or area of a menu does. `where` is the message it was in.
function perform(action, where) {
  const work = {
    message: () => say(action.text),
    postback: () => postback(action),
    uri: () => openUri(action.uri, where),
    clipboard: () => navigator.clipboard.writeText(action.clipboardText),
    datetimepicker: () => chooseTime(action),
    richmenuswitch: () => act("switch", { alias: action.richMenuAliasId, data: action.data ?? "" }),
  };
  const known = Object.hasOwn(work, action?.type ?? "") ? work[action.type] : null;
  if (known) Promise.resolve(known()).catch((error) => byId("chat").append(element("li", "notice", error.message)));
}

async function postback(action) {
  await act("tap", { data: action.data, display_text: action.displayText ?? action.text ?? "" });
  obey(action.inputOption, action.fillInText);
}

async function chooseTime(action) {
  const params = await pick(action);
  if (params) await act("tap", { data: action.data, params });
}

function openUri(uri, where) {
  if (where?.number) act("click", { ...where, url: uri }).catch(() => {});
  const address = liffAddress(uri);
  if (address) openSheet(address);
  else if (/^https?:/i.test(uri)) window.open(uri, "_blank", "noopener,noreferrer");
}

function showJoin() {
  stream?.close();
  user = null;
  clearChat();
  byId("join").hidden = false;
  byId("block").hidden = byId("again").hidden = byId("foot").hidden = true;
}

async function listUsers() {
  const { items } = await get("/sandbox/users");
  byId("users").replaceChildren(...items.map((one) => {
    const option = element("option", "", `${one.name}${one.blocked ? t("(ブロック中)", " (blocked)") : ""}`);
    option.value = one.user_id;
    option.selected = one.user_id === user?.user_id;
    return option;
  }));
  if (!items.length) byId("users").append(element("option", "", t("まだだれもいません", "Nobody yet")));
  byId("users").disabled = !items.length;
  return items;
}

function hold(userId) {
  user = { user_id: userId };
  sessionStorage.setItem(KEY, userId);
  byId("join").hidden = true;
  setSheetUser(userId);
  clearChat();
  clearLog();
  forgetCard();
  stream?.close();
  stream = new EventSource(`/sandbox/users/${userId}/live`);
  stream.onmessage = (event) => receive(JSON.parse(event.data));
  // The sandbox forgets everything when it restarts, so this user may be gone.
  stream.onerror = () => { if (stream.readyState === EventSource.CLOSED) showJoin(); };
}

function receive(news) {
  const changed = user.following !== news.user.following;
  user = news.user;
  if (changed) listUsers();
  if (document.activeElement !== byId("language")) byId("language").value = user.language ?? "";
  byId("block").hidden = !user.following;
  byId("foot").hidden = user.blocked;
  byId("again").hidden = !user.blocked;
  showItems(news.timeline, about.account, perform);
  showLines(news.log);
  showMenu(news.menu, perform);
  showQuota(news.quota);
  if (news.timeline.some((item) => item.from === "account")) look();
  learnCard(user.user_id, news.timeline);
}

// What this phone shows has been opened, if anybody looks at it.
function look() {
  if (document.visibilityState === "visible") act("look").catch(() => {});
  else document.addEventListener("visibilitychange", look, { once: true });
}

start();
