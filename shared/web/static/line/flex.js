// Draws Flex messages closely enough to judge them by eye. Everything is made of nodes and text,
// never of markup, and every value that becomes a style is checked first: a message is hostile input.

import { element } from "./element.js";

const STEP = { none: "0", xs: "2px", sm: "4px", md: "8px", lg: "12px", xl: "16px", xxl: "20px" };
const FONT = { xxs: 11, xs: 13, sm: 14, md: 16, lg: 19, xl: 22, xxl: 29, "3xl": 35, "4xl": 48, "5xl": 74 };
const IMAGE = { xxs: 40, xs: 60, sm: 80, md: 100, lg: 120, xl: 140, xxl: 160, "3xl": 180, "4xl": 200, "5xl": 220 };
const BORDER = { none: "0", light: ".5px", normal: "1px", medium: "2px", "semi-bold": "3px", bold: "4px" };
const EDGE = { start: "flex-start", end: "flex-end", center: "center", top: "flex-start", bottom: "flex-end" };
const JUSTIFY = ["center", "flex-start", "flex-end", "space-between", "space-around", "space-evenly"];
const ALIGN = ["center", "flex-start", "flex-end"];
const SIZES = ["nano", "micro", "deca", "hecto", "kilo", "mega", "giga"];
const DEEPEST = 60;

