// Draws the chat: what arrived on the left, what the user did on the right.

import { byId, element } from "./api.js";
import { actionButton, drawMessage } from "./line/messages.js";
import { lang, t } from "./words.js";

const KINDS = {
  reply: t("返信", "Reply"),
  push: t("プッシュ", "Push"),
  multicast: t("一斉", "Multicast"),
  broadcast: t("全員", "Broadcast"),
  narrowcast: t("絞込", "Narrowcast"),
};
const WIDE = ["flex", "template", "imagemap"];
const NOTICES = {
  follow: t("友だちになりました", "Now friends"),
  unfollow: t("ブロックしました", "Blocked"),
};
const time = (at) => new Date(at * 1000).toLocaleTimeString(lang === "en" ? "en-GB" : "ja-JP", { hour: "2-digit", minute: "2-digit" });

export function clearChat() {
  byId("chat").replaceChildren();
  byId("quick").replaceChildren();
  byId("quick").hidden = true;
}

export function showItems(items, account, act) {
  const chat = byId("chat");
  for (const item of items) {
    const tap = (bubble) => (action) => act(action, { number: item.number, bubble });
    chat.append(item.from === "account" ? received(item, account, tap) : done(item));
    showQuickReplies(item.from === "account" ? item.messages.at(-1)?.quickReply?.items ?? [] : [], act);
  }
  if (items.length) chat.scrollTop = chat.scrollHeight;
}

function done(item) {
  const notice = NOTICES[item.kind] ?? (item.kind === "scan" ? `${t("読み取り", "Scanned")} · ${item.text}` : null);
  if (notice) return element("li", "notice", notice);
  if (!item.text) return element("li", "notice", t("メニューをタップ", "Tapped the menu"));
  const row = element("li", "sent");
  row.append(element("div", "bubble", item.text), element("span", "when", time(item.at)));
  return row;
}

function received(item, account, tap) {
  const wide = item.messages.some((message) => WIDE.includes(message.type));
  const row = element("li", wide ? "got wide" : "got");
  const stack = element("div", "stack");
  item.messages.forEach((message, index) => stack.append(drawn(message, tap(index + 1))));
  const when = element("span", "when");
  when.append(element("b", "", KINDS[item.kind] ?? item.kind), time(item.at));
  row.append(element("span", "avatar tiny", [...account][0]), stack, when);
  return row;
}

// Another name may speak for the account.
function drawn(message, act) {
  const node = drawMessage(message, act);
  if (!message.sender?.name) return node;
  const group = element("div", "spoken");
  group.append(element("small", "", message.sender.name), node);
  return group;
}

function showQuickReplies(items, act) {
  const bar = byId("quick");
  bar.replaceChildren(...items.map((item) => actionButton(item.action, "", act)));
  bar.hidden = items.length === 0;
}
