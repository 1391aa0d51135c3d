// The rich menu under the chat: its image with tappable areas, opened and closed by the chat bar.

import { byId, element } from "./api.js";
import { areasOver } from "./line/messages.js";

let shown = null;

export function prepareMenu() {
  byId("chat-bar").addEventListener("click", () => open(byId("rich-menu").hidden));
}

// A menu that is new on this phone opens if it says so; one that stays keeps as it is.
export function showMenu(menu, act) {
  const changed = shown !== (menu?.richMenuId ?? null);
  byId("plain-menu").hidden = menu !== null;
  byId("chat-bar").hidden = menu === null;
  if (!changed) return;
  shown = menu?.richMenuId ?? null;
  const frame = byId("rich-menu");
  frame.replaceChildren();
  if (menu === null) {
    frame.hidden = true;
    return;
  }
  byId("chat-bar-text").textContent = menu.chatBarText;
  frame.style.setProperty("aspect-ratio", `${menu.size.width} / ${menu.size.height}`);
  const image = element("img");
  image.alt = menu.name;
  image.src = menu.image;
  frame.append(image);
  areasOver(frame, menu.areas, menu.size, act);
  open(menu.selected);
}

function open(wanted) {
  byId("rich-menu").hidden = !wanted;
  byId("chat-bar").setAttribute("aria-expanded", String(wanted));
  const chat = byId("chat");
  chat.scrollTop = chat.scrollHeight;
}

// What a postback may ask for beside its data.
export function obey(inputOption, fillInText) {
  if (inputOption === "closeRichMenu") open(false);
  if (inputOption === "openRichMenu" && shown) open(true);
  if (inputOption === "openKeyboard") {
    byId("words").value = fillInText ?? "";
    byId("words").focus();
  }
}