const own = (table, key) => (Object.hasOwn(table, key ?? "") ? table[key] : undefined);
const one = (values, value) => (values.includes(value) ? value : undefined);
const pixels = (value) => (/^-?\d{1,5}(\.\d+)?px$/.test(value ?? "") ? value : undefined);
const length = (value) => pixels(value) ?? (/^\d{1,4}(\.\d+)?%$/.test(value ?? "") ? value : undefined);
const space = (value) => own(STEP, value) ?? length(value);
const font = (value) => (own(FONT, value) ? `${FONT[value]}px` : pixels(value));
export const color = (value) => (/^#[0-9A-Fa-f]{6}([0-9A-Fa-f]{2})?$/.test(value ?? "") ? value : undefined);

export function ratio(value, otherwise) {
  const found = /^(\d{1,6}(?:\.\d+)?):(\d{1,6}(?:\.\d+)?)$/.exec(value ?? "");
  return found ? `${found[1]} / ${found[2]}` : otherwise;
}

export function style(node, values) {
  for (const [name, value] of Object.entries(values)) {
    if (value !== undefined) node.style.setProperty(name, String(value));
  }
  return node;
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

// Images of a shop may not be reachable from here: a quiet placeholder takes their place.
export function picture(url, className) {
  const node = element("img", className);
  node.alt = "";
  node.referrerPolicy = "no-referrer";
  node.loading = "lazy";
  node.addEventListener("error", () => {
    const missing = element("div", `${className} flex-missing`, "画像 · image");
    missing.style.cssText = node.style.cssText;
    node.replaceWith(missing);
  }, { once: true });
  if (/^https:/i.test(url ?? "")) node.src = url;
  else queueMicrotask(() => node.dispatchEvent(new Event("error")));
  return node;
}

function words(node, component) {
  return style(node, {
    color: color(component.color),
    "font-size": font(component.size),
    "font-weight": { bold: "700", regular: "400" }[component.weight],
    "font-style": component.style === "italic" ? "italic" : undefined,
    "text-decoration": { underline: "underline", "line-through": "line-through" }[component.decoration],
  });
}

// `shrink-to-fit`: smaller until it fits, but still to be read.
function shrink(node) {
  requestAnimationFrame(() => {
    let size = parseFloat(getComputedStyle(node).fontSize);
    while (size > 6 && node.scrollWidth > node.clientWidth) node.style.setProperty("font-size", `${(size -= 1)}px`);
  });
}

function drawText(component, act) {
  const node = element("div", "flex-text");
  const inner = words(element("p", component.wrap ? "wrap" : ""), component);
  if (Array.isArray(component.contents)) {
    for (const span of component.contents) inner.append(words(element("span", "", span?.text ?? ""), span ?? {}));
  } else {
    inner.textContent = component.text ?? "";
  }
  const lines = Number.isInteger(component.maxLines) && component.maxLines > 0 ? component.maxLines : undefined;
  if (component.wrap && lines) inner.classList.add("clamped");
  style(inner, {
    "text-align": one(["start", "end", "center"], component.align),
    "-webkit-line-clamp": component.wrap ? lines : undefined,
    "line-height": pixels(component.lineSpacing) ? `calc(1.4em + ${component.lineSpacing})` : undefined,
  });
  style(node, { "justify-content": own(EDGE, component.gravity) });
  if (component.adjustMode === "shrink-to-fit" && !component.wrap) shrink(inner);
  node.append(inner);
  return tappable(node, component, act);
}

function drawButton(component, act) {
  const kind = one(["primary", "secondary", "link"], component.style) ?? "link";
  const small = component.height === "sm" ? " sm" : "";
  const node = element("div", "flex-buttoned");
  const button = element("button", `flex-button ${kind}-style${small}`, component.action?.label ?? "");
  button.type = "button";
  style(button, kind === "link" ? { color: color(component.color) } : { "background-color": color(component.color) });
  style(node, { "justify-content": own(EDGE, component.gravity) });
  if (component.adjustMode === "shrink-to-fit") shrink(button);
  button.addEventListener("click", (event) => {
    event.stopPropagation();
    act(component.action);
  });
  node.append(button);
  return node;
}

function drawImage(component, act) {
  const node = element("div", "flex-pictured");
  const size = component.size ?? "md";
  const image = picture(component.url, `flex-image${component.aspectMode === "cover" ? " cover" : ""}`);
  style(image, {
    width: size === "full" ? "100%" : length(size) ?? `${own(IMAGE, size) ?? 100}px`,
    "aspect-ratio": ratio(component.aspectRatio, "1 / 1"),
    "background-color": color(component.backgroundColor),
  });
  style(node, {
    "align-items": own(EDGE, component.align),
    "justify-content": own(EDGE, component.gravity),
  });
  node.append(image);
  return tappable(node, component, act);
}

function drawIcon(component) {
  const height = font(component.size) ?? "16px";
  return style(picture(component.url, "flex-icon"), { height, "aspect-ratio": ratio(component.aspectRatio, "1 / 1") });
}

// The poster stands for the video: nothing plays here.
function drawVideo(component, act) {
  const node = element("div", "flex-video");
  const poster = style(picture(component.previewUrl, "flex-image cover"), { "aspect-ratio": ratio(component.aspectRatio, "1 / 1") });
  node.append(poster, element("span", "play", "▶"));
  if (component.action?.label) {
    const button = element("button", "flex-button link-style sm", component.action.label);
    button.type = "button";
    button.addEventListener("click", () => act(component.action));
    node.append(button);
  }
  return node;
}

function background(shade) {
  if (shade?.type !== "linearGradient" || !/^\d{1,3}(\.\d+)?deg$/.test(shade.angle ?? "")) return undefined;
  const [start, end, center] = [color(shade.startColor), color(shade.endColor), color(shade.centerColor)];
  if (!start || !end) return undefined;
  const middle = center ? `, ${center} ${length(shade.centerPosition) ?? "50%"}` : "";
  return `linear-gradient(${shade.angle}, ${start}${middle}, ${end})`;
}

function drawBox(component, act, depth) {
  const layout = one(["horizontal", "vertical", "baseline"], component.layout) ?? "vertical";
  const node = element("div", `flex-box ${layout}`);
  const border = own(BORDER, component.borderWidth) ?? pixels(component.borderWidth);
  style(node, {
    "align-items": one(ALIGN, component.alignItems),
    "justify-content": one(JUSTIFY, component.justifyContent),
    "background-color": color(component.backgroundColor),
    background: background(component.background),
    "border-style": border ? "solid" : undefined,
    "border-width": border,
    "border-color": border ? color(component.borderColor) ?? "#000000" : undefined,
    "border-radius": space(component.cornerRadius),
    overflow: component.cornerRadius ? "hidden" : undefined,
    width: length(component.width),
    height: length(component.height),
    "max-width": length(component.maxWidth),
    "max-height": length(component.maxHeight),
    padding: space(component.paddingAll),
    "padding-top": space(component.paddingTop),
    "padding-bottom": space(component.paddingBottom),
    "padding-inline-start": space(component.paddingStart),
    "padding-inline-end": space(component.paddingEnd),
  });
  let first = true;
  for (const child of Array.isArray(component.contents) ? component.contents : []) {
    node.append(place(draw(child, act, depth + 1), child ?? {}, component, layout, first));
    if (child?.position !== "absolute") first = false;
  }
  return tappable(node, component, act);
}

// A child within its box: its weight, the space before it, its offset.
function place(node, child, parent, layout, first) {
  const column = layout === "vertical";
  const before = first ? undefined : space(child.margin) ?? space(parent.spacing);
  const absolute = child.position === "absolute";
  style(node, {
    [column ? "margin-top" : "margin-inline-start"]: absolute ? undefined : before,
    flex: weight(child, column),
    position: absolute ? "absolute" : undefined,
    top: space(child.offsetTop),
    bottom: space(child.offsetBottom),
    "inset-inline-start": space(child.offsetStart),
    "inset-inline-end": space(child.offsetEnd),
  });
  if (child.type === "separator") node.classList.add(column ? "across" : "upright");
  return node;
}

function weight(child, column) {
  if (["separator", "icon"].includes(child.type)) return "none";
  if (length(child.width) && !column) return "none";
  const given = Number.isInteger(child.flex) && child.flex >= 0 ? child.flex : undefined;
  if (column) return given ? `${given} 0 auto` : child.type === "filler" && given === undefined ? "1 0 0px" : "none";
  return given === 0 ? "0 0 auto" : `${given ?? 1} 1 0px`;
}

const DRAW = {
  box: drawBox,
  text: drawText,
  button: drawButton,
  image: drawImage,
  icon: drawIcon,
  video: drawVideo,
  filler: () => element("div"),
  separator: (component) => style(element("div", "flex-separator"), { "background-color": color(component.color) }),
};

function draw(component, act, depth) {
  const known = depth < DEEPEST ? own(DRAW, component?.type) : undefined;
  return known ? known(component, act, depth) : element("div", "flex-missing", String(component?.type ?? "?"));
}

export function drawBubble(bubble, act) {
  const size = one(SIZES, bubble?.size) ?? "mega";
  const node = element("article", `flex-bubble ${size}`);
  node.dir = bubble?.direction === "rtl" ? "rtl" : "ltr";
  let before = false;
  for (const part of ["header", "hero", "body", "footer"]) {
    const content = bubble?.[part];
    if (!content) continue;
    const look = bubble.styles?.[part] ?? {};
    if (look.separator && before) node.append(style(element("div", "flex-separator across"), { "background-color": color(look.separatorColor) }));
    const drawn = draw(content, act, 0);
    drawn.classList.add("flex-block", part);
    style(drawn, { "background-color": color(content.backgroundColor) ?? color(look.backgroundColor) });
    node.append(drawn);
    before = true;
  }
  return tappable(node, bubble ?? {}, act);
}

export function drawContainer(contents, act) {
  if (contents?.type !== "carousel") return drawBubble(contents, act);
  const row = element("div", "flex-carousel");
  row.tabIndex = 0;
  for (const bubble of Array.isArray(contents.contents) ? contents.contents : []) row.append(drawBubble(bubble, act));
  return row;
}
