// One-time codes are set up in two steps on one page; recovery codes are shown once.
const setup = document.getElementById("codes-setup");
const dialog = document.getElementById("recovery");

document.addEventListener("secret", ({ detail }) => {
  const image = document.getElementById("codes-qr");
  const svg = detail.qr.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ');
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;
  document.getElementById("codes-secret").textContent = detail.secret.replace(/(.{4})/g, "$1 ").trim();
  document.getElementById("codes-start").hidden = true;
  setup.hidden = false;
  document.getElementById("first-code").focus();
});

document.addEventListener("codes", ({ detail }) => {
  const codes = detail.recovery_codes;
  const list = document.getElementById("recovery-codes");
  list.replaceChildren(...codes.map((code) => Object.assign(document.createElement("li"), { textContent: code })));
  document.getElementById("recovery-copy").dataset.copy = codes.join("\n");
  dialog.showModal();
});

dialog.addEventListener("close", () => location.reload());
document.getElementById("recovery-kept").addEventListener("click", () => dialog.close());
