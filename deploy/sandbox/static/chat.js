// Draws the chat: what arrived on the left, what the user did on the right.

import { byId, element } from "./api.js";
import { drawBubble, drawContainer } from "./flex.js";

const KINDS = { reply: "返信", push: "プッシュ", multicast: "一斉" };
const NOTICES = {
  follow: "友だちになりました · Followed",
  unfollow: "ブロックしました · Blocked",
};
const time = (at) => new Date(at * 1000).toLocaleTimeString("ja-JP", { hour: "2-digit", minute: "2-digit" });

export function clearChat() {
  byId("chat").replaceChildren();
  byId("quick").replaceChildren();
  byId("quick").hidden = true;
}

export function showItems(items, account, act) {
  const chat = byId("chat");
  for (const item of items) {
    chat.append(item.from === "account" ? received(item, account, act) : done(item));
    showQuickReplies(item.from === "account" ? item.messages.at(-1)?.quickReply?.items ?? [] : [], act);
  }
  if (items.length) chat.scrollTop = chat.scrollHeight;
}

function done(item) {
  const notice = NOTICES[item.kind] ?? (item.kind === "scan" ? `読み取り · ${item.text}` : null);
  if (notice) return element("li", "notice", notice);
  if (!item.text) return element("li", "notice", "メニューをタップ · Tapped");
  const row = element("li", "sent");
  row.append(element("div", "bubble", item.text), element("span", "when", time(item.at)));
  return row;
}

function received(item, account, act) {
  const row = element("li", "got");
  const stack = element("div", "stack");
  for (const message of item.messages) stack.append(drawMessage(message, act));
  const when = element("span", "when");
  when.append(element("b", "", KINDS[item.kind]), time(item.at));
  row.append(element("span", "avatar tiny", [...account][0]), stack, when);
  return row;
}

function drawMessage(message, act) {
  if (message.type === "text" || message.type === "textV2") return bubble(message.text, act);
  if (message.type === "flex") return drawContainer(message.contents, act);
  if (message.type === "template") return template(message.template, act);
  if (message.type === "image") return image(message.previewImageUrl);
  return element("div", "bubble", message.altText ?? message.title ?? `[${message.type}]`);
}

function image(url) {
  return drawBubble({ hero: { type: "image", url, size: "full", aspectRatio: "1:1", aspectMode: "cover" } }, () => {});
}

function template(content, act) {
  const columns = content.columns ?? [content];
  const row = element("div", columns.length > 1 ? "flex-carousel" : "");
  for (const column of columns) {
    const card = element("article", "flex-bubble template");
    if (column.title) card.append(element("strong", "", column.title));
    card.append(element("p", "", column.text ?? ""));
    for (const action of column.actions ?? [column.action]) card.append(actionButton(action, "flex-button", act));
    row.append(card);
  }
  return row;
}

function actionButton(action, className, act) {
  const button = element("button", className, action.label ?? "");
  button.type = "button";
  button.addEventListener("click", () => act(action));
  return button;
}

// Addresses in a text can be tapped, as in the app.
function bubble(text, act) {
  const node = element("div", "bubble");
  for (const part of text.split(/(https?:\/\/[^\s<>"'、。)」]+)/)) {
    if (/^https?:\/\//.test(part)) {
      node.append(actionButton({ type: "uri", uri: part, label: part }, "", act));
    } else {
      node.append(part);
    }
  }
  return node;
}

function showQuickReplies(items, act) {
  const bar = byId("quick");
  bar.replaceChildren(...items.map((item) => actionButton(item.action, "", act)));
  bar.hidden = items.length === 0;
}
