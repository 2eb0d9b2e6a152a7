// The pretend admin's App Bridge: what an embedded app finds as `window.shopify` inside the admin's frame.
//
// It talks to the admin around the frame (`admin-app.js`) by messages only: {bridge: true, type, …}; a question carries an
// `ask` number and is answered by {type: "answer", ask, value | error}. Tokens come through the admin, so that the app's
// pages need no address of the store but this script's.
//
// Played: id tokens, fetch with a bearer token (one retry on a refused token), the bounce page, s-app-nav, ui-title-bar,
// ui-modal, ui-save-bar, forms with data-save-bar, toasts, loading bar, address mirroring, links into the admin.
(() => {
  "use strict";

  // The bounce page is replaced by document.write, which runs this script again in the same window.
  if (window.shopify?.attach) return window.shopify.attach();

  const script = document.currentScript;
  const ADMIN = new URL(script.src).origin;
  const LAUNCH = ["embedded", "shop", "host", "locale", "protocol", "session", "timestamp", "id_token", "hmac"];
  const TOKEN_MARGIN_SECONDS = 8;
  const nativeFetch = window.fetch.bind(window);

  // -- messages

  const tell = (type, content = {}) => window.parent.postMessage({ bridge: true, type, ...content }, ADMIN);
  const questions = new Map();
  let lastQuestion = 0;
  function ask(type, content = {}) {
    return new Promise((resolve, reject) => {
      questions.set(++lastQuestion, { resolve, reject });
      tell(type, { ...content, ask: lastQuestion });
    });
  }
  function hear(event) {
    if (event.origin !== ADMIN || event.source !== window.parent || !event.data?.bridge) return;
    handlers[event.data.type]?.(event.data);
  }
  const handlers = {
    answer({ ask: number, value, error }) {
      const question = questions.get(number);
      questions.delete(number);
      error === undefined ? question?.resolve(value) : question?.reject(new Error(error));
    },
    config: ({ config }) => Object.assign(shopify.config, config),
    titleBarClick: ({ index }) => titleBarItems()[index]?.element.click(),
    navigate: ({ path }) => navigate(path),
    save: () => saveBarForm()?.requestSubmit() ?? saveBarButton("primary")?.click(),
    discard: () => (saveBarForm() ? discard() : saveBarButton("plain")?.click()),
    forget: () => forget(),
    toastAction: ({ id }) => toasts.get(id)?.onAction?.(),
    toastGone: ({ id }) => { toasts.get(id)?.onDismiss?.(); toasts.delete(id); },
  };

  // -- id tokens and fetch

  let token = "";
  const expiry = (jwt) => JSON.parse(atob(jwt.split(".")[1].replaceAll("-", "+").replaceAll("_", "/"))).exp;
  async function idToken({ fresh = false } = {}) {
    const good = token && expiry(token) - Date.now() / 1000 > TOKEN_MARGIN_SECONDS;
    if (!good || fresh) token = await ask("idToken");
    return token;
  }

  // Requests to the app's own origin carry the token; a refused one is tried once more with a new token.
  async function fetchWithToken(input, init) {
    const address = new URL(input instanceof Request ? input.url : input, document.baseURI);
    if (address.origin !== location.origin) return nativeFetch(input, init);
    const request = new Request(input, init);
    if (request.headers.has("Authorization")) return nativeFetch(request);
    const again = request.clone();
    let response = await nativeFetch(await signed(request));
    if (response.status === 401 && response.headers.get("X-Shopify-Retry-Invalid-Session-Request")) {
      response = await nativeFetch(await signed(again, { fresh: true }));
    }
    const elsewhere = response.headers.get("X-Shopify-API-Request-Failure-Reauthorize-Url");
    if (elsewhere) leaveFor(elsewhere);
    if (request.method !== "GET") afterWrite(response);
    return response;
  }
  async function signed(request, options) {
    request.headers.set("Authorization", `Bearer ${await idToken(options)}`);
    request.headers.set("Accept-Language", shopify.config.locale ?? "en");
    return request;
  }

  // The bounce page: ask for the wanted page again, with a token, and show what comes back.
  async function bounce(target) {
    const address = new URL(target, location.origin);
    if (address.origin !== location.origin) return;
    const headers = { Authorization: `Bearer ${await idToken()}`, "X-Shopify-Bounce": "1" };
    const response = await nativeFetch(address, { headers });
    const html = await response.text();
    history.replaceState(null, "", plain(response.redirected ? new URL(response.url) : address));
    document.open();
    document.write(html);
    document.close();
  }

  // -- addresses

  function plain(address) {
    const clean = new URL(address, location.origin);
    LAUNCH.forEach((name) => clean.searchParams.delete(name));
    return clean.pathname + clean.search + clean.hash;
  }
  const mirror = () => tell("address", { path: plain(location.href), title: document.title });
  for (const name of ["pushState", "replaceState"]) {
    const native = history[name].bind(history);
    history[name] = (...parts) => { native(...parts); mirror(); };
  }

  // A click in the admin's navigation: the app may take it (`shopify:navigate`), otherwise the frame loads the page.
  function navigate(path) {
    const link = [...document.querySelectorAll("s-app-nav s-link, s-app-nav a")].find((item) => item.getAttribute("href") === path);
    const target = link ?? document.createElement("a");
    if (!link) { target.href = path; target.hidden = true; document.body.append(target); }
    const untaken = target.dispatchEvent(new CustomEvent("shopify:navigate", { bubbles: true, cancelable: true }));
    if (!link) target.remove();
    if (untaken) location.assign(launched(path));
  }

  // A page that is loaded anew has to know the shop: its address carries what a launch carries, without a token.
  function launched(path) {
    const address = new URL(path, location.origin);
    const { shop, host, locale } = shopify.config;
    for (const [name, value] of Object.entries({ embedded: "1", shop, host, locale })) if (value) address.searchParams.set(name, value);
    return address.href;
  }

  // shopify://admin/…, https://admin.shopify.com/store/…/… and https://shop/admin/… lead into the admin around us.
  function adminPath(href) {
    const found = /^(?:shopify:\/*admin|https:\/\/admin\.shopify\.com\/store\/[^/]+|https:\/\/[^/]+\.myshopify\.com\/admin)(\/.*)?$/.exec(href ?? "");
    return found ? `/admin${found[1] ?? ""}` : null;
  }
  const leaveFor = (href) => tell("leave", { href: adminPath(href) ?? href });
  const nativeOpen = window.open.bind(window);
  window.open = (href, target, ...rest) => {
    const inside = adminPath(String(href ?? ""));
    if (inside && target !== "_blank") return leaveFor(href), null;
    return nativeOpen(inside ? ADMIN + inside : href, target, ...rest);
  };
  function followLinks(event) {
    const link = event.target.closest?.("a[href], s-link[href], s-button[href]");
    if (!link || event.defaultPrevented) return;
    const [href, target] = [link.getAttribute("href"), link.getAttribute("target")];
    const aside = target === "_blank" || event.metaKey || event.ctrlKey;
    const inside = adminPath(href);
    const own = !aside && !target && !link.hasAttribute("download") && !href.startsWith("#") && new URL(href, location.href).origin === location.origin;
    if (inside || own) event.preventDefault();
    if (inside) aside ? nativeOpen(ADMIN + inside, "_blank") : leaveFor(inside);
    else if (own) location.assign(launched(href));
  }

  // -- navigation and title bar: hidden here, shown by the admin

  function tellNavigation() {
    const links = [...document.querySelectorAll("s-app-nav s-link, s-app-nav a, ui-nav-menu a")];
    if (!links.length) return;
    tell("navigation", { links: links.map((link) => ({ label: link.textContent.trim(), path: link.getAttribute("href"), home: link.getAttribute("rel") === "home" })) });
  }
  const titleBar = () => [...document.querySelectorAll("ui-title-bar")].find((bar) => !bar.closest("ui-modal"));
  function titleBarItems(bar = titleBar()) {
    return [...(bar?.querySelectorAll("button, a") ?? [])].map((element) => ({
      element,
      label: element.textContent.trim(),
      variant: element.getAttribute("variant") ?? "",
      tone: element.getAttribute("tone") ?? "",
      group: element.closest("section")?.getAttribute("label") ?? "",
      disabled: element.hasAttribute("disabled"),
      loading: element.hasAttribute("loading"),
    }));
  }
  function tellTitleBar() {
    const items = titleBarItems().map(({ element: _, ...shown }, index) => ({ ...shown, index }));
    tell("titleBar", { title: titleBar()?.getAttribute("title") ?? document.title, items });
  }

  // -- save bar: forms with data-save-bar, compared with what they held when they appeared

  const initial = new WeakMap();
  const state = (form) => JSON.stringify([...new FormData(form)].map(([name, value]) => [name, value instanceof File ? value.name : value]));
  const watchedForms = () => [...document.querySelectorAll("form[data-save-bar]")];
  const isDirty = (form) => initial.has(form) && initial.get(form) !== state(form);
  const saveBarForm = () => watchedForms().find(isDirty);
  let shownBar = null;
  let told = "";
  let submitting = null;
  const saveBarButton = (kind) => {
    const bar = shownBar && document.getElementById(shownBar);
    return [...(bar?.querySelectorAll("button") ?? [])].find((button) => (button.getAttribute("variant") === "primary") === (kind === "primary"));
  };
  const barIsVisible = () => Boolean(saveBarForm() ?? shownBar);
  function tellSaveBar() {
    for (const form of watchedForms()) if (!initial.has(form)) initial.set(form, state(form));
    const content = { visible: barIsVisible(), saving: Boolean(submitting?.isConnected), confirmDiscard: Boolean(saveBarForm()?.hasAttribute("data-discard-confirmation")) };
    const text = JSON.stringify(content);
    if (text !== told) tell("saveBar", content);
    told = text;
  }
  function discard() {
    const form = saveBarForm();
    form.reset();
    // What scripts added is not undone by a reset: then the page is asked for again.
    setTimeout(() => {
      if (isDirty(form)) { forget(); navigate(plain(location.href)); }
      tellSaveBar();
    });
  }
  function forget() {
    watchedForms().forEach((form) => initial.set(form, state(form)));
    shownBar = null;
    tellSaveBar();
  }
  function afterWrite(response) {
    const form = submitting;
    submitting = null;
    // The answer is swapped in after this; a form that is still here and was taken is clean from now on.
    setTimeout(() => {
      if (form?.isConnected && response.ok) initial.set(form, state(form));
      tellSaveBar();
    }, 60);
  }
  async function leaveConfirmation() {
    if (!barIsVisible()) return;
    await ask("leaveConfirmation");
    forget();
  }

  // -- toasts

  const toasts = new Map();
  let lastToast = 0;
  const toast = {
    show(message, options = {}) {
      const id = String(++lastToast);
      const { isError = false, duration = 5000, action = "", onAction, onDismiss } = options;
      toasts.set(id, { onAction, onDismiss });
      tell("toast", { id, message: String(message), isError, duration, action });
      return id;
    },
    hide: (id) => tell("hideToast", { id }),
  };

  // -- modals: shown inside the frame, while the admin dims what is around it

  const WIDTHS = { small: "380px", base: "620px", large: "960px", max: "calc(100vw - 32px)" };
  function define(name, parts) {
    if (!customElements.get(name)) customElements.define(name, class extends HTMLElement {
      connectedCallback() { parts.appear?.(this); }
      disconnectedCallback() { parts.vanish?.(this); }
      show() { parts.show?.(this); }
      hide() { parts.hide?.(this); }
      toggle() { parts.toggle?.(this); }
    });
  }
  const styled = (element, style) => Object.assign(element.style, style) && element;
  const build = (name, style = {}, content = "") => Object.assign(styled(document.createElement(name), style), content && { textContent: content });
  const hideElement = (element) => styled(element, { display: "none" });
  function showModal(modal) {
    modal.style.display = "contents";
    const dialog = modal.querySelector(":scope > dialog") ?? wrapInDialog(modal);
    const bar = modal.querySelector("ui-title-bar");
    dialog.querySelector("[data-title]").textContent = bar?.getAttribute("title") ?? "";
    dialog.querySelector("[data-buttons]").replaceChildren(...titleBarItems(bar).reverse().map(modalButton));
    dialog.showModal();
    tell("dim", { on: true });
    modal.dispatchEvent(new CustomEvent("show"));
  }
  function wrapInDialog(modal) {
    const dialog = build("dialog", { padding: 0, border: 0, borderRadius: "12px", width: WIDTHS[modal.getAttribute("variant")] ?? WIDTHS.base, maxWidth: "calc(100vw - 24px)", maxHeight: "calc(100vh - 32px)", boxShadow: "0 20px 60px rgba(0,0,0,.35)" });
    const head = build("header", { display: "flex", justifyContent: "space-between", alignItems: "center", gap: "12px", padding: "10px 10px 10px 16px", background: "#f3f3f3", color: "#303030", fontWeight: 650 });
    const title = build("h2", { margin: 0, fontSize: "14px" });
    title.dataset.title = title.id = `modal-title-${++lastToast}`;
    dialog.setAttribute("aria-labelledby", title.id);
    const close = build("button", { border: 0, background: "transparent", width: "32px", height: "32px", fontSize: "20px", cursor: "pointer" }, "×");
    close.type = "button";
    close.setAttribute("aria-label", "Close");
    close.addEventListener("click", () => dialog.close());
    head.append(title, close);
    const body = build("div", { overflow: "auto" });
    body.append(...modal.childNodes);
    const foot = build("footer", { display: "flex", justifyContent: "flex-end", gap: "8px", padding: "12px 16px" });
    foot.dataset.buttons = "";
    dialog.append(head, body, foot);
    dialog.addEventListener("close", () => { tell("dim", { on: false }); modal.dispatchEvent(new CustomEvent("hide")); });
    modal.append(dialog);
    return dialog;
  }
  function modalButton({ element, label, variant, disabled }) {
    const strong = variant === "primary";
    const button = build("button", { minHeight: "32px", padding: "6px 12px", borderRadius: "8px", cursor: "pointer", font: "inherit", fontWeight: 550, border: strong ? "0" : "1px solid #c9c9c9", background: strong ? "#303030" : "#fff", color: strong ? "#fff" : "#303030" }, label);
    Object.assign(button, { type: "button", disabled });
    button.addEventListener("click", () => element.click());
    return button;
  }
  const closeModal = (modal) => modal.querySelector(":scope > dialog")?.close();
  const isOpen = (modal) => Boolean(modal.querySelector(":scope > dialog")?.open);
  const modalParts = {
    appear: (modal) => { if (!isOpen(modal)) hideElement(modal); },
    vanish: (modal) => { if (isOpen(modal)) tell("dim", { on: false }); },
    show: showModal,
    hide: closeModal,
    toggle: (modal) => (isOpen(modal) ? closeModal(modal) : showModal(modal)),
  };
  const byId = (id) => document.getElementById(id) ?? (() => { throw new Error(`There is no element with the id ${id}`); })();

  // -- the object the app sees

  const query = new URL(location.href).searchParams;
  const shopify = window.shopify = {
    config: {
      apiKey: script.dataset.apiKey ?? document.querySelector('meta[name="shopify-api-key"]')?.content ?? "",
      shop: query.get("shop") ?? undefined,
      host: query.get("host") ?? undefined,
      locale: query.get("locale") ?? "en",
    },
    environment: { embedded: window.parent !== window, mobile: false, pos: false },
    idToken: () => idToken(),
    toast,
    loading: (on = true) => tell("loading", { on: Boolean(on) }),
    modal: {
      show: async (id) => byId(id).show(),
      hide: async (id) => byId(id).hide(),
      toggle: async (id) => byId(id).toggle(),
    },
    saveBar: {
      show: async (id) => { shownBar = id; tellSaveBar(); },
      hide: async (id) => { if (shownBar === id) shownBar = null; tellSaveBar(); },
      toggle: async (id) => { shownBar = shownBar === id ? null : id; tellSaveBar(); },
      leaveConfirmation,
    },
    user: () => ask("user"),
    scopes: { query: () => ask("scopes") },
    app: { extensions: () => ask("extensions") },
    webVitals: { onReport: () => {} },
    attach,
  };
  window.fetch = fetchWithToken;

  define("s-app-nav", { appear: hideElement });
  define("ui-nav-menu", { appear: hideElement });
  define("ui-title-bar", { appear: hideElement });
  define("ui-save-bar", { appear: hideElement, show: (bar) => shopify.saveBar.show(bar.id), hide: (bar) => shopify.saveBar.hide(bar.id) });
  define("ui-modal", modalParts);

  // -- watching the document: once now, once more after the bounce page was replaced

  let waiting = 0;
  function look() {
    clearTimeout(waiting);
    waiting = setTimeout(() => { tellTitleBar(); tellNavigation(); tellSaveBar(); mirror(); }, 15);
  }
  const observer = new MutationObserver(look);
  function watch() {
    window.addEventListener("message", hear);
    window.addEventListener("popstate", () => setTimeout(mirror));
    for (const type of ["input", "change", "reset"]) document.addEventListener(type, () => setTimeout(tellSaveBar));
    document.addEventListener("submit", (event) => {
      if (event.target.matches?.("form[data-save-bar]")) { submitting = event.target; tellSaveBar(); }
    });
    window.addEventListener("click", followLinks);
    observer.disconnect();
    observer.observe(document, { subtree: true, childList: true, attributes: true, attributeFilter: ["title", "disabled", "loading", "href", "variant"] });
    document.readyState === "loading" ? document.addEventListener("DOMContentLoaded", look) : look();
  }
  function attach() {
    told = "";
    shopify.config.apiKey ||= document.querySelector('meta[name="shopify-api-key"]')?.content ?? "";
    watch();
  }

  watch();
  tell("ready", { path: plain(location.href) });
  const target = query.get("shopify-reload");
  if (target) bounce(target);
})();
