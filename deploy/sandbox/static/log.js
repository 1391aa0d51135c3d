// The log beside the phone: newest first, bounded.

import { byId, element } from "./api.js";

const KEPT = 200;

export const clearLog = () => byId("log").replaceChildren();

export function showLines(lines) {
  const log = byId("log");
  for (const line of lines) log.prepend(row(line));
  while (log.children.length > KEPT) log.lastChild.remove();
}

function row(line) {
  const good = line.outcome.startsWith("2");
  const item = element("li");
  const time = new Date(line.at * 1000).toLocaleTimeString("ja-JP", { hour12: false, hour: "2-digit", minute: "2-digit", second: "2-digit" });
  const arrow = element("span", "arrow", line.direction === "out" ? "→" : "←");
  arrow.title = line.direction === "out" ? "LINE から店へ / to the shop" : "店から LINE へ / to LINE";
  item.append(
    element("span", "time", time), arrow, element("span", "", line.name),
    element("span", good ? "ok" : "bad", line.outcome), element("span", "words", line.brief),
  );
  item.lastChild.title = line.brief;
  return item;
}
