// The admin around the app's frame: the other end of app-bridge.js.
(() => {
  "use strict";

  const place = document.querySelector("[data-app]");
  const frame = place.querySelector("iframe");
  const { appOrigin, tokenUrl, factsUrl, basePath, storageKey } = place.dataset;
  const one = (selector) => document.querySelector(selector);
  const tell = (type, content = {}) => frame.contentWindow.postMessage({ bridge: true, type, ...content }, appOrigin);

  window.addEventListener("message", (event) => {
    if (event.origin !== appOrigin || event.source !== frame.contentWindow || !event.data?.bridge) return;
    const { type, ask, ...content } = event.data;
    if (ask === undefined) return handlers[type]?.(content);
    Promise.resolve(answers[type]?.(content)).then(
      (value) => tell("answer", { ask, value }),
      (error) => tell("answer", { ask, error: String(error?.message ?? error) }),
    );
  });

  // -- answers

  async function json(url, options) {
    const response = await fetch(url, options);
    if (!response.ok) throw new Error(`The admin answered ${response.status}`);
    return response.json();
  }
  const facts = () => json(factsUrl);
  const answers = {
    idToken: async () => (await json(tokenUrl, { method: "POST" })).id_token,
    user: async () => (await facts()).user,
    scopes: async () => (await facts()).scopes,
    extensions: async () => (await facts()).extensions,
    leaveConfirmation: () => confirmLeaving(),
  };

  // -- loading

  let loads = 1;
  const bar = one("[data-loading]");
  const showLoading = () => bar.classList.toggle("is-on", loads > 0);
  frame.addEventListener("load", () => { loads = 0; showLoading(); });
  showLoading();

  // -- what the app tells

  const handlers = {
    ready: () => tell("config", { config: JSON.parse(place.dataset.config) }),
    address({ path, title }) {
      const shown = basePath + (path.startsWith("/") && !path.startsWith("/?") && path !== "/" ? path : path.slice(1));
      if (path.startsWith("/auth/")) return;
      if (shown !== location.pathname + location.search + location.hash) history.replaceState(history.state, "", shown);
      if (title) document.title = `${title} · ${place.dataset.shopName}`;
      markCurrent(path);
    },
    navigation({ links }) {
      localStorage.setItem(storageKey, JSON.stringify(links));
      drawNavigation(links);
    },
    titleBar: drawTitleBar,
    saveBar: drawSaveBar,
    toast: showToast,
    hideToast: ({ id }) => removeToast(id),
    loading({ on }) { loads = on ? 1 : 0; showLoading(); },
    dim: ({ on }) => document.body.classList.toggle("is-dimmed", on),
    leave: ({ href }) => guarded(() => location.assign(href)),
  };

  // -- navigation under Apps

  const list = one("[data-app-links]");
  function drawNavigation(links) {
    list.replaceChildren(...links.filter((link) => !link.home).map((link) => {
      const item = document.createElement("li");
      const anchor = Object.assign(document.createElement("a"), { href: basePath + link.path, textContent: link.label });
      anchor.dataset.path = link.path;
      item.append(anchor);
      return item;
    }));
    markCurrent(location.pathname.slice(basePath.length) || "/");
  }
  function markCurrent(path) {
    const here = path.split(/[?#]/)[0];
    for (const link of document.querySelectorAll("[data-path]")) {
      const target = link.dataset.path;
      const current = here === target || (target !== "/" && here.startsWith(`${target}/`));
      current ? link.setAttribute("aria-current", "page") : link.removeAttribute("aria-current");
    }
  }
  const kept = localStorage.getItem(storageKey);
  if (kept) drawNavigation(JSON.parse(kept));

  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[href]");
    if (!link || link.target || event.metaKey || event.ctrlKey || event.shiftKey) return;
    const path = link.dataset.path;
    if (path === undefined && !dirty) return;
    event.preventDefault();
    guarded(() => {
      document.body.classList.remove("nav-open");
      path === undefined ? location.assign(link.href) : tell("navigate", { path });
    });
  });

  // -- title bar

  function drawTitleBar({ title, items }) {
    one("[data-title]").textContent = title;
    const back = items.find((item) => item.variant === "breadcrumb");
    one("[data-breadcrumb]").replaceChildren(...(back ? [titleButton(back, "crumb")] : []));
    const others = items.filter((item) => item !== back);
    const order = (item) => (item.variant === "primary" ? 1 : 0);
    one("[data-actions]").replaceChildren(...others.sort((a, b) => order(a) - order(b)).map((item) => titleButton(item, item.variant === "primary" ? "button primary" : "button")));
  }
  function titleButton({ label, index, disabled, loading, tone }, className) {
    const button = Object.assign(document.createElement("button"), { type: "button", className, textContent: label, disabled: disabled || loading });
    if (tone === "critical") button.classList.add("critical");
    if (className === "crumb") { button.setAttribute("aria-label", label); button.title = label; }
    button.addEventListener("click", () => tell("titleBarClick", { index }));
    return button;
  }

  // -- save bar

  let dirty = false;
  let confirmDiscard = false;
  function drawSaveBar({ visible, saving, confirmDiscard: asks }) {
    dirty = visible;
    confirmDiscard = asks;
    document.body.classList.toggle("is-dirty", visible);
    one("[data-save-bar]").hidden = !visible;
    const save = one("[data-save]");
    save.disabled = saving;
    save.classList.toggle("is-busy", saving);
    one("[data-discard]").disabled = saving;
  }
  one("[data-save]").addEventListener("click", () => tell("save"));
  one("[data-discard]").addEventListener("click", async () => {
    const question = { title: "Discard all unsaved changes", text: "If you discard changes, you’ll delete any edits you made since you last saved.", yes: "Discard changes", no: "Continue editing" };
    if (!confirmDiscard || (await confirm(question))) tell("discard");
  });
  window.addEventListener("beforeunload", (event) => { if (dirty && !leaving) event.preventDefault(); });

  // -- leaving with unsaved changes

  let leaving = false;
  const confirmLeaving = async () => {
    const question = { title: "Leave page with unsaved changes", text: "Leaving this page will delete all unsaved changes.", yes: "Leave page", no: "Stay" };
    if (!(await confirm(question))) throw new Error("The merchant stays on the page");
  };
  async function guarded(go) {
    try {
      if (dirty) await confirmLeaving();
    } catch {
      return;
    }
    leaving = true;
    if (dirty) { drawSaveBar({ visible: false, saving: false, confirmDiscard: false }); tell("forget"); }
    go();
    setTimeout(() => { leaving = false; }, 500);
  }
  function confirm({ title, text, yes, no }) {
    const dialog = one("[data-confirm]");
    dialog.querySelector("h2").textContent = title;
    dialog.querySelector("p").textContent = text;
    dialog.querySelector("[value=yes]").textContent = yes;
    dialog.querySelector("[value=no]").textContent = no;
    dialog.returnValue = "";
    dialog.showModal();
    return new Promise((resolve) => dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true }));
  }

  // -- toasts

  const toasts = one("[data-toasts]");
  function showToast({ id, message, isError, duration, action }) {
    const note = Object.assign(document.createElement("div"), { className: isError ? "toast is-error" : "toast" });
    note.dataset.toast = id;
    note.append(Object.assign(document.createElement("span"), { textContent: message }));
    if (action) note.append(toastButton(action, () => { tell("toastAction", { id }); removeToast(id); }));
    note.append(toastButton("×", () => removeToast(id), "Dismiss"));
    toasts.append(note);
    setTimeout(() => removeToast(id), Math.max(2000, duration));
  }
  function toastButton(text, onClick, label) {
    const button = Object.assign(document.createElement("button"), { type: "button", textContent: text });
    if (label) button.setAttribute("aria-label", label);
    button.addEventListener("click", onClick);
    return button;
  }
  function removeToast(id) {
    const note = toasts.querySelector(`[data-toast="${id}"]`);
    if (!note) return;
    note.remove();
    tell("toastGone", { id });
  }

  // The frame is loaded last: whatever the app says first, somebody listens.
  frame.src = frame.dataset.src;
})();
