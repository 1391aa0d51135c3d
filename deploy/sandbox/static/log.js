// The log beside the phone: newest first, bounded. A line opens to what was said, word for word,
// and to what LINE's rules say of it.

import { byId, element, get } from "./api.js";
import { t } from "./words.js";

const KEPT = 200;

export function clearLog() {
  byId("log").dataset.empty = t("まだ何もありません", "Nothing yet");
  byId("log").replaceChildren();
}

export function showLines(lines) {
  const log = byId("log");
  for (const line of lines) log.prepend(row(line));
  while (log.children.length > KEPT) log.lastChild.remove();
}

function row(line) {
  const item = element("li");
  const head = element("button", "head");
  head.type = "button";
  head.setAttribute("aria-expanded", "false");
  const time = new Date(line.at * 1000).toLocaleTimeString("ja-JP", { hour12: false, hour: "2-digit", minute: "2-digit", second: "2-digit" });
  const arrow = element("span", "arrow", line.direction === "out" ? "→" : "←");
  arrow.title = line.direction === "out" ? t("LINE から店へ", "LINE to the shop") : t("店から LINE へ", "The shop to LINE");
  const words = element("span", "words", line.brief);
  if (line.errors) words.prepend(element("b", "mark error", `✕ ${line.errors}`));
  if (line.warnings) words.prepend(element("b", "mark warning", `! ${line.warnings}`));
  head.append(
    element("span", "time", time), arrow, element("span", "", line.name),
    element("span", line.outcome.startsWith("2") ? "ok" : "bad", line.outcome), words,
  );
  head.title = `${line.method} ${line.path} ${line.brief}`.trim();
  head.addEventListener("click", () => toggle(item, head, line.number));
  item.append(head);
  return item;
}

async function toggle(item, head, number) {
  const opened = item.querySelector(".detail");
  head.setAttribute("aria-expanded", String(!opened));
  if (opened) {
    opened.remove();
    return;
  }
  const entry = await get(`/sandbox/log/${number}`).catch((error) => ({ brief: error.message }));
  if (!item.querySelector(".detail")) item.append(detail(entry));
}

function detail(entry) {
  const node = element("div", "detail");
  node.append(element("p", "call", `${entry.method ?? ""} ${entry.path ?? ""}`));
  if (entry.findings?.length) {
    const list = element("ul", "findings");
    for (const found of entry.findings) {
      const one = element("li", found.level);
      one.append(element("code", "", found.property || "(body)"), ` ${found.message}`);
      list.append(one);
    }
    node.append(list);
  } else if (entry.direction === "in" && entry.body) {
    node.append(element("p", "fine", t("LINE の決まりに合っています", "Within LINE's rules")));
  }
  for (const [title, content] of [[t("送ったもの", "Body"), entry.body], [t("答え", "Answer"), entry.answer]]) {
    if (content === null || content === undefined) continue;
    node.append(element("h3", "", title), element("pre", "", JSON.stringify(content, null, 2)));
  }
  return node;
}
