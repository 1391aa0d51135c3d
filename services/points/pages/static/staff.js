// Stores of somebody: "all" and single ones exclude each other; "all" is told to the API as null.

function settle(fieldset) {
  const all = fieldset.querySelector("[data-all-stores]");
  const owner = fieldset.closest("form").querySelector("[name=role][value=owner]");
  const each = [...fieldset.querySelectorAll("[name='stores[]']")];
  fieldset.hidden = owner?.checked ?? false;
  for (const box of each) box.disabled = all.checked || fieldset.hidden;
  let nothing = fieldset.querySelector("[name=stores]");
  if (!nothing) {
    nothing = document.createElement("input");
    Object.assign(nothing, { type: "hidden", name: "stores", value: "null" });
    nothing.dataset.type = "json";
    fieldset.append(nothing);
  }
  nothing.disabled = !(all.checked || fieldset.hidden);
}

for (const fieldset of document.querySelectorAll("[data-stores]")) {
  const form = fieldset.closest("form");
  form.addEventListener("change", (event) => {
    const all = fieldset.querySelector("[data-all-stores]");
    const each = [...fieldset.querySelectorAll("[name='stores[]']")];
    if (event.target === all && !all.checked) {
      for (const box of each) box.disabled = false;
    } else if (each.includes(event.target) && !each.some((box) => box.checked)) all.checked = true;
    settle(fieldset);
  });
  settle(fieldset);
}
