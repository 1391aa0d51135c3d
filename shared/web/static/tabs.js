// Tabs that find no room: the one that is open is in sight, and an edge fades where there are more.

function fade(tabs) {
  const rest = tabs.scrollWidth - tabs.clientWidth - tabs.scrollLeft;
  tabs.classList.toggle("more-before", tabs.scrollLeft > 1);
  tabs.classList.toggle("more-after", rest > 1);
}

for (const tabs of document.querySelectorAll(".tabs")) {
  const here = tabs.querySelector("[aria-current]") ?? tabs;
  const [all, one] = [tabs, here].map((each) => each.getBoundingClientRect());
  tabs.scrollLeft = one.left - all.left - (all.width - one.width) / 2;
  tabs.addEventListener("scroll", () => fade(tabs), { passive: true });
  new ResizeObserver(() => fade(tabs)).observe(tabs);
}
