// What stands in the panel: loaded when it is opened for the first time.
const { make, fill, ask, send, loyalty } = window.regulars;

export class Panel {
  constructor(root) {
    this.root = root;
    this.proxy = root.dataset.proxy;
    this.language = root.dataset.language || "en";
    this.texts = JSON.parse(root.querySelector("[data-rg-texts]").textContent);
    this.live = root.querySelector("[data-rg-live]");
  }

  async load(again) {
    if (!this.state) this.loading();
    try {
      this.state = await loyalty(this.proxy, again);
      this.show();
    } catch (error) {
      this.trouble(error.status ? this.texts.failed : this.texts.offline);
    }
  }

  loading() {
    const bars = [60, 90, 75].map((width) => make("span", { class: "rg-bar", style: `width:${width}%` }));
    this.live.replaceChildren(make("div", { class: "rg-loading", role: "status", "aria-label": this.texts.loading }, ...bars));
  }

  trouble(words) {
    const retry = make("button", { type: "button", class: "rg-button rg-quiet", onclick: () => this.load(true) }, this.texts.again);
    this.live.replaceChildren(make("div", { class: "rg-note", role: "alert" }, make("p", {}, words), retry));
  }

  show() {
    const { customer, program, rewards } = this.state;
    if (!program) return this.live.replaceChildren();
    const expected = this.root.dataset.signedIn === "true";
    const parts = customer
      ? [this.balance(customer), this.tier(customer), this.codes(customer), this.rewards(rewards, customer), this.invite(this.state.referral), this.history(customer), this.membership(customer)]
      : [expected && make("p", { class: "rg-note" }, this.texts.signedOut), this.rewards(rewards, null)];
    this.live.replaceChildren(...parts.filter(Boolean));
    this.count(customer);
  }

  count(customer) {
    const count = this.root.querySelector("[data-rg-count]");
    if (!count || !customer || !customer.available) return;
    count.textContent = this.number(customer.available);
    count.hidden = false;
  }

  balance(customer) {
    const { texts } = this;
    const lines = [make("p", { class: "rg-balance" }, make("strong", {}, this.number(customer.balance)), ` ${this.unit(customer.balance)}`)];
    const nothing = !customer.available && !customer.pending && !customer.history.length;
    if (nothing) lines.push(make("p", {}, fill(texts.empty, { points: this.state.program.many })));
    if (!customer.member) lines.push(make("div", { class: "rg-note" }, make("p", {}, texts.left), this.joinButton()));
    if (customer.pending) {
      const words = customer.pending_until ? texts.pending : texts.pendingSent;
      lines.push(make("p", { class: "rg-small" }, fill(words, { points: this.points(customer.pending), date: this.date(customer.pending_until) })));
    }
    if (customer.debt) lines.push(make("p", { class: "rg-note" }, this.because(customer.owed_for), fill(texts.debt, { points: this.points(customer.debt) })));
    if (this.soon(customer.expiring_at))
      lines.push(make("p", { class: "rg-note" }, fill(texts.expiring, { points: this.points(customer.expiring), date: this.date(customer.expiring_at) })));
    return make("div", { class: "rg-part" }, ...lines);
  }

  because(owed) {
    const why = owed && this.texts.why[owed.why];
    return why ? `${fill(this.texts.owedFor, { order: owed.order || "" })} ${why}. ` : "";
  }

  soon(moment) {
    return moment && new Date(moment) - Date.now() < 30 * 86400e3;
  }

  tier(customer) {
    const { program } = this.state;
    if (!program.tiers.length) return null;
    const from = customer.tier ? customer.tier.from_minor : 0;
    const part = make("div", { class: "rg-part rg-tier" });
    if (customer.tier) {
      const rate = customer.tier.rate[0] / customer.tier.rate[1];
      part.append(make("p", {}, make("strong", {}, customer.tier.name), rate === 1 ? "" : ` · ${fill(this.texts.aboutTier, { rate: this.number(rate) })}`));
    }
    if (!customer.next) {
      part.append(make("p", { class: "rg-small" }, this.texts.topTier));
      return part;
    }
    const share = Math.max(0, Math.min(1, (customer.spend_minor - from) / (customer.next.from_minor - from)));
    const words = fill(this.texts.toNext, { amount: this.money(customer.missing_minor), tier: customer.next.name });
    part.append(make("progress", { class: "rg-progress", max: 1, value: share.toFixed(3), "aria-label": words }), make("p", { class: "rg-small" }, words));
    return part;
  }

