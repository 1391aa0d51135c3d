// Both languages side by side: `t("会員", "Members")` in scripts, `data-en` beside the Japanese in
// the page. Which one: what was chosen on any page of this host, else what the browser prefers.

const chosen = /(?:^|; )lang=(ja|en)/.exec(document.cookie)?.[1];
export const lang = chosen ?? (navigator.language.toLowerCase().startsWith("en") ? "en" : "ja");

export const t = (ja, en) => (lang === "en" ? en : ja);
export const number = (value) => Number(value).toLocaleString(lang);

const ATTRIBUTES = { enLabel: "aria-label", enHint: "placeholder", enTitle: "title" };

// Puts the page itself into the reader's language.
export function translate() {
  document.documentElement.lang = lang;
  if (lang !== "en") return;
  for (const node of document.querySelectorAll("[data-en]")) node.textContent = node.dataset.en;
  for (const [name, attribute] of Object.entries(ATTRIBUTES)) {
    const marked = name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    for (const node of document.querySelectorAll(`[data-${marked}]`)) node.setAttribute(attribute, node.dataset[name]);
  }
}

export function choose(language) {
  document.cookie = `lang=${language}; path=/; max-age=31536000; samesite=lax`;
  location.reload();
}
