// The settings of messages: what depends on a choice is asked for only then.

for (const part of document.querySelectorAll("[data-quiet]")) {
  const toggle = part.querySelector("[data-toggles]");
  const show = () => {
    for (const each of part.querySelectorAll("input[type=time]")) each.disabled = !toggle.checked;
    part.querySelector(".fields").hidden = !toggle.checked;
    part.querySelector("input[type=hidden]").disabled = toggle.checked; // null: at any hour
  };
  toggle.addEventListener("change", show);
  show();
}

for (const share of document.querySelectorAll("[data-share]")) {
  const [value, unit] = [share.querySelector("input"), share.querySelector("[data-unit]")];
  unit.addEventListener("change", () => { value.name = `${share.dataset.share}.${unit.value}`; });
}

const plan = document.getElementById("plan");
const other = plan.querySelector("[data-other-price]");
const price = plan.elements.namedItem("price");

function priced() {
  const own = price.value === "other";
  other.hidden = !own;
  for (const each of other.querySelectorAll("input")) each.disabled = !own;
  if (own) price.removeAttribute("name"); // its parts say it
  else price.name = "price";
}
price.addEventListener("change", priced);
priced();