  codes(customer) {
    if (!customer.codes.length) return null;
    return make("div", { class: "rg-part" }, make("h3", {}, this.texts.yourCodes), ...customer.codes.map((code) => this.code(code)));
  }

  code(code) {
    const { texts } = this;
    if (!code.code) return make("p", { class: "rg-small", role: "status" }, texts.making);
    const copy = make("button", { type: "button", class: "rg-button rg-quiet", onclick: () => this.copy(code.code, copy) }, texts.copy);
    const here = encodeURIComponent(location.pathname + location.search);
    const use = code.apply && make("a", { class: "rg-button", href: `${code.apply}?redirect=${here}` }, texts.use);
    const terms = [fill(texts.validUntil, { date: this.date(code.expires_at) })];
    if (code.minimum_minor) terms.push(fill(texts.minimum, { amount: this.money(code.minimum_minor) }));
    const worth = make("strong", {}, code.name || this.money(code.value_minor));
    return make("div", { class: "rg-code" }, worth, make("code", { dir: "ltr" }, code.code), make("div", { class: "rg-row" }, ...[use, copy, code.can_return && this.backButton(code)].filter(Boolean)), make("p", { class: "rg-small" }, terms.join(" · ")));
  }

  backButton(code) {
    const { texts } = this;
    const button = make("button", { type: "button", class: "rg-button rg-quiet", "aria-label": `${texts.giveBack}: ${code.name}` }, texts.giveBack);
    const words = fill(texts.confirmBack, { points: this.points(code.points) });
    button.addEventListener("click", () => this.sure(button, words, texts.giveBack, () => this.change(`redemptions/${code.id}/return`, {})));
    return button;
  }

  membership(customer) {
    if (!customer.member) return null;
    const { texts } = this;
    const leave = make("button", { type: "button", class: "rg-button rg-quiet" }, texts.leave);
    leave.addEventListener("click", () => this.sure(leave, texts.leaveWords, texts.leave, () => this.change("membership", { member: "0" })));
    return make("details", { class: "rg-part rg-history" }, make("summary", {}, make("h3", {}, texts.membership)), make("div", { class: "rg-row" }, leave));
  }

  joinButton() {
    const join = make("button", { type: "button", class: "rg-button" }, this.texts.join);
    const box = make("div", { class: "rg-row" }, join);
    join.addEventListener("click", () => this.attempt(box, [join], () => this.change("membership", { member: "1" })));
    return box;
  }

  // One change of what is the shopper's own, then everything anew.
  async change(what, values) {
    await send(`${this.proxy}/loyalty/${what}`, { ...values, token: this.state.token });
    await this.load(true);
    this.live.querySelector("button, a, summary")?.focus();
  }

  // Asks before `act`; a page that was open too long gets one more try with what is new.
  sure(button, words, label, act, more) {
    const yes = make("button", { type: "button", class: "rg-button" }, label);
    const back = () => (box.replaceWith(button), button.focus());
    const no = make("button", { type: "button", class: "rg-button rg-quiet", onclick: back }, this.texts.cancel);
    const box = make("div", { class: "rg-confirm" }, make("p", {}, words || ""), more, make("div", { class: "rg-row" }, yes, no));
    yes.addEventListener("click", () => this.attempt(box, [yes, no], act));
    button.replaceWith(box);
    (more?.querySelector?.("input") || yes).focus();
  }

  async attempt(box, buttons, act, again) {
    buttons.forEach((button) => (button.disabled = true));
    box.setAttribute("aria-busy", "true");
    try {
      await act();
    } catch (error) {
      if (error.code === "StalePage" && !again) {
        this.state = await loyalty(this.proxy, true).catch(() => this.state);
        return this.attempt(box, buttons, act, true);
      }
      this.refuse(error, box, buttons);
    }
  }

