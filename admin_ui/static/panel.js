// Small behaviours of the panel, attached by data-* attributes. No page has a script of its own.
// Pages arrive rendered; htmx swaps #page; App Bridge adds the session token to every fetch.
(() => {
  "use strict";

  const root = document.documentElement;
  const words = () => document.body.dataset;
  const page = () => document.getElementById("page");

  // -- theme: the tokens come as classes, chosen by the machine's colours and width (runs before the body is painted)
  const themes = { "p-theme-dark-experimental": "(prefers-color-scheme: dark)", "p-theme-light-mobile": "(max-width: 30.625rem)" };
  for (const [name, query] of Object.entries(themes)) {
    const media = matchMedia(query);
    const apply = () => root.classList.toggle(name, media.matches);
    media.addEventListener("change", () => { apply(); charts(document); });
    apply();
  }

  // -- toasts: the admin's own when it is there, ours when the panel stands alone
  function toast({ message, error, undo }) {
    const options = { isError: Boolean(error), duration: undo ? 10000 : 5000 };
    if (undo) Object.assign(options, { action: undo.label, onAction: () => post(undo.url) });
    if (window.shopify?.toast) return window.shopify.toast.show(message, options);
    const note = Object.assign(document.createElement("div"), { className: error ? "toast toast-error" : "toast", textContent: message });
    document.getElementById("toasts").append(note);
    setTimeout(() => note.remove(), options.duration);
  }
  const post = (url) => htmx.ajax("POST", url, { target: "#page", select: "#page", swap: "outerHTML" });
  document.addEventListener("toast", (event) => toast(event.detail));

  // -- errors: what the server said, else what can be done
  const quiet = (element) => element?.closest?.("[data-quiet]");
  document.addEventListener("htmx:response:error", ({ detail: { ctx } }) => {
    if (ctx.response.status === 422 || ctx.hx?.trigger || quiet(ctx.sourceElement)) return;
    toast({ message: ctx.response.status === 401 ? words().textSession : words().textBroken, error: true });
  });
  document.addEventListener("htmx:error", ({ detail }) => {
    if (detail.ctx && !detail.ctx.response && !quiet(detail.ctx.sourceElement)) toast({ message: words().textOffline, error: true });
  });

  // -- a form that was refused keeps everything typed; only the errors are put in place
  document.addEventListener("htmx:before:swap", (event) => {
    const { ctx } = event.detail;
    const form = ctx.sourceElement?.closest?.("form");
    if (ctx.response?.status !== 422 || !form?.id) return;
    const answer = new DOMParser().parseFromString(ctx.text, "text/html").getElementById(form.id);
    if (!answer) return;
    event.preventDefault();
    for (const field of form.querySelectorAll("[data-field]")) showError(field, answer.querySelector(`[data-field="${field.dataset.field}"]`));
    form.querySelector("[data-form-errors]")?.replaceChildren(...(answer.querySelector("[data-form-errors]")?.childNodes ?? []));
    const first = form.querySelector("[aria-invalid]") ?? form.querySelector("[data-form-errors]");
    if (first?.matches("div")) first.tabIndex = -1;
    first?.focus();
  });
  function showError(field, answer) {
    const slot = answer?.querySelector(`[data-error-for="${field.dataset.field}"]`);
    field.classList.toggle("has-error", Boolean(slot?.textContent.trim()));
    field.querySelector(`[data-error-for="${field.dataset.field}"]`)?.replaceChildren(...(slot?.childNodes ?? []));
    for (let part = field; field.classList.contains("has-error") && (part = part.parentElement?.closest("details")); ) part.open = true;
    for (const input of field.querySelectorAll("input, select, textarea")) {
      field.classList.contains("has-error") ? input.setAttribute("aria-invalid", "true") : input.removeAttribute("aria-invalid");
    }
  }

  // -- the address of a list says only what narrows it
  document.addEventListener("htmx:config:request", ({ detail: { ctx } }) => {
    if (ctx.request.method !== "GET" || ctx.sourceElement.tagName !== "FORM") return;
    for (const [name, value] of [...ctx.request.body]) if (value === "") ctx.request.body.delete(name);
  });

  // -- waiting: nothing for 300 ms, then skeletons and the admin's loading bar
  let waiting = 0;
  document.addEventListener("htmx:before:request", ({ detail: { ctx } }) => {
    if (ctx.target !== page()) return;
    clearTimeout(waiting);
    waiting = setTimeout(() => { page()?.classList.add("is-loading"); window.shopify?.loading?.(true); }, 300);
  });
  document.addEventListener("htmx:finally:request", () => {
    clearTimeout(waiting);
    page()?.classList.remove("is-loading");
    window.shopify?.loading?.(false);
  });

  // -- going somewhere: a new page starts at its top with the focus there; the same page drawn again stays where it was
  const here = () => location.pathname + (location.search.includes("embedded=1") ? "" : location.search);
  let place = here();
  document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
    if (ctx.select !== "#page" || here() === place) return;
    place = here();
    window.scrollTo(0, 0);
    page()?.focus({ preventScroll: true });
  });
  const go = (href) => htmx.ajax("GET", href, { target: "#page", select: "#page", swap: "outerHTML", push: "true" });
  document.addEventListener("shopify:navigate", (event) => {
    const href = event.target?.getAttribute?.("href");
    if (!href) return;
    event.preventDefault();
    leave().then(() => go(href), () => {});
  });
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-href], [data-submit]");
    if (button?.dataset.href) leave().then(() => go(button.dataset.href), () => {});
    if (button?.dataset.submit) document.getElementById(button.dataset.submit)?.requestSubmit();
  });

  // -- unsaved changes: the admin's save bar shows them, and asks before they are lost
  const state = (form) => new URLSearchParams([...new FormData(form)].map(([name, value]) => [name, String(value)])).toString();
  const dirty = () => [...document.querySelectorAll("form[data-save-bar]")].some((form) => form.initialState !== undefined && form.initialState !== state(form));
  async function leave() {
    if (dirty()) await window.shopify?.saveBar?.leaveConfirmation?.();
  }
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[href]");
    if (!link || link.target || link.dataset.download !== undefined || link.getAttribute("href").startsWith("#") || event.metaKey || event.ctrlKey || event.shiftKey || !dirty()) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    leave().then(() => go(link.getAttribute("href")), () => {});
  }, true);

  // Discarding resets fields; rows that were added or removed come back with the page as it is kept.
  document.addEventListener("reset", ({ target }) => setTimeout(() => {
    if (target.isConnected && target.querySelector("[data-repeat]") && dirty()) go(location.pathname + location.search);
  }, 300));

  // -- questions before what cannot be undone; window.confirm is blocked inside the admin's frame
  document.addEventListener("htmx:confirm", (event) => {
    event.preventDefault();
    const dialog = document.getElementById("confirm");
    dialog.querySelector("[data-question]").textContent = event.detail.ctx.confirm;
    dialog.querySelector("[data-act]").textContent = event.detail.ctx.request.submitter?.textContent.trim() ?? "";
    dialog.returnValue = "";
    dialog.addEventListener("close", () => (dialog.returnValue === "yes" ? event.detail.issueRequest() : event.detail.dropRequest()), { once: true });
    dialog.showModal();
  });

  // -- rows that can be added and removed; the names carry their index
  document.addEventListener("click", (event) => {
    const add = event.target.closest?.("[data-repeat-add]");
    const remove = event.target.closest?.("[data-repeat-remove]");
    if (!add && !remove) return;
    const list = (add ?? remove).closest("[data-repeat]");
    const changed = add ? addRow(list) : removeRow(remove);
    renumber(list);
    changed.dispatchEvent(new Event("input", { bubbles: true }));
    changed.dispatchEvent(new Event("change", { bubbles: true }));
  });
  function addRow(list) {
    const rows = list.querySelector("[data-repeat-rows]");
    const next = rows.children.length;
    const holder = document.createElement("div");
    holder.innerHTML = list.querySelector("template").innerHTML.replaceAll("__index__", String(next));
    const row = rows.appendChild(holder.firstElementChild);
    htmx.process(row);
    row.querySelector("input")?.focus();
    return row;
  }
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-repeat-up], [data-repeat-down]");
    const row = button?.closest("[data-index]");
    const other = button?.dataset.repeatUp !== undefined ? row?.previousElementSibling : row?.nextElementSibling;
    if (!other) return;
    button.dataset.repeatUp !== undefined ? other.before(row) : other.after(row);
    renumber(row.closest("[data-repeat]"));
    button.focus();
    row.dispatchEvent(new Event("input", { bubbles: true }));
  });
  function removeRow(button) {
    const row = button.closest("[data-index]");
    const neighbour = row.previousElementSibling?.querySelector("input") ?? row.closest("form");
    row.remove();
    neighbour.focus?.();
    return neighbour;
  }

  function renumber(list) {
    const name = new RegExp(`\\b${list.dataset.repeat}-\\d+-`, "g");
    for (const [index, row] of [...list.querySelector("[data-repeat-rows]").children].entries()) {
      row.dataset.index = index;
      for (const element of row.querySelectorAll("*")) {
        for (const { name: key, value } of element.attributes) {
          if (name.test(value)) element.setAttribute(key, value.replace(name, `${list.dataset.repeat}-${index}-`));
          name.lastIndex = 0;
        }
      }
    }
  }

  // -- some of many, found by typing; arrow keys walk through what was found, Enter chooses, Escape closes
  let finding = 0;
  const pickerOf = (element) => element.closest?.("[data-picker]");
  const found = (picker) => picker.querySelector("[role=listbox]");
  const walked = (picker) => found(picker).querySelector("[aria-selected=true]");
  function close(picker) {
    const search = picker.querySelector("[role=combobox]");
    found(picker).hidden = true;
    found(picker).replaceChildren();
    search.setAttribute("aria-expanded", "false");
    search.removeAttribute("aria-activedescendant");
  }
  async function find(picker, search) {
    const response = await fetch(`${picker.dataset.picker}?q=${encodeURIComponent(search.value.trim())}`);
    if (!response.ok || document.activeElement !== search) return;
    const list = found(picker);
    list.innerHTML = await response.text();
    const word = search.value.trim();
    if (picker.dataset.free && word && ![...list.children].some((option) => option.dataset.value === word)) {
      const option = Object.assign(document.createElement("li"), { textContent: picker.dataset.free.replace("%(word)s", word) });
      option.setAttribute("role", "option");
      Object.assign(option.dataset, { value: word, title: word });
      list.append(option);
    }
    [...list.children].forEach((option, number) => { option.id = `${list.id}-${number}`; });
    list.hidden = !list.children.length;
    search.setAttribute("aria-expanded", String(!list.hidden));
    walk(picker, list.firstElementChild);
  }
  function walk(picker, option) {
    if (!option) return;
    for (const other of found(picker).children) other.setAttribute("aria-selected", String(other === option));
    picker.querySelector("[role=combobox]").setAttribute("aria-activedescendant", option.id);
    option.scrollIntoView({ block: "nearest" });
  }
  function pick(picker, option) {
    const { value, title } = option.dataset;
    const same = [...picker.querySelectorAll("[data-picked] input")].find((box) => box.value === value);
    const box = same ?? Object.assign(document.createElement("input"), { type: "checkbox", name: picker.dataset.name, value });
    box.checked = true;
    if (!same) {
      const chip = Object.assign(document.createElement("label"), { className: "chip" });
      chip.append(box, " ", Object.assign(document.createElement("span"), { textContent: title ?? option.textContent }));
      picker.querySelector("[data-picked]").append(chip);
    }
    const search = picker.querySelector("[role=combobox]");
    search.value = "";
    close(picker);
    search.focus();
    box.dispatchEvent(new Event("change", { bubbles: true }));
  }
  const ask = (search) => { clearTimeout(finding); finding = setTimeout(() => find(pickerOf(search), search), 200); };
  for (const kind of ["input", "focusin"]) {
    document.addEventListener(kind, ({ target }) => { if (target.matches?.("[data-picker] [role=combobox]")) ask(target); });
  }
  document.addEventListener("focusout", ({ target }) => { if (target.matches?.("[data-picker] [role=combobox]")) close(pickerOf(target)); });
  document.addEventListener("mousedown", (event) => {
    const option = event.target.closest?.("[data-picker] [role=option]");
    if (!option) return;
    event.preventDefault();
    pick(pickerOf(option), option);
  });
  document.addEventListener("keydown", (event) => {
    if (!event.target.matches?.("[data-picker] [role=combobox]")) return;
    const picker = pickerOf(event.target);
    const at = walked(picker);
    if (event.key === "ArrowDown") walk(picker, at?.nextElementSibling ?? found(picker).firstElementChild);
    else if (event.key === "ArrowUp") walk(picker, at?.previousElementSibling ?? found(picker).lastElementChild);
    else if (event.key === "Enter") { if (at) pick(picker, at); }
    else if (event.key === "Escape" && !found(picker).hidden) close(picker);
    else return;
    event.preventDefault();
  });

  // -- a mail as it will look: the form's present text, rendered by the server into a sealed frame
  let previewing = 0;
  function preview(source) {
    const form = source.closest("form");
    const send = Object.assign(document.createElement("form"), { method: "post", action: source.dataset.previewUrl, target: source.dataset.previewFrame, hidden: true });
    const entries = new FormData(form);
    for (const [name, value] of entries) send.append(Object.assign(document.createElement("input"), { type: "hidden", name, value: String(value) }));
    send.append(Object.assign(document.createElement("input"), { type: "hidden", name: "ticket", value: source.dataset.previewTicket }));
    document.body.append(send);
    send.submit();
    send.remove();
  }
  document.addEventListener("input", (event) => {
    const form = event.target.closest?.("form");
    const sources = form?.querySelectorAll("[data-preview-url]") ?? [];
    clearTimeout(previewing);
    previewing = setTimeout(() => sources.forEach(preview), 500);
  });

  // -- downloads carry the token too; caught on the way down, before boosted links would swap the file into the page
  document.addEventListener("click", async (event) => {
    const link = event.target.closest?.("a[data-download]");
    if (!link) return;
    event.preventDefault();
    event.stopPropagation();
    const response = await fetch(link.href);
    if (!response.ok) return toast({ message: words().textBroken, error: true });
    const name = /filename="?([^";]+)/.exec(response.headers.get("Content-Disposition") ?? "")?.[1] ?? "export.csv";
    const file = Object.assign(document.createElement("a"), { href: URL.createObjectURL(await response.blob()), download: name });
    file.click();
    setTimeout(() => URL.revokeObjectURL(file.href), 1000);
  }, true);

  // -- explanations: fetched when first opened, closed by Escape or a click elsewhere
  document.addEventListener("toggle", (event) => {
    if (event.target.matches?.("details[data-fetch-once][open]")) htmx.trigger(event.target.querySelector("[hx-get]"), "open-details");
  }, true);
  const closePopovers = (except) => document.querySelectorAll("details[data-popover][open]").forEach((box) => box !== except && box.removeAttribute("open"));
  document.addEventListener("click", (event) => closePopovers(event.target.closest?.("details[data-popover]")));
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") closePopovers();
    if (event.key !== "/" || event.target.closest?.("input, textarea, select")) return;
    const search = document.querySelector("[data-search]");
    if (search) { event.preventDefault(); search.focus(); }
  });

  // -- charts: drawn from the table that stands below them
  let library;
  const chartLibrary = () => library ??= new Promise((resolve, reject) => {
    document.head.append(Object.assign(document.createElement("script"), { src: words().chartSrc, onload: resolve, onerror: reject }));
  });
  async function charts(within) {
    const figures = [...(within.querySelectorAll?.("[data-chart]") ?? [])];
    if (!figures.length || !document.body) return;
    await chartLibrary();
    for (const figure of figures) draw(figure);
  }
  function draw(figure) {
    const colour = (name) => getComputedStyle(root).getPropertyValue(name).trim();
    const [header, ...rows] = figure.querySelectorAll("tr");
    const datasets = [...header.cells].slice(1).map((cell, column) => {
      const line = cell.dataset.previous !== undefined ? colour("--chart-previous") : colour(`--chart-${column + 1}`);
      return { label: cell.textContent, data: rows.map((row) => Number(row.cells[column + 1].dataset.value)), borderColor: line, backgroundColor: line, borderWidth: figure.dataset.chart === "bar" ? 0 : 2, pointRadius: 0, pointHitRadius: 12, tension: 0.25, borderRadius: 3, borderDash: cell.dataset.previous !== undefined ? [4, 4] : [] };
    });
    const canvas = figure.querySelector("canvas");
    window.Chart.getChart(canvas)?.destroy();
    new window.Chart(canvas, { type: figure.dataset.chart, data: { labels: rows.map((row) => row.cells[0].textContent), datasets }, options: chartOptions(figure, colour, rows) });
  }
  function chartOptions(figure, colour, rows) {
    const format = new Intl.NumberFormat(figure.dataset.locale, figure.dataset.currency ? { style: "currency", currency: figure.dataset.currency, maximumFractionDigits: 0 } : {});
    const scale = 10 ** Number(figure.dataset.digits ?? 0);
    const text = colour("--p-color-text-secondary");
    return {
      responsive: true, maintainAspectRatio: false, animation: false, interaction: { mode: "index", intersect: false }, locale: figure.dataset.locale,
      plugins: {
        legend: { display: figure.querySelectorAll("th").length > 2, position: "bottom", labels: { color: text, boxWidth: 12, boxHeight: 2 } },
        tooltip: { callbacks: { label: (item) => `${item.dataset.label}: ${rows[item.dataIndex].cells[item.datasetIndex + 1].textContent}` } },
      },
      scales: {
        x: { grid: { display: false }, border: { color: colour("--p-color-border") }, ticks: { color: text, maxRotation: 0, autoSkipPadding: 16 } },
        y: { beginAtZero: true, border: { display: false }, grid: { color: colour("--p-color-border") }, ticks: { color: text, maxTicksLimit: 5, precision: 0, callback: (value) => format.format(value / scale) } },
      },
    };
  }

  // -- whether the theme shows us: only App Bridge knows, so Home tells the server when that changed
  async function tellEmbed(page) {
    const extensions = await window.shopify?.app?.extensions?.();
    const theme = extensions?.find((extension) => extension.type === "theme_app_extension");
    if (!theme) return;
    const on = theme.activations.some((block) => ["body", "head"].includes(block.target) && block.status === "active");
    if (page.isConnected && page.dataset.embed !== (on ? "on" : "off")) post(`/embed/${on ? "on" : "off"}`);
  }

  // -- everything that has to look at fresh markup once
  const settle = (within) => {
    charts(within);
    within.querySelectorAll?.("form[data-save-bar]").forEach((form) => { form.initialState = state(form); });
    within.querySelectorAll?.("[data-preview-url]").forEach(preview);
    within.querySelectorAll?.("[data-embed]").forEach(tellEmbed);
  };
  document.addEventListener("DOMContentLoaded", () => settle(document));
  document.addEventListener("htmx:after:settle", (event) => settle(event.target === document.body ? document : event.target));
})();
