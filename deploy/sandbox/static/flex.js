// Draws Flex messages. What comes in is hostile: text goes in as text, every style value is
// checked against a pattern first, and nothing is ever parsed as HTML.

import { element } from "./api.js";

const SPACE = { none: "0", xs: "2px", sm: "4px", md: "8px", lg: "12px", xl: "16px", xxl: "20px" };
const FONT = { xxs: 11, xs: 12, sm: 13, md: 15, lg: 17, xl: 20, xxl: 24, "3xl": 28, "4xl": 34, "5xl": 42 };
const IMAGE = { xxs: 40, xs: 60, sm: 80, md: 100, lg: 120, xl: 140, xxl: 160, "3xl": 180, "4xl": 200, "5xl": 220 };
const EDGE = { start: "flex-start", end: "flex-end", center: "center", top: "flex-start", bottom: "flex-end" };
const BORDER = { none: "0", light: ".5px", normal: "1px", medium: "2px", "semi-bold": "3px", bold: "4px" };

const pixels = (value) => (/^-?\d+(\.\d+)?px$/.test(value ?? "") ? value : undefined);
const length = (value) => pixels(value) ?? (/^\d+(\.\d+)?%$/.test(value ?? "") ? value : undefined);
const space = (value) => SPACE[value] ?? length(value);
const color = (value) => (/^#[0-9A-Fa-f]{6}([0-9A-Fa-f]{2})?$/.test(value ?? "") ? value : undefined);

function style(node, values) {
  for (const [name, value] of Object.entries(values)) {
    if (value !== undefined) node.style.setProperty(name, String(value));
  }
}

function tappable(node, component, act) {
  if (!component.action) return node;
  node.classList.add("tappable");
  node.addEventListener("click", (event) => {
    event.stopPropagation();
    act(component.action);
  });
  return node;
}

function words(node, component) {
  style(node, {
    color: color(component.color),
    "font-size": FONT[component.size] ? `${FONT[component.size]}px` : pixels(component.size),
    "font-weight": component.weight === "bold" ? "700" : undefined,
    "font-style": component.style === "italic" ? "italic" : undefined,
    "text-decoration": { underline: "underline", "line-through": "line-through" }[component.decoration],
  });
  return node;
}

const DRAW = {
  text(component, act) {
    const node = words(element("div", `flex-text${component.wrap ? " wrap" : ""}`), component);
    style(node, { "text-align": { start: "left", end: "right", center: "center" }[component.align] });
    if (Array.isArray(component.contents)) {
      for (const span of component.contents) node.append(words(element("span", "", span.text ?? ""), span));
    } else {
      node.textContent = component.text ?? "";
    }
    return tappable(node, component, act);
  },
  button(component, act) {
    const kind = component.style ? ` ${component.style}-style` : "";
    const label = component.action?.label ?? "";
    const node = element("button", `flex-button${kind}${component.height === "sm" ? " sm" : ""}`, label);
    node.type = "button";
    style(node, component.style && component.style !== "link"
      ? { "background-color": color(component.color) }
      : { color: color(component.color) });
    node.addEventListener("click", () => act(component.action));
    return node;
  },
  separator(component) {
    const node = element("div", "flex-separator");
    style(node, { "background-color": color(component.color) });
    return node;
  },
  filler: () => element("div"),
  image(component, act) {
    const node = element("img", `flex-image${component.aspectMode === "cover" ? " cover" : ""}`);
    const ratio = /^(\d+(?:\.\d+)?):(\d+(?:\.\d+)?)$/.exec(component.aspectRatio ?? "1:1");
    const size = component.size ?? "md";
    style(node, {
      width: size === "full" ? "100%" : length(size) ?? `${IMAGE[size] ?? 100}px`,
      "aspect-ratio": ratio ? `${ratio[1]} / ${ratio[2]}` : undefined,
      "background-color": color(component.backgroundColor),
    });
    return tappable(picture(node, component.url), component, act);
  },
  icon(component) {
    const node = element("img", "flex-icon");
    style(node, { height: `${FONT[component.size] ?? 15}px` });
    return picture(node, component.url);
  },
  video: (component, act) => draw(component.altContent ?? { type: "filler" }, act),
  box(component, act) {
    const node = element("div", "flex-box");
    const column = component.layout === "vertical";
    style(node, {
      "flex-direction": column ? "column" : "row",
      "align-items": EDGE[component.alignItems] ?? component.alignItems ?? (component.layout === "baseline" ? "baseline" : undefined),
      "justify-content": /^[a-z-]+$/.test(component.justifyContent ?? "") ? component.justifyContent : undefined,
      gap: space(component.spacing),
      "background-color": color(component.backgroundColor),
      "border-color": color(component.borderColor),
      "border-style": component.borderWidth ? "solid" : undefined,
      "border-width": BORDER[component.borderWidth] ?? pixels(component.borderWidth) ?? "0",
      "border-radius": space(component.cornerRadius),
      width: length(component.width),
      height: length(component.height),
      "max-width": length(component.maxWidth),
      "max-height": length(component.maxHeight),
      padding: space(component.paddingAll),
      "padding-top": space(component.paddingTop),
      "padding-bottom": space(component.paddingBottom),
      "padding-left": space(component.paddingStart),
      "padding-right": space(component.paddingEnd),
    });
    const shade = component.background;
    if (shade?.type === "linearGradient" && /^\d{1,3}(\.\d+)?deg$/.test(shade.angle) && color(shade.startColor) && color(shade.endColor)) {
      style(node, { background: `linear-gradient(${shade.angle}, ${shade.startColor}, ${shade.endColor})` });
    }
    for (const child of component.contents ?? []) node.append(place(draw(child, act), child, column, component));
    return tappable(node, component, act);
  },
};

// Images of a shop may not be reachable from here: a quiet placeholder takes their place.
function picture(node, url) {
  node.alt = "";
  node.referrerPolicy = "no-referrer";
  node.addEventListener("error", () => node.replaceWith(element("div", "flex-missing", "画像 · image")), { once: true });
  if (/^https:/i.test(url ?? "")) node.src = url;
  return node;
}

function place(node, child, column, parent) {
  const grows = Number.isInteger(child.flex) ? child.flex : undefined;
  const sideways = !column && ["text", "box", "image", "filler", "button"].includes(child.type);
  style(node, {
    [column ? "margin-top" : "margin-left"]: space(child.margin),
    flex: grows === 0 ? "0 0 auto" : grows ? `${grows} 1 0` : sideways && !child.width ? (parent.layout === "baseline" && child.type === "icon" ? "none" : "1 1 0") : undefined,
    position: child.position === "absolute" ? "absolute" : undefined,
    top: space(child.offsetTop), bottom: space(child.offsetBottom),
    left: space(child.offsetStart), right: space(child.offsetEnd),
    "align-self": !column && EDGE[child.gravity] ? EDGE[child.gravity] : undefined,
  });
  if (child.type === "separator") style(node, column ? { height: "1px" } : { width: "1px" });
  return node;
}

function draw(component, act) {
  const known = Object.hasOwn(DRAW, component?.type ?? "") ? DRAW[component.type] : null;
  return known ? known(component, act) : element("div", "flex-missing", String(component?.type ?? "?"));
}

export function drawBubble(bubble, act) {
  const node = element("article", `flex-bubble ${/^[a-z]+$/.test(bubble.size ?? "") ? bubble.size : ""}`);
  for (const part of ["header", "hero", "body", "footer"]) {
    if (!bubble[part]) continue;
    const block = element("div", `flex-block ${part}`);
    style(block, { "background-color": color(bubble.styles?.[part]?.backgroundColor) });
    if (bubble[part].paddingAll) style(block, { padding: "0" });
    block.append(draw(bubble[part], act));
    node.append(block);
  }
  return tappable(node, bubble, act);
}

export function drawContainer(contents, act) {
  if (contents.type !== "carousel") return drawBubble(contents, act);
  const row = element("div", "flex-carousel");
  for (const bubble of contents.contents) row.append(drawBubble(bubble, act));
  return row;
}
