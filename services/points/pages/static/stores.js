// Stores and keys: a new key is shown once, with what to try it with; sheets are printed.

function show({ id, key }) {
  const dialog = document.getElementById("key-shown");
  dialog.querySelector("#the-key").value = key;
  dialog.querySelector("[data-copy]").dataset.copy = key;
  for (const each of dialog.querySelectorAll("[data-with-key]")) each.textContent = each.textContent.replace("{key}", key);
  dialog.addEventListener("close", () => location.assign(`/console/stores/keys/${id}`), { once: true });
  dialog.showModal();
  dialog.querySelector("#the-key").select();
}

document.addEventListener("key-made", (event) => show(event.detail));
document.addEventListener("click", (event) => {
  if (event.target.closest?.("[data-print]")) window.print();
});
