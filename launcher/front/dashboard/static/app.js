"use strict";
// The page of all checkouts. The documentation of the server's package describes
// what it sends.
//
// view is what is shown. It is in the address, so that it survives a reload and
// can be copied. state is what the server has sent last. The lines of the log
// belong to one checkout at a time: each request and each message about them has
// the number of the view that it is for.

const $ = (id) => document.getElementById(id);
const maxRows = 4000; // in the document; older and newer ones are loaded when one scrolls
const pageRows = 500;

let state = null;
let view = readAddress();
let socket = null, failures = 0, version = "";
let typing = 0; // the timer of an expression that is being typed

// ---- view and address

function readAddress() {
  const p = new URLSearchParams(location.hash.slice(1));
  return {
    checkout: p.get("checkout") || "", services: p.getAll("service"), grep: p.get("grep") || "",
    at: p.get("at") || "", times: p.get("times") !== "off",
  };
}

function address() {
  const p = new URLSearchParams();
  if (view.checkout) p.append("checkout", view.checkout);
  for (const s of view.services) p.append("service", s);
  if (view.grep) p.append("grep", view.grep);
  if (view.at) p.append("at", view.at);
  if (!view.times) p.append("times", "off");
  return "#" + p;
}

function saveAddress(push) {
  if (address() === (location.hash || "#")) return;
  history[push ? "pushState" : "replaceState"](null, "", address());
}

// show changes the view.
function show(change, push = true) {
  const before = view;
  view = { ...view, ...change };
  saveAddress(push);
  if (before.checkout !== view.checkout || String(before.services) !== String(view.services)) fail("");
  render();
  if (["checkout", "services", "grep"].some((k) => String(before[k]) !== String(view[k]))) log.open();
}

// pick shows a checkout or one of its services, where it was left.
const left = new Map();
const place = (v) => JSON.stringify([v.checkout, v.services.length === 1 && v.services[0]]);
function pick(checkout, services) {
  const to = { checkout, services, at: "" };
  left.set(place(view), { services: view.services, at: view.at });
  show(place(to) === place(view) ? to : { ...to, ...left.get(place(to)) });
}

window.addEventListener("popstate", async () => {
  try { await signIn(); } catch { /* the next time */ }
  view = readAddress();
  render();
  log.open();
});

// ---- session and stream

// signIn trades the token in the address for a cookie. It throws if the front does
// not respond; the token stays then.
async function signIn() {
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  if (!token) return;
  let r = await request("session", { token });
  // Some browsers refuse a Secure cookie on http.
  if (!r.error && (await fetch("/api/state")).status === 401) r = await request("session", { token, plain: true });
  const p = new URLSearchParams(location.hash.slice(1));
  p.delete("token");
  history.replaceState(null, "", location.pathname + (String(p) && "#" + p));
  view = readAddress();
  if (r.error) setText($("signin-text"), r.error[0].toUpperCase() + r.error.slice(1) + ". In a terminal, run:");
}

async function connect() {
  let signedIn = false;
  try {
    await signIn();
    const r = await fetch("/api/state");
    signedIn = r.ok;
    if (r.ok) receiveState(await r.json());
    $("signin").hidden = r.status !== 401 && r.status !== 403;
    if (!$("signin").hidden) {
      $("main").hidden = true;
      status("signed out", "bad");
      return setTimeout(connect, 2000);
    }
  } catch { /* the front restarts */ }
  if (!signedIn) return reconnect();
  socket = new WebSocket("ws://" + location.host + "/api/stream");
  socket.onopen = () => {
    failures = 0;
    status("live", "good");
    log.open(true);
  };
  socket.onmessage = (e) => {
    const m = JSON.parse(e.data);
    if (m.state) receiveState(m.state);
    if (m.follow === log.id) log.receive(m);
  };
  socket.onclose = reconnect;
}

function reconnect() {
  socket = null;
  status("reconnecting", "busy");
  setTimeout(connect, Math.min(2000, 100 * 2 ** failures++));
}

