// Draws messages of every kind but Flex: texts, stickers, media, imagemaps and templates.

import { element } from "./element.js";
import { color, drawContainer, picture, ratio, style } from "./flex.js";

const DRAW = {
  text: (message, act) => bubble(withEmojis(message), act),
  textV2: (message, act) => bubble(substituted(message), act),
  flex: (message, act) => drawContainer(message.contents, act),
  template: (message, act) => template(message.template ?? {}, act),
  sticker: (message) => element("div", "sticker", `スタンプ ${message.packageId} / ${message.stickerId}`),
  image: (message) => media(message.previewImageUrl ?? message.originalContentUrl, ""),
  video: (message) => media(message.previewImageUrl, "▶"),
  audio: (message) => element("div", "bubble", `♪ ${Math.round((message.duration ?? 0) / 1000)} s`),
  location: location,
  imagemap: imagemap,
  coupon: (message) => element("div", "bubble", `クーポン · coupon ${message.couponId}`),
};

export function drawMessage(message, act) {
  const known = Object.hasOwn(DRAW, message.type) ? DRAW[message.type] : null;
  return known ? known(message, act) : element("div", "bubble", message.altText ?? `[${message.type}]`);
}

export function actionButton(action, className, act) {
  const button = element("button", className, action?.label ?? "");
  button.type = "button";
  button.addEventListener("click", () => act(action));
  return button;
}

// LINE puts an emoji in place of each $ that is named; here a face stands for it.
function withEmojis({ text = "", emojis }) {
  let words = text;
  for (const { index } of [...(emojis ?? [])].sort((a, b) => b.index - a.index)) {
    if (words[index] === "$") words = `${words.slice(0, index)}☺${words.slice(index + 1)}`;
  }
  return words;
}

function substituted({ text = "", substitution }) {
  return text.replace(/\{\{|\}\}|\{(\w+)\}/g, (whole, name) => {
    if (whole === "{{") return "{";
    if (whole === "}}") return "}";
    const put = Object.hasOwn(substitution ?? {}, name) ? substitution[name] : null;
    if (put?.type === "emoji") return "☺";
    if (put?.type === "mention") return put.mentionee?.type === "all" ? "@All" : `@${name}`;
    return whole;
  });
}

// Addresses in a text can be tapped, as in the app.
function bubble(text, act) {
  const node = element("div", "bubble");
  for (const part of text.split(/(https?:\/\/[^\s<>"'、。)」]+)/)) {
    if (/^https?:\/\//.test(part)) node.append(actionButton({ type: "uri", uri: part, label: part }, "", act));
    else node.append(part);
  }
  return node;
}

function media(url, sign) {
  const node = element("div", "media");
  node.append(picture(url, "flex-image cover"));
  if (sign) node.append(element("span", "play", sign));
  return node;
}

function location(message) {
  const node = element("div", "bubble place");
  node.append(element("strong", "", message.title ?? ""), element("span", "", message.address ?? ""),
    element("small", "", `${message.latitude}, ${message.longitude}`));
  return node;
}

const percent = (part, whole) => `${Math.max(0, Math.min(100, (100 * part) / whole)) || 0}%`;

// Tappable areas over a picture, each where LINE would have it.
export function areasOver(node, areas, size, tap) {
  for (const { bounds, action } of areas) {
    const button = element("button", "area");
    button.type = "button";
    button.setAttribute("aria-label", String(action.label ?? action.displayText ?? action.text ?? action.type));
    style(button, {
      left: percent(bounds.x, size.width), top: percent(bounds.y, size.height),
      width: percent(bounds.width, size.width), height: percent(bounds.height, size.height),
    });
    button.addEventListener("click", () => tap(action));
    node.append(button);
  }
  return node;
}

function imagemap(message, act) {
  const node = element("div", "imagemap");
  const size = message.baseSize ?? { width: 1040, height: 1040 };
  const shape = `${Number(size.width) || 1} / ${Number(size.height) || 1}`;
  node.append(style(picture(`${message.baseUrl}/1040`, "flex-image cover"), { "aspect-ratio": shape }));
  const areas = (message.actions ?? []).map((action) => ({
    bounds: action.area ?? {},
    action: action.type === "uri" ? { ...action, uri: action.linkUri } : action,
  }));
  return areasOver(node, areas, size, act);
}

function template(content, act) {
  if (content.type === "image_carousel") return imageCarousel(content, act);
  const columns = content.columns ?? [content];
  const row = element("div", columns.length > 1 ? "flex-carousel" : "");
  for (const column of columns) row.append(card(column, content, act));
  return row;
}

function card(column, content, act) {
  const node = element("article", `flex-bubble template ${content.type === "confirm" ? "confirm" : ""}`);
  if (column.thumbnailImageUrl) {
    const shape = content.imageAspectRatio === "square" ? "1:1" : "1.51:1";
    const cover = content.imageSize === "contain" ? "" : " cover";
    node.append(style(picture(column.thumbnailImageUrl, `flex-image${cover}`), {
      width: "100%", "aspect-ratio": ratio(shape), "background-color": color(column.imageBackgroundColor),
    }));
  }
  const words = element("div", "words");
  if (column.title) words.append(element("strong", "", column.title));
  words.append(element("p", "", column.text ?? ""));
  if (column.defaultAction) {
    words.classList.add("tappable");
    words.addEventListener("click", () => act(column.defaultAction));
  }
  const actions = element("div", "actions");
  for (const action of column.actions ?? []) actions.append(actionButton(action, "flex-button link-style", act));
  node.append(words, actions);
  return node;
}

function imageCarousel(content, act) {
  const row = element("div", "flex-carousel");
  for (const column of content.columns ?? []) {
    const node = element("article", "flex-bubble tile tappable");
    node.append(style(picture(column.imageUrl, "flex-image cover"), { width: "100%", "aspect-ratio": "1 / 1" }));
    if (column.action?.label) node.append(element("span", "label", column.action.label));
    node.addEventListener("click", () => act(column.action));
    row.append(node);
  }
  return row;
}
