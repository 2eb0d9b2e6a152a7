// Small behaviours of the admin's own pages; the app's frame has admin-app.js.
for (const control of document.querySelectorAll("[data-toggle-nav]")) {
  control.addEventListener("click", () => {
    const open = document.body.classList.toggle("nav-open");
    document.querySelector(".nav-toggle").setAttribute("aria-expanded", String(open));
  });
}
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") document.body.classList.remove("nav-open");
  if (event.key === "/" && !event.target.closest("input, textarea, select")) {
    event.preventDefault();
    (document.querySelector("main input[type=search]") ?? document.querySelector("#finder")).focus();
  }
});

// Whole rows lead where their first link leads.
document.addEventListener("click", (event) => {
  const row = event.target.closest("tr[data-row]");
  if (row && !event.target.closest("a, button, input") && !String(getSelection())) row.querySelector("a").click();
});

// A question before what cannot be undone.
document.addEventListener("submit", (event) => {
  const question = event.submitter?.dataset.askButton ?? event.target.dataset.ask;
  if (!question || event.target.dataset.sure) return;
  event.preventDefault();
  const dialog = document.querySelector("[data-confirm]");
  dialog.querySelector("h2").textContent = question;
  dialog.querySelector("p").textContent = "This cannot be undone.";
  dialog.querySelector("[value=yes]").textContent = "Go on";
  dialog.querySelector("[value=no]").textContent = "Keep it";
  dialog.returnValue = "";
  dialog.addEventListener("close", () => {
    if (dialog.returnValue !== "yes") return;
    event.target.dataset.sure = "1";
    event.target.requestSubmit(event.submitter);
  }, { once: true });
  dialog.showModal();
});

for (const note of document.querySelectorAll("[data-flash]")) {
  note.querySelector("button").addEventListener("click", () => note.remove());
  setTimeout(() => note.remove(), 6000);
}
