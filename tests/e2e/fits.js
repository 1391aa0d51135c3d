// What somebody would call broken at a glance, one line each: text that is cut off or runs out of
// the page, things that lie over one another, places that scroll sideways without being meant to.
// An expression: its value is the lines.
(() => {
  const LOOSE = 1.5; // CSS pixels that nobody sees
  const CONTROLS = "button, input, select, textarea, summary, a[href]";
  const found = new Set();

  const name = (node) => {
    const kind = node.tagName.toLowerCase() + (node.id ? `#${node.id}` : "") + [...node.classList].map((each) => `.${each}`).join("");
    return `${kind} "${(node.textContent || node.value || node.name || "").trim().replace(/\s+/g, " ").slice(0, 40)}"`;
  };
  const shown = (node) => node.checkVisibility({ opacityProperty: true, visibilityProperty: true, contentVisibilityAuto: true });
  const ancestors = function* (node) { for (let each = node; each; each = each.parentElement) yield each; };
  const layerOf = (node) => {
    for (const each of ancestors(node)) if (["fixed", "sticky"].includes(getComputedStyle(each).position) || each.matches("dialog, [role=dialog]")) return each;
    return document.body;
  };
  const cut = (a, b) => ({ left: Math.max(a.left, b.left), right: Math.min(a.right, b.right), top: Math.max(a.top, b.top), bottom: Math.min(a.bottom, b.bottom) });

  // What is left of a box within everything that clips it; complains where a word is cut by design of nobody.
  const within = (node, box) => {
    let left = { left: box.left, right: box.right, top: box.top, bottom: box.bottom };
    for (const each of ancestors(node)) {
      const style = getComputedStyle(each);
      if (each !== document.documentElement && each !== document.body && style.overflow !== "visible" && style.display !== "inline") {
        const frame = each.getBoundingClientRect();
        const scrolls = /auto|scroll/.test(style.overflowX + style.overflowY);
        const meant = style.textOverflow === "ellipsis" || style.webkitLineClamp !== "none" || frame.width < 2;
        if (!scrolls && !meant && (left.right > frame.right + LOOSE || left.left < frame.left - LOOSE)) found.add(`cut off by ${name(each).split(" ")[0]}: ${name(node)}`);
        if (scrolls) left.scrolled = true;
        left = { ...left, ...cut(left, frame) };
      }
      if (style.position === "fixed") break;
    }
    return left;
  };

  // A sign may stand in the padding of a field: what is typed never comes there.
  const inside = (node, box) => {
    if (!node.matches("input, select, textarea")) return box;
    const style = getComputedStyle(node);
    const [left, right] = [box.left + parseFloat(style.paddingLeft), box.right - parseFloat(style.paddingRight)];
    return { left, right, top: box.top, bottom: box.bottom, width: right - left, height: box.height };
  };

  const things = [];
  const add = (node, box, text) => {
    if (box.width < 2 || box.height < 2) return;
    const left = within(node, box);
    const edge = document.documentElement.clientWidth;
    if (!left.scrolled && (left.right > edge + LOOSE || left.left < -LOOSE)) found.add(`beyond the edge: ${name(node)}`);
    const thin = text ? (left.bottom - left.top) * 0.25 : LOOSE; // a font's box is higher than its letters
    const seen = { node, layer: layerOf(node), left: left.left + LOOSE, right: left.right - LOOSE, top: left.top + thin, bottom: left.bottom - thin };
    if (seen.right > seen.left && seen.bottom > seen.top) things.push(seen);
  };
  const words = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (words.nextNode()) {
    const { parentElement: node, data } = words.currentNode;
    if (!data.trim() || !shown(node) || node.closest("script, style, svg, option, noscript")) continue;
    const range = document.createRange();
    range.selectNodeContents(words.currentNode);
    for (const box of range.getClientRects()) add(node, box, true);
  }
  const boxed = (node) => node.localName !== "a" || getComputedStyle(node).display !== "inline"; // else it is text
  for (const node of document.querySelectorAll(CONTROLS)) if (shown(node) && boxed(node)) for (const box of node.getClientRects()) add(node, inside(node, box), false);

  things.sort((a, b) => a.top - b.top);
  things.forEach((a, at) => {
    for (let next = at + 1; next < things.length && things[next].top < a.bottom; next += 1) {
      const b = things[next];
      if (a.layer !== b.layer || a.node.contains(b.node) || b.node.contains(a.node)) continue;
      const both = cut(a, b);
      if (both.right > both.left && both.bottom > both.top) found.add(`one over the other: ${name(a.node)} / ${name(b.node)}`);
    }
  });

  for (const node of [document.documentElement, ...document.querySelectorAll("main, section, ol, ul, li, form, table, dialog[open]")]) {
    const scrolls = [...ancestors(node)].some((each) => each !== document.documentElement && /auto|scroll/.test(getComputedStyle(each).overflowX));
    if (!scrolls && node.scrollWidth > node.clientWidth + 1 && node.clientWidth > 0) {
      found.add(`scrolls sideways (${node.scrollWidth} > ${node.clientWidth}): ${name(node)}`);
    }
  }
  return [...found].join("\n");
})()
