// Behaviours of the storefront blocks. The pages work without it: links and forms lead to plain pages.
(() => {
  if (window.regulars) return;

  const make = (tag, attributes = {}, ...children) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
      else if (value === true) element.setAttribute(name, "");
      else if (value !== false && value != null) element.setAttribute(name, value);
    }
    element.append(...children.filter((child) => child != null && child !== false));
    return element;
  };
  const fill = (text, values) => text.replace(/\{(\w+)\}/g, (slot, name) => values[name] ?? slot);
  const ask = async (address, options = {}) => {
    const answer = await fetch(address, { ...options, headers: { Accept: "application/json", ...options.headers } });
    const data = await answer.json().catch(() => ({}));
    if (!answer.ok) throw Object.assign(new Error("refused"), { status: answer.status, ...data.error });
    return data;
  };
  const send = (address, values) => ask(address, { method: "POST", body: new URLSearchParams(values) });

  const states = new Map(); // one request a page, however many blocks want it
  const loyalty = (proxy, again) => {
    if (again || !states.has(proxy)) {
      const state = ask(`${proxy}/loyalty`);
      state.catch(() => states.delete(proxy));
      states.set(proxy, state);
    }
    return states.get(proxy);
  };
  window.regulars = { make, fill, ask, send, loyalty };

  // The launcher opens the panel; what stands in it is a file of its own, loaded the first time.
  const widget = (root) => {
    const panel = root.querySelector("[data-rg-panel]");
    const launcher = root.querySelector("[data-rg-open]");
    const live = root.querySelector("[data-rg-live]");
    let tries = 0; // browsers remember a file that did not load under its address
    const fetchPanel = async () => {
      try {
        const address = root.dataset.panel + (tries ? `${root.dataset.panel.includes("?") ? "&" : "?"}again=${tries}` : "");
        const { Panel } = await import(address);
        root.regularsPanel ??= new Panel(root);
        root.regularsPanel.load();
      } catch {
        tries += 1;
        const again = make("button", { type: "button", class: "rg-button rg-quiet", onclick: fetchPanel }, root.dataset.again);
        live.replaceChildren(make("div", { class: "rg-note", role: "alert" }, make("p", {}, root.dataset.offline), again));
      }
    };
    const open = () => {
      panel.showModal();
      fetchPanel();
    };
    launcher.setAttribute("role", "button");
    launcher.setAttribute("aria-haspopup", "dialog");
    launcher.addEventListener("click", (event) => (event.preventDefault(), open()));
    launcher.addEventListener("keydown", (event) => event.key === " " && (event.preventDefault(), open()));
    root.querySelector("[data-rg-close]").addEventListener("click", () => panel.close());
    panel.addEventListener("click", (event) => event.target === panel && panel.close());
  };

  // The page shows the same at once.
  const page = (root) =>
    import(root.dataset.panel).then(
      ({ Panel }) => new Panel(root).load(),
      () => root.querySelector("[data-rg-live]").replaceChildren(make("p", { class: "rg-note", role: "alert" }, root.dataset.offline)),
    );

  // "Earn 120 beans" follows the chosen variant, and the tier of who is signed in.
  const earn = (line) => {
    const { dataset } = line;
    const text = line.querySelector("[data-rg-earn-text]");
    const prices = new Map(dataset.prices.split(",").map((pair) => pair.split(":").map(Number)));
    let price = Number(dataset.price);
    let rate = dataset.rate.split("/").map(Number);
    let tier = "";
    const show = () => {
      const points = Math.floor((price * rate[0]) / rate[1]);
      const amount = `${new Intl.NumberFormat(dataset.language).format(points)} ${points === 1 ? dataset.one : dataset.many}`;
      const words = fill(dataset.text, { points: amount }) + (tier && ` ${fill(dataset.textTier, { tier })}`);
      if (text.textContent !== words) text.textContent = words;
    };
    const choose = (id) => {
      if (!prices.has(id)) return;
      price = prices.get(id);
      show();
    };
    document.addEventListener("change", (event) => event.target.name === "id" && choose(Number(event.target.value)));
    document.addEventListener("variant:change", (event) => choose(Number(event.detail?.variant?.id)));
    show();
    if (dataset.signedIn !== "true" || dataset.tiers === "0") return;
    loyalty(dataset.proxy).then(({ customer }) => {
      const mine = customer?.tier;
      if (!mine || mine.rate[0] === mine.rate[1]) return;
      rate = [rate[0] * mine.rate[0], rate[1] * mine.rate[1]];
      tier = mine.name;
      show();
    }, () => {});
  };

  // A wish without leaving the page.
  const subscription = (form) => {
    const told = form.querySelector("[data-rg-told]");
    const button = form.querySelector("[data-rg-send]");
    const tell = (words, state) => {
      told.textContent = words;
      form.dataset.state = state;
    };
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      button.disabled = true;
      try {
        await send(form.getAttribute("action"), new FormData(form));
        tell(form.dataset.done, "done");
      } catch (error) {
        tell(error.field === "email" ? form.dataset.wrong : form.dataset.failed, "wrong");
        form.elements.email.focus();
      }
      button.disabled = false;
    });
    if (form.dataset.signedIn !== "true") return;
    ask(`${form.getAttribute("action")}?product_id=${form.dataset.product}`).then(({ fields }) => {
      const mine = fields.find((field) => String(field.id) === form.dataset.field);
      if (mine?.subscribed) tell(form.dataset.done, "done");
    }, () => {});
  };

  const start = () => {
    const each = (selector, attach) =>
      document.querySelectorAll(selector).forEach((element) => {
        if (element.dataset.rgReady) return;
        element.dataset.rgReady = "true";
        attach(element);
      });
    each("[data-rg-widget]", widget);
    each("[data-rg-page]", page);
    each("[data-rg-earn]", earn);
    each("[data-rg-subscribe]", subscription);
  };
  start();
  document.addEventListener("DOMContentLoaded", start);
  document.addEventListener("shopify:section:load", start);
})();
