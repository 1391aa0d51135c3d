// Misfortunes by hand: each fault a control with what it does, and the month's messages as they go.

import { byId, call, element, get } from "./api.js";
import { number, t } from "./words.js";

const SHARES = [
  ["status_500", "500 を返す", "Answers 500", "LINE の障害。メッセージは送られません。", "LINE is down; nothing is sent."],
  ["status_429", "429(回数の上限)", "Answers 429, rate", "呼び出しが多すぎます。送られません。", "Too many calls; nothing is sent."],
  ["timeout", "時間切れ", "Times out", "答えがなく、切れます。半分は送られています。", "No answer, then dropped; half of them were sent."],
  ["lost_response", "答えが失われる", "Loses the answer", "送られたのに、答えの前に切れます。", "Sent, but the connection drops before the answer."],
  ["slow", "答えが遅い", "Answers late", "送られ、答えは二秒遅れます。", "Sent, and answered two seconds later."],
  ["duplicate", "Webhook が二度届く", "Duplicates webhooks", "同じイベントを二回送ります。", "The same event is sent twice."],
  ["reorder", "Webhook の順が入れ替わる", "Reorders webhooks", "その人の次のイベントの後に送ります。", "Held back behind the user's next one."],
  ["redeliver", "Webhook を再送する", "Redelivers webhooks", "届いたのに、もう一度送ります。", "It arrived, and is sent again as a redelivery."],
];
const CHOICES = [[0, t("なし", "Off")], [0.1, "10 %"], [0.5, "50 %"], [1, "100 %"]];
let current = {};

export async function prepareFaults() {
  byId("fault-list").replaceChildren(...SHARES.map(control));
  byId("all-off").addEventListener("click", () => put({}));
  byId("monthly").addEventListener("change", (event) => put({ ...chosen(), monthly_limit: numberOf(event.target) }));
  byId("rate").addEventListener("change", (event) => put({ ...chosen(), ...rateOf(event.target.value) }));
  byId("plan").addEventListener("change", (event) => call("PUT", "/sandbox/quota", { plan: numberOf(event.target) }));
  show(await get("/sandbox/faults"));
}

export function showQuota(quota) {
  const { used, limit, plan } = quota;
  const meter = byId("quota-meter");
  byId("quota-words").textContent = limit === null
    ? t(`${number(used)} 通(上限なし)`, `${number(used)} (no limit)`)
    : t(`${number(used)} / ${number(limit)} 通`, `${number(used)} of ${number(limit)}`);
  meter.hidden = limit === null;
  meter.max = Math.max(limit ?? 1, 1);
  meter.value = Math.min(used, meter.max);
  if (document.activeElement !== byId("plan")) byId("plan").value = plan ?? "";
}

function control([name, japanese, english, effect, effectInEnglish]) {
  const row = element("div", "fault");
  const label = element("label", "", t(japanese, english));
  label.htmlFor = `fault-${name}`;
  const select = element("select");
  select.id = `fault-${name}`;
  for (const [share, words] of CHOICES) {
    const option = element("option", "", words);
    option.value = share;
    select.append(option);
  }
  select.addEventListener("change", () => put({ ...chosen(), [name]: Number(select.value) }));
  row.append(label, select, element("p", "", t(effect, effectInEnglish)));
  return row;
}

// What is in force and may be sent again: `rate_limit` is left out for LINE's own figures.
function chosen() {
  const { rate_limit: rate, ...rest } = current;
  return rate === "line" ? rest : { ...rest, rate_limit: rate };
}

const numberOf = (field) => (field.value === "" ? null : Math.max(0, Math.trunc(Number(field.value))));
const rateOf = (value) => ({ rate_limit: value === "off" ? null : value === "line" ? undefined : Number(value) });

async function put(faults) {
  show(await call("PUT", "/sandbox/faults", faults));
}

function show(faults) {
  current = faults;
  for (const [name] of SHARES) {
    const select = byId(`fault-${name}`);
    const share = faults[name];
    if (![...select.options].some((option) => Number(option.value) === share)) {
      const option = element("option", "", `${share * 100} %`);
      option.value = share;
      select.append(option);
    }
    select.value = String(share);
    select.closest(".fault").classList.toggle("on", share > 0);
  }
  byId("monthly").value = faults.monthly_limit ?? "";
  const rate = faults.rate_limit;
  byId("rate").value = rate === null ? "off" : ["line", 1].includes(rate) ? String(rate) : "line";
}
