// Controls that a thumb would miss: less than 44 CSS pixels high. A link inside a text is text, and
// a box to tick is as large as its label. LINE's own messages are as LINE draws them. An expression:
// its value is the lines.
(() => {
  const LEAST = 44 - 0.5;
  const small = [...document.querySelectorAll("button, select, summary, textarea, input:not([type=hidden]), a.button, nav a")].filter((node) => {
    if (node.closest(".flex-bubble") || !node.checkVisibility({ opacityProperty: true, visibilityProperty: true })) return false;
    const touched = node.matches("[type=checkbox], [type=radio]") ? node.closest("label") ?? node : node;
    const box = touched.getBoundingClientRect();
    return box.width > 1 && box.height < LEAST;
  });
  return small.map((node) => `too small to touch (${Math.round(node.getBoundingClientRect().height)}): ${node.localName}${node.id ? `#${node.id}` : ""}.${[...node.classList].join(".")} "${(node.textContent || node.name || "").trim().slice(0, 40)}"`).join("\n");
})()