function send(message) {
  if (socket && socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
}

function status(text, kind) {
  setText($("connection"), text);
  $("connection").className = kind;
}

async function request(path, body) {
  const r = await fetch("/api/" + path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
  return r.ok ? {} : await r.json();
}

async function post(path, body) {
  try {
    return await request(path, body);
  } catch {
    return { error: "devports does not respond", hint: "devports dashboard" };
  }
}

function receiveState(s) {
  if (version && s.version !== version) return location.reload(); // another version of devports
  version = s.version;
  const first = !state, known = checkout();
  state = s;
  $("main").hidden = false;
  if (first && !view.checkout && (s.checkouts.length === 1 || matchMedia("(min-width: 46rem)").matches)) {
    view.checkout = (s.checkouts.find((c) => c.running) || s.checkouts[0] || { id: "" }).id;
  }
  render();
  if (!first && !known && checkout()) log.open();
}

// ---- checkouts

const checkout = () => state && state.checkouts.find((c) => c.id === view.checkout);
const service = () => {
  const c = checkout();
  return c && view.services.length === 1 ? c.services.find((s) => s.name === view.services[0]) : undefined;
};
const title = (c) => c.project + (c.worktree ? " (" + c.worktree + ")" : "");
const up = (s) => s.state === "ready" || s.state === "done";

function make(tag, className, ...children) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  node.append(...children);
  return node;
}

// setText and setHidden change nothing that is there already, so that focus,
// selections and screen readers are left alone.
function setText(node, text) { if (node.textContent !== text) node.textContent = text; }
function setHidden(node, hidden) { if (node.hidden !== hidden) node.hidden = hidden; }
function setClass(node, name) { if (node.className !== name) node.className = name; }
function setLink(node, url) { if (node.getAttribute("href") !== url) node.href = url; }

// keyed makes the children of parent those of the items. A node stays that of its
// item.
function keyed(parent, items, key, create, fill) {
  const known = new Map([...parent.children].map((n) => [n.dataset.key, n]));
  let last = null;
  for (const item of items) {
    let node = known.get(key(item));
    if (node) known.delete(key(item));
    else {
      node = create(item);
      node.dataset.key = key(item);
    }
    const place = last ? last.nextSibling : parent.firstChild;
    if (node !== place) parent.insertBefore(node, place);
    fill(node, item);
    last = node;
  }
  for (const node of known.values()) node.remove();
}

function render() {
  if (!state) return;
  const services = state.checkouts.filter((c) => c.running).flatMap((c) => c.services).filter((s) => s.state !== "inactive");
  const running = state.checkouts.filter((c) => c.running).length;
  setText($("summary"), running ? `${plural(running, "checkout")}, ${services.filter(up).length} of ${plural(services.length, "service")} ready` : "");
  setHidden($("empty"), state.checkouts.length > 0);
  keyed($("checkouts"), state.checkouts, (c) => c.id, newCheckout, fillCheckout);
  renderPane();
}

function newCheckout(c) {
  const button = make("button", "pick", make("span", "title"), make("span", "branch"), make("span", "count"));
  button.onclick = () => pick(c.id, []);
  return make("section", "checkout", make("h2", "", button), make("p", "warning"), make("ul", ""));
}

function fillCheckout(node, c) {
  const [heading, warning, list] = node.children;
  const [name, branch, count] = heading.firstChild.children;
  const started = c.services.filter((s) => s.state !== "inactive");
  setClass(node, "checkout" + (c.running ? "" : " gone"));
  setText(name, title(c));
  setText(branch, [c.branch, c.commit].filter(Boolean).join(" "));
  setText(count, c.running ? `${started.filter(up).length}/${started.length}` : "ended");
  heading.firstChild.title = c.directory;
  current(heading.firstChild, c.id === view.checkout && !view.services.length);
  setText(warning, c.running ? c.problem || c.warning || "" : c.ended || "");
  setHidden(warning, !warning.textContent);
  keyed(list, c.services, (s) => s.name, (s) => newService(c, s), fillService(c));
}

function newService(c, s) {
  const button = make("button", "pick", make("span", "name"), make("span", "state"), make("span", "load"));
  button.onclick = () => pick(c.id, [s.name]);
  return make("li", "", button, make("a", "where"), make("p", "why"));
}

const fillService = (c) => (node, s) => {
  const [pick, where, why] = node.children;
  const [name, label, load] = pick.children;
  setText(name, s.name);
  setText(label, c.running ? s.label : "ended");
  setClass(label, "state " + (c.running ? s.state : "stopped"));
  setText(load, c.running ? [percent(s), bytes(s.memory)].filter(Boolean).join(" · ") : "");
  current(pick, c.id === view.checkout && view.services.includes(s.name));
  link(where, c.running ? s.address : "");
  setText(why, c.running && !up(s) ? s.detail || "" : "");
  setClass(why, "why " + s.state);
  setHidden(why, !why.textContent);
};

// link shows an address, as a link if it is one.
function link(node, address = "") {
  setText(node, address.replace(/^http:\/\//, ""));
  setHidden(node, !address);
  if (/^http:/.test(address)) {
    setLink(node, address);
    node.target = "_blank";
    node.rel = "noopener";
  } else node.removeAttribute("href");
}

function current(node, is) {
  if (is) node.setAttribute("aria-current", "true");
  else node.removeAttribute("aria-current");
}

function renderPane() {
  const c = checkout(), s = service();
  setHidden($("pane"), !c);
  document.title = c ? `${title(c)}${s ? " " + s.name : ""} · devports` : "devports";
  document.body.classList.toggle("picked", Boolean(c));
  if (!c) return;
  setText($("pane-title"), title(c) + (s ? " / " + s.name : ""));
  setText($("why"), !c.running ? c.ended || "" : s && !up(s) ? s.detail || "" : c.problem || c.warning || "");
  setClass($("why"), s && c.running ? "why " + s.state : "why");
  setHidden($("why"), !$("why").textContent);
  renderFacts();
  const targets = (view.services.length ? c.services.filter((s) => view.services.includes(s.name)) : c.services).filter((s) => view.services.length || s.state !== "inactive");
  const live = (s) => ["starting", "ready", "backoff", "waiting", "stopping"].includes(s.state);
  enable($("start"), !c.running || targets.some((s) => !live(s))); // the server says how to start a run
  enable($("stop"), c.running && targets.some(live));
  enable($("restart"), c.running);
  setHidden($("open"), !c.running || !(s ? /^http:/.test(s.address || "") : c.url));
  setLink($("open"), s ? s.address || "" : c.url || "");
  setHidden($("point"), !c.running || !s || !s.port);
  keyed($("shown"), c.services.filter((s) => s.lines || view.services.includes(s.name)), (s) => s.name, newChip, (node, s) => {
    setText(node, s.name);
    setPressed(node, !view.services.length || view.services.includes(s.name));
    setClass(node, "chip n" + color(c, s.name));
  });
  setPressed($("times"), view.times);
  setPressed($("follow"), !view.at);
  if (!typing && document.activeElement !== $("grep")) $("grep").value = view.grep;
  $("log").classList.toggle("times", view.times);
  $("log").classList.toggle("single", view.services.length === 1);
  $("log").style.setProperty("--name", Math.min(16, Math.max(8, ...c.services.map((s) => s.name.length))) + "ch");
  const here = state.points.filter((p) => s && p.checkout === c.id && p.service === s.name);
  keyed($("points"), here, (p) => String(p.port), newPoint, (node, p) => { node.title = p.detail || p.state; });
}

function renderFacts() {
  const c = checkout(), s = service();
  if (!c) return;
  const points = (state.points || []).filter((p) => p.checkout === c.id && (!s || p.service === s.name)).map((p) => `localhost:${p.port} points here`);
  const facts = s
    ? [c.running ? s.label : "ended", s.port && "port " + s.port, s.pid && "pid " + s.pid, s.since && "for " + age(s.since), s.restarts && plural(s.restarts, "restart"), percent(s), bytes(s.memory), s.exit !== $("why").textContent && s.exit, ...points]
    : [c.directory, [c.branch, c.commit].filter(Boolean).join(" "), c.running && "pid " + c.pid, c.running && "for " + age(c.since), ...points];
  setText($("facts"), facts.filter(Boolean).join(" · "));
}

function newPoint(p) {
  const end = make("button", "", `End ${p.port}`);
  end.onclick = () => act(end, "point", { port: p.port, off: true });
  return end;
}

function newChip(s) {
  const chip = make("button", "chip");
  chip.onclick = () => {
    const now = view.services;
    const services = now.includes(s.name) ? now.filter((n) => n !== s.name) : [...now, s.name];
    show({ services, at: "" });
  };
  return chip;
}

const color = (c, name) => Math.max(0, c.services.findIndex((s) => s.name === name)) % 8;
function setPressed(node, is) { if (node.getAttribute("aria-pressed") !== String(is)) node.setAttribute("aria-pressed", is); }
function enable(button, is) { if (button.disabled === is && !button.hasAttribute("aria-busy")) button.disabled = !is; }

const count = (n) => n.toLocaleString("en");
const plural = (n, word) => `${count(n)} ${word}${n === 1 ? "" : "s"}`;
const percent = (s) => (s.cpu === undefined ? "" : s.cpu < 10 ? s.cpu.toFixed(1) + " %" : Math.round(s.cpu) + " %");
function bytes(n) {
  if (!n) return "";
  return n < 1e9 ? Math.round(n / 1e6) + " MB" : (n / 1e9).toFixed(1) + " GB";
}
function age(since) {
  const s = Math.max(0, Math.floor((Date.now() - Date.parse(since)) / 1000));
  if (s < 60) return s + " s";
  if (s < 3600) return Math.floor(s / 60) + " min";
  if (s < 86400) return Math.floor(s / 3600) + " h " + Math.floor((s % 3600) / 60) + " min";
  return plural(Math.floor(s / 86400), "day");
}

// ---- actions

async function act(button, path, body) {
  if (button.hasAttribute("aria-busy")) return;
  const focused = document.activeElement === button; // which ends once it is disabled
  button.setAttribute("aria-busy", "true");
  button.disabled = true;
  const about = address();
  fail("");
  const r = await post(path, body);
  button.removeAttribute("aria-busy");
  button.disabled = false;
  if (focused && document.activeElement === document.body) button.focus();
  if (r.error && address() === about) fail(r.error, r.hint);
  renderPane();
}

function fail(error, hint) {
  const node = $("failure");
  node.replaceChildren(error || "");
  if (error && hint) node.append(": ", make("code", "", hint));
  node.hidden = !error;
}

for (const verb of ["start", "stop", "restart"]) {
  // The second click of a double click is none of its own.
  $(verb).onclick = (e) => { if (e.detail < 2) act($(verb), verb, { checkout: view.checkout, services: view.services }); };
}
$("point").onsubmit = (e) => {
  e.preventDefault();
  act($("point").lastElementChild, "point", { port: Number($("point-port").value), checkout: view.checkout, service: view.services[0] });
};

// ---- log

const log = {
  id: 0, rows: [], queue: [], start: false, end: true, since: 0, waiting: 0, loading: false, drawing: false, top: 0,

  // open shows the lines of the view; resume keeps those that are shown.
  open(resume = false) {
    const newest = resume ? this.cursor(-1) : "";
    if (resume) this.waiting = 0; // they are sent again
    this.id++;
    this.queue = [];
    this.loading = false;
    if (!newest) this.clear();
    const c = checkout();
    if (!c) return send({ follow: { id: this.id } });
    if (view.at && !newest) this.load("from", view.at);
    send({ follow: { id: this.id, checkout: view.checkout, services: view.services, grep: view.grep, ...(view.at && !newest ? { live: true } : newest && { after: newest }) } });
  },

  clear() {
    this.rows = [];
    this.waiting = 0;
    this.start = false;
    this.end = !view.at;
    this.top = 0; // so that the event of this is not taken for scrolling up
    $("lines").replaceChildren();
    this.showEdge();
    this.showLater();
  },

  // cursor is that of the first row, or with -1 of the last, that has one.
  cursor(end) {
    const row = end < 0 ? this.rows.findLast((r) => r.line.c) : this.rows.find((r) => r.line.c);
    return row ? row.line.c : "";
  },

  receive(m) {
    if (m.error) return fail(m.error);
    if (m.start) {
      this.start = true;
      this.since = m.since;
    }
    if (m.skipped) this.queue.push({ gap: m.skipped, skipped: true });
    this.queue.push(...(m.lines || []));
    if (view.at) return this.hold();
    if (this.queue.length > maxRows) {
      const dropped = this.queue.splice(0, this.queue.length - maxRows);
      this.queue.unshift({ gap: lineCount(dropped), skipped: true });
    }
    if (!this.drawing) requestAnimationFrame(() => this.draw());
    this.drawing = true;
  },

  draw() {
    this.drawing = false;
    if (this.paused()) return this.hold(); // since they arrived
    this.add(this.queue, true);
    this.queue = [];
    this.trim(true);
    this.showEdge();
    this.toEnd();
  },

  // paused reports whether the log does not follow. The event for scrolling up may
  // come later.
  paused() {
    if (!view.at && $("log").scrollTop < this.top - 1 && !this.atEnd()) this.pause();
    return Boolean(view.at);
  },

  // hold counts the new lines only: what is read stays where it is.
  hold() {
    if (!this.queue.length) return;
    this.end = false;
    this.waiting += lineCount(this.queue);
    this.queue = [];
    this.showLater();
  },

  add(lines, atEnd) {
    const rows = lines.map((line) => ({ line, node: newRow(line) }));
    const part = document.createDocumentFragment();
    part.append(...rows.map((r) => r.node));
    if (atEnd) $("lines").append(part);
    else $("lines").prepend(part);
    this.rows = atEnd ? this.rows.concat(rows) : rows.concat(this.rows);
  },

  trim(atStart) {
    const extra = this.rows.length - maxRows;
    if (extra <= 0) return;
    for (const r of atStart ? this.rows.splice(0, extra) : this.rows.splice(-extra)) r.node.remove();
    if (atStart) this.start = false;
    else this.end = false;
    this.showEdge();
  },

  // load loads lines before, after or from a cursor.
  async load(where, cursor) {
    if (this.loading) return;
    this.loading = true;
    const id = this.id, p = new URLSearchParams({ checkout: view.checkout, n: pageRows, grep: view.grep, [where]: cursor });
    for (const s of view.services) p.append("service", s);
    let answer;
    try {
      const r = await fetch("/api/lines?" + p);
      answer = await r.json();
    } catch {
      answer = { error: "devports does not respond" };
    }
    if (id !== this.id) return;
    this.loading = false;
    if (!view.at) return; // it follows again
    if (answer.error) return fail(answer.error, answer.hint);
    this.since = answer.since;
    const box = $("log"), anchor = this.rows[where === "before" ? 0 : this.rows.length - 1]?.node, was = anchor && anchor.offsetTop;
    if (where === "before") {
      this.start = answer.start;
      this.add(answer.lines, false);
      this.trim(false);
    } else {
      this.end = answer.end;
      this.add(answer.lines, true);
      this.trim(true);
    }
    this.showEdge();
    if (where === "from") {
      if (this.rows.length) box.scrollTop = this.rows[0].node.offsetTop;
      this.load("before", this.cursor(0) || cursor);
    } else if (anchor) box.scrollTop += anchor.offsetTop - was; // what is in sight stays where it is
    this.top = box.scrollTop;
  },

  showEdge() {
    const edge = $("edge");
    if (!this.rows.length) return setText(edge, this.end && this.start ? "No line matches." : "");
    setText(edge, this.start ? "The log begins here" + (this.since ? ", " + new Date(this.since).toLocaleString() : "") + "." : "");
  },

  showLater() {
    setHidden($("later"), !view.at);
    setText($("later"), this.waiting ? plural(this.waiting, "newer line") : "Jump to the newest line");
  },

  atEnd() {
    const box = $("log");
    return box.scrollHeight - box.scrollTop - box.clientHeight < 24;
  },

  toEnd() {
    $("log").scrollTop = $("log").scrollHeight;
    this.top = $("log").scrollTop;
  },

  // visible is the cursor of the first row in sight.
  visible() {
    const top = $("log").scrollTop;
    let low = 0, high = this.rows.length - 1;
    while (low < high) {
      const mid = (low + high) >> 1;
      const node = this.rows[mid].node;
      if (node.offsetTop + node.offsetHeight <= top) low = mid + 1;
      else high = mid;
    }
    const row = this.rows.slice(low).find((r) => r.line.c);
    return row ? row.line.c : this.cursor(-1);
  },

  scrolled() {
    const box = $("log"), up = box.scrollTop < this.top - 1, down = box.scrollTop > this.top + 1;
    this.top = box.scrollTop;
    if (!view.at) {
      if (!up || this.atEnd()) return;
      this.pause();
    }
    if (box.scrollTop < 600 && !this.start && this.rows.length) this.load("before", this.cursor(0));
    else if (!up && box.scrollHeight - box.scrollTop - box.clientHeight < 600) {
      if (!this.end) this.load("after", this.cursor(-1));
      else if (down && this.atEnd()) return this.resume(); // toEnd causes the event, too
    }
    clearTimeout(this.saving);
    this.saving = setTimeout(() => {
      if (!view.at) return;
      view.at = this.visible() || view.at;
      saveAddress(false);
    }, 150);
  },

  pause() {
    const at = this.visible();
    if (!at) return;
    this.end = true;
    show({ at }, false);
    this.showLater();
  },

  // resume follows the log from its end.
  resume() {
    const near = this.end && !this.waiting;
    show({ at: "" }, false);
    this.showLater();
    if (!near) return this.open();
    this.toEnd();
  },
};

const lineCount = (lines) => lines.reduce((n, l) => n + (l.gap || 1), 0);

function newRow(line) {
  if (line.run) return make("div", "missing", line.run);
  if (line.gap) {
    const why = line.skipped ? "not shown: scroll up or filter to see them" : line.why || "missing";
    return make("div", "missing", `${plural(line.gap, "line")} ${why}`);
  }
  const text = make("span", "text"), when = make("time", "", clock(line.t));
  when.dateTime = new Date(line.t).toISOString();
  const c = checkout();
  const node = make("div", line.o ? "own" : "", when, make("b", line.o ? "" : "n" + (c ? color(c, line.s) : 0), line.s), text);
  const fields = parseFields(line);
  if (fields) {
    text.append(...fields);
    text.classList.add("fields");
    text.title = plain(line);
  } else for (const segment of line.p || []) text.append(...newSegment(segment));
  if (line.cut) text.append(make("i", "cut", ` (${bytes(line.cut) || line.cut + " bytes"} more)`));
  return node;
}

const plain = (line) => (line.p || []).map((s) => (typeof s === "string" ? s : s[0])).join("");

function newSegment(segment) {
  if (typeof segment === "string") return linked(segment);
  const [text, classes, fore, back] = segment, node = make("span", classes, ...linked(text));
  if (fore) node.style.color = fore;
  if (back) node.style.backgroundColor = back;
  return [node];
}

// linked makes links of the URLs in a text.
function linked(text) {
  if (!text.includes("://")) return [text];
  return text.split(/(https?:\/\/[^\s"'<>()\[\]]*[^\s"'<>()\[\].,:;!?])/).map((part, i) => {
    if (i % 2 === 0) return part;
    const a = make("a", "", part);
    a.href = part;
    a.target = "_blank";
    a.rel = "noopener noreferrer";
    return a;
  });
}

// members returns the members of a valid JSON object in their order. Values are as
// they are written: a number may have more digits than JavaScript keeps.
function members(text) {
  const found = [];
  let depth = 0, string = "", name = "", start = 0;
  for (const { 0: token, index } of text.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\],:]/g)) {
    if (token[0] === '"') string = token;
    else if (token === ":" && depth === 1) [name, start] = [string, index + 1];
    else if (token === "{" || token === "[") depth++;
    else {
      if (depth === 1 && name) found.push([JSON.parse(name), text.slice(start, index).trim()]);
      if (depth === 1) name = "";
      if (token !== "," && token !== ":") depth--;
    }
  }
  return found;
}

// visible replaces control characters, and those that change the direction of a
// text, with their escapes in JSON.
const visible = (text) =>
  text.replace(/[\0-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, (c) => "\\u" + c.charCodeAt(0).toString(16).padStart(4, "0"));

// parseFields returns the fields of a line that is a JSON object: its level and
// message first.
function parseFields(line) {
  const text = plain(line);
  if (line.cut || text[0] !== "{" || text.at(-1) !== "}") return null;
  try { JSON.parse(text); } catch { return null; }
  const all = members(text);
  const show = (value) => visible(value[0] === '"' ? JSON.parse(value) : value);
  const take = (...names) => {
    for (const name of names) {
      const i = all.findLastIndex(([n, value]) => n === name && /^["\d-]/.test(value));
      if (i >= 0) return show(all.splice(i, 1)[0][1]);
    }
    return "";
  };
  const level = take("level", "lvl", "severity"), message = take("msg", "message");
  if (!level && !message) return null;
  take("time", "ts", "timestamp", "@timestamp");
  const kind = /^(err|fatal|panic|crit|50|60)/i.test(level) ? "bad" : /^(warn|40)/i.test(level) ? "busy" : "dim";
  const parts = [];
  if (level) parts.push(make("span", kind, level + " "));
  parts.push(message);
  for (const [name, value] of all) parts.push(make("span", "dim", " " + visible(name) + "="), show(value));
  return parts;
}

function clock(ms) {
  const d = new Date(ms), two = (n) => String(n).padStart(2, "0");
  return `${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}.${String(d.getMilliseconds()).padStart(3, "0")} `;
}

let scrolling = false;
$("log").addEventListener("scroll", () => {
  if (scrolling) return;
  scrolling = true;
  requestAnimationFrame(() => {
    scrolling = false;
    log.scrolled();
  });
}, { passive: true });
new ResizeObserver(() => { if (!log.paused()) log.toEnd(); }).observe($("log"));

$("later").onclick = () => log.resume();
$("follow").onclick = () => (view.at ? log.resume() : log.pause());
$("times").onclick = () => show({ times: !view.times }, false);
$("grep").oninput = () => {
  clearTimeout(typing);
  typing = setTimeout(() => {
    typing = 0;
    fail("");
    show({ grep: $("grep").value, at: "" }, false);
  }, 200);
};

// ---- keys

function step(by) {
  const all = state.checkouts.flatMap((c) => [[c.id, []], ...c.services.map((s) => [c.id, [s.name]])]);
  const now = all.findIndex(([checkout, services]) => place({ checkout, services }) === place(view));
  const next = all[Math.min(all.length - 1, Math.max(0, now + by))];
  if (!next || next === all[now]) return;
  pick(...next);
  document.querySelector("#checkouts [aria-current]")?.scrollIntoView({ block: "nearest" });
}

const keys = {
  j: () => step(1), k: () => step(-1),
  "/": () => $("grep").focus(), f: () => $("follow").click(), t: () => $("times").click(),
  r: () => $("restart").click(), s: () => ($("stop").disabled ? $("start") : $("stop")).click(),
  o: () => { if (!$("open").hidden) $("open").click(); },
  g: () => { log.pause(); $("log").scrollTop = 0; }, G: () => log.resume(),
  "?": () => $("keys").showModal(),
};
document.addEventListener("keydown", (e) => {
  const typed = e.target instanceof HTMLInputElement;
  if (e.repeat && (e.key === "Enter" || !typed && !"jk".includes(e.key) && keys[e.key])) return e.preventDefault(); // a key that is held acts once
  if (e.key === "Escape" && e.target === $("grep")) {
    $("grep").value = "";
    $("grep").blur();
    return show({ grep: "" }, false);
  }
  if (typed || e.ctrlKey || e.metaKey || e.altKey || $("keys").open || !state) return;
  const run = keys[e.key];
  if (!run) return;
  e.preventDefault();
  run();
});
$("keys-button").onclick = () => $("keys").showModal();

setInterval(() => { if (!document.hidden) renderFacts(); }, 1000);
connect();