  async copy(text, button) {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const range = document.createRange();
      range.selectNodeContents(button.closest(".rg-code").querySelector("code"));
      getSelection().removeAllRanges();
      getSelection().addRange(range);
      document.execCommand("copy");
    }
    button.dataset.label ||= button.textContent;
    button.textContent = this.texts.copied;
    setTimeout(() => (button.textContent = button.dataset.label), 2500);
  }

  invite(referral) {
    if (!referral) return null;
    const { texts } = this;
    const copy = make("button", { type: "button", class: "rg-button rg-quiet", onclick: () => this.copy(referral.url, copy) }, texts.copyLink);
    const words = fill(texts.inviteWords, { gift: referral.gift, points: this.points(referral.points) });
    const box = make("div", { class: "rg-code" }, make("p", { class: "rg-small" }, words), make("code", { class: "rg-link", dir: "ltr" }, referral.url), make("div", { class: "rg-row" }, copy));
    const counts = ["waiting", "rewarded"].map((state) => this.number(referral.invited.filter((one) => one.state === state).length));
    if (referral.invited.length) box.append(make("p", { class: "rg-small" }, fill(texts.invited, { count: this.number(referral.invited.length), waiting: counts[0], rewarded: counts[1] })));
    return make("div", { class: "rg-part" }, make("h3", {}, texts.invite), box);
  }

  rewards(rewards, customer) {
    if (!rewards.length) return null;
    const rows = rewards.map((reward) => this.reward(reward, customer));
    return make("div", { class: "rg-part" }, make("h3", {}, this.texts.rewards), make("ul", { class: "rg-list" }, ...rows));
  }

  reward(reward, customer) {
    const terms = [this.points(reward.cost)];
    if (reward.minimum_minor) terms.push(fill(this.texts.minimum, { amount: this.money(reward.minimum_minor) }));
    const words = make("div", {}, make("span", { class: "rg-name", dir: "auto" }, reward.name), make("span", { class: "rg-small" }, terms.join(" · ")));
    const row = make("li", {}, words);
    if (!customer) return row;
    const missing = reward.cost - customer.available;
    if (missing > 0) row.append(make("span", { class: "rg-small rg-end" }, fill(this.texts.missing, { points: this.points(missing) })));
    else row.append(this.redeemButton(reward, customer));
    return row;
  }

  redeemButton(reward, customer) {
    const { texts } = this;
    const button = make("button", { type: "button", class: "rg-button rg-quiet" }, texts.redeem);
    button.setAttribute("aria-label", `${texts.redeem}: ${reward.name}`);
    button.addEventListener("click", () => {
      const key = crypto.randomUUID ? crypto.randomUUID() : `${Date.now()}-${Math.random().toString(36).slice(2)}`;
      const choice = reward.chosen && this.choice(reward, customer);
      const words = choice ? "" : fill(texts.confirm, { points: this.points(reward.cost) });
      this.sure(button, words, texts.redeem, () => this.redeem(reward, key, choice), choice);
    });
    return button;
  }

  // How many points for a reward of chosen worth, and what they are worth.
  choice(reward, customer) {
    const [least, most] = [reward.chosen[0], Math.min(reward.chosen[1], customer.available)];
    const worth = make("output", { class: "rg-small" });
    const input = make("input", { class: "rg-input", type: "number", inputmode: "numeric", min: least, max: most, value: least, required: true });
    const show = () => (worth.textContent = this.money(Math.floor((reward.value_minor * (input.valueAsNumber || 0)) / reward.cost_points)));
    input.addEventListener("input", show);
    show();
    const words = fill(this.texts.howMany, { least: this.number(least), most: this.points(most) });
    return make("label", { class: "rg-part" }, make("span", {}, words), input, worth);
  }

  async redeem(reward, key, choice) {
    const values = { reward_id: reward.id, request_key: key, token: this.state.token };
    const input = choice?.querySelector("input");
    if (input && !input.reportValidity()) throw Object.assign(new Error("range"), { status: 422, message: "" });
    if (input) values.points = input.value;
    await this.issued(await send(`${this.proxy}/loyalty/redeem`, values));
  }

  async issued(code) {
    for (let tries = 0; code.state === "reserved" && tries < 15; tries++) {
      await new Promise((done) => setTimeout(done, 2000));
      code = await ask(`${this.proxy}/loyalty/redemptions/${code.id}`);
    }
    await this.load(true);
    const target = this.live.querySelector(".rg-code .rg-button");
    if (code.state === "returned") this.live.prepend(make("p", { class: "rg-note", role: "alert" }, this.texts.returned));
    else if (target) target.focus(), target.scrollIntoView({ block: "center" });
  }

  refuse(error, box, buttons) {
    const known = { NotEnoughPoints: "notEnough", RewardPaused: "unavailable", NotFound: "unavailable", TooMany: "limit", NotSignedIn: "signedOut" };
    const words = this.texts[error.status ? known[error.code] || "failed" : "offline"];
    box.removeAttribute("aria-busy");
    box.querySelector("[role=alert]")?.remove();
    box.append(make("p", { class: "rg-wrong", role: "alert" }, words));
    buttons.forEach((button) => (button.disabled = false));
  }

  history(customer) {
    if (!customer.history.length) return null;
    const list = make("ul", { class: "rg-list" }, ...customer.history.map((entry) => this.entry(entry)));
    const part = make("details", { class: "rg-part rg-history" }, make("summary", {}, make("h3", {}, this.texts.history)), list);
    if (customer.more) part.append(this.moreButton(list, customer.more));
    return part;
  }

  moreButton(list, before) {
    const button = make("button", { type: "button", class: "rg-button rg-quiet" }, this.texts.more);
    const box = make("div", { class: "rg-row" }, button);
    button.addEventListener("click", () =>
      this.attempt(box, [button], async () => {
        const page = await ask(`${this.proxy}/loyalty/history?before=${before}`);
        const rows = page.history.map((entry) => this.entry(entry));
        list.append(...rows);
        rows[0]?.setAttribute("tabindex", "-1");
        rows[0]?.focus();
        page.more ? box.replaceWith(this.moreButton(list, page.more)) : box.remove();
      }),
    );
    return box;
  }

  entry(entry) {
    const { texts } = this;
    const what = fill(texts.kinds[entry.kind] || "", { order: entry.order || "", reward: entry.reward || "" }).trim();
    const waits = entry.pending && (entry.available_at ? fill(texts.free, { date: this.date(entry.available_at) }) : texts.whenSent);
    const when = make("span", { class: "rg-small" }, this.date(entry.at) + (waits ? ` · ${waits}` : ""));
    const why = this.why(entry);
    const points = new Intl.NumberFormat(this.language, { signDisplay: "always" }).format(entry.points);
    return make("li", {}, make("div", {}, make("span", { class: "rg-name", dir: "auto" }, what), when, why && make("span", { class: "rg-small", dir: "auto" }, why)), make("strong", { class: "rg-figure" }, points));
  }

  // An entry in words: why points went, or how they were counted.
  why({ why, counted, note }) {
    if (note) return note;
    if (why) return this.texts.why[why] || "";
    if (!counted) return "";
    const [points, per] = counted.earn;
    const words = fill(this.texts.countedFrom, { amount: this.money(counted.minor), points: this.points(points), money: this.money(per) });
    const rate = counted.tier && counted.tier.rate[0] / counted.tier.rate[1];
    return rate && rate !== 1 ? words + fill(this.texts.countedTier, { rate: this.number(rate), tier: counted.tier.name }) : words;
  }

  number(value) {
    return new Intl.NumberFormat(this.language, { maximumFractionDigits: 2 }).format(value);
  }

  unit(value) {
    return value === 1 ? this.state.program.one : this.state.program.many;
  }

  points(value) {
    return `${this.number(value)} ${this.unit(value)}`;
  }

  money(minor) {
    const { currency, digits } = this.state.program;
    return new Intl.NumberFormat(this.language, { style: "currency", currency }).format(minor / 10 ** digits);
  }

  date(moment) {
    return moment ? new Intl.DateTimeFormat(this.language, { dateStyle: "medium" }).format(new Date(moment)) : "";
  }
}
