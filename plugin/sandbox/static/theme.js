// Small behaviours of the theme; every page works without them.
document.documentElement.classList.add("has-script");

document.addEventListener("change", (event) => {
  const field = event.target;
  if (field.matches("[data-submit-on-change]")) field.form.requestSubmit();
  if (field.matches("[data-product-form] [name=id]")) chooseVariant(field);
  if (field.form?.dataset.contactUrl && ["email", "accepts_marketing"].includes(field.name)) keepContact(field.form);
});

// As in real themes: the price, the address and the product's blocks follow the chosen variant.
function chooseVariant(field) {
  document.querySelector("[data-price]").textContent = field.dataset.price;
  const address = new URL(location.href);
  address.searchParams.set("variant", field.value);
  history.replaceState(history.state, "", address);
  document.dispatchEvent(
    new CustomEvent("variant:change", {
      detail: { variant: { id: Number(field.value), price: Number(field.dataset.priceMinor) } },
    }),
  );
}

// A real checkout keeps the address as soon as it was typed, so that leaving the page leaves an abandoned checkout.
function keepContact(form) {
  fetch(form.dataset.contactUrl, { method: "POST", body: new FormData(form), keepalive: true });
}
