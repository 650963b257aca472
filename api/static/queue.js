// The queue by keyboard. Everything here has a button or a plain form that does the same without a script.
const list = document.getElementById("cards");
const words = document.getElementById("words").dataset;
let token = document.querySelector('meta[name="csrf-token"]').content;
const trouble = document.getElementById("trouble");
const OUTCOMES = ["ham", "spam", "abuse", "other"];
const CONFIRM_ABOVE = 50;
const CLAIM_EVERY = 60_000;
const NEWS_EVERY = 30_000;
const KEPT = "hamlet-pending";

const keys = list ? JSON.parse(list.dataset.keys) : {};
const undone = []; // What can be taken back, the newest last; its acts get `numbers` with the server's answer.
let pending = JSON.parse(sessionStorage.getItem(KEPT) ?? "[]"); // Acts that the server has not answered yet.
const seen = new Map(); // Reviews of near-copies that were settled with a card and taken back.
let sending = false;
let lastPicked = null;
let lastClaimed = "";
let claimedAt = 0;

const open = () => [...list.querySelectorAll(".card:not(.done)")];
const current = () => document.activeElement?.closest?.(".card") ?? list.querySelector(".card.current");
const say = (text) => { document.getElementById("say").textContent = text; };
const picked = () => [...list.querySelectorAll(".picked:checked")].map((box) => box.closest(".card")).filter((card) => !card.classList.contains("done"));

async function send(path, body) {
  const answer = await fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json", Accept: "application/json", "X-CSRFToken": token },
    body: JSON.stringify(body),
  });
  const told = answer.headers.get("Content-Type")?.includes("json") ? await answer.json() : {};
  return { status: answer.status, told };
}

const twinsOf = (card) => card.dataset.twins.split(",").filter(Boolean).map((one) => one.split(":")).map(([id, shown]) => [id, Number(shown)]);

// -- Moving

function focus(card, scroll = true) {
  for (const one of list.querySelectorAll(".current")) one.classList.remove("current");
  if (!card) return;
  card.classList.add("current");
  card.focus({ preventScroll: true });
  if (scroll) card.scrollIntoView({ block: "start" });
  claim(card);
  if (open().indexOf(card) > open().length - 10) more();
}

function step(by) {
  const cards = open();
  const at = cards.indexOf(current());
  focus(cards[Math.min(Math.max(at + by, 0), cards.length - 1)] ?? cards[0]);
}

// After an act: the next one that waits, or the one before if it was the last.
function moveOn(cards) {
  let next = cards[cards.length - 1].nextElementSibling;
  while (next && (!next.matches(".card") || next.classList.contains("done"))) next = next.nextElementSibling;
  const left = open();
  focus(next ?? left[left.length - 1]);
  if (!left.length && !list.querySelector(".next-page")) {
    document.getElementById("all-done").hidden = false;
    document.getElementById("all-done").scrollIntoView({ block: "center" });
  }
}

let loading = null;
function more() {
  const mark = list.querySelector(".next-page");
  if (!mark || loading) return loading;
  const query = new URLSearchParams(list.dataset.address);
  query.set("after", mark.dataset.after);
  query.set("part", "cards");
  loading = fetch(`?${query}`, { headers: { Accept: "text/html" } })
    .then(async (answer) => {
      if (!answer.ok) return;
      mark.remove();
      const made = document.createElement("template");
      made.innerHTML = await answer.text();
      prepare(made.content);
      // What stands here already came as a near-copy of something settled meanwhile.
      for (const card of [...made.content.querySelectorAll(".card")]) if (document.getElementById(card.id)) card.remove();
      list.append(made.content);
      if (!list.querySelector(".next-page")) document.getElementById("next-page")?.parentElement.remove();
      if (!current() || current().classList.contains("done")) focus(open()[0]);
    })
    .catch(() => {})
    .finally(() => { loading = null; });
  return loading;
}

// -- Acting

function act(cards, outcome, whole) {
  if (!cards.length) return;
  const bySite = new Map();
  let count = 0;
  for (const card of cards) {
    const items = bySite.get(card.dataset.site) ?? {};
    items[card.dataset.id] = Number(card.dataset.seen);
    const twins = twinsOf(card);
    if (whole) for (const [twin, shown] of twins) items[twin] = seen.get(twin) ?? shown;
    bySite.set(card.dataset.site, items);
    count += 1 + (whole ? twins.length : 0);
  }
  if (count > CONFIRM_ABOVE && !confirm(`${words.sure} ${count}`)) return;
  const acts = [...bySite].map(([site, items]) => ({
    site, items, outcome, note: cards.map((card) => card.querySelector("input[name=note]")?.value).find(Boolean) || null,
  }));
  for (const card of cards) close(card, words[outcome] + (count > cards.length ? ` (${count})` : ""), outcome);
  say(`${words[outcome]}${count > 1 ? ` (${count})` : ""}`);
  recount(-count);
  moveOn(cards);
  pending.push(...acts);
  undone.push({ acts });
  keep();
  flush();
}

function close(card, text, outcome) {
  card.classList.add("done", outcome);
  card.querySelector("form").hidden = true;
  card.querySelector(".rule-here").hidden = true;
  const line = card.querySelector(".settled");
  line.hidden = false;
  line.querySelector(".what").textContent = `${card.querySelector("h2").textContent}: ${text}`;
  const box = card.querySelector(".picked");
  if (box) box.checked = false;
}

function reopen(card) {
  card.classList.remove("done", "late", ...OUTCOMES);
  card.querySelector("form").hidden = false;
  card.querySelector(".settled").hidden = true;
}

function keep() {
  sessionStorage.setItem(KEPT, JSON.stringify(pending));
}

async function flush() {
  if (sending) return;
  sending = true;
  let wait = 1_000;
  while (pending.length) {
    const one = pending[0];
    let answer = null;
    try {
      answer = await send(one.undo ? "/dashboard/queue/undo" : "/dashboard/queue/settle", one.undo ?? one);
    } catch {
      answer = { status: 0, told: {} };
    }
    if (answer.status === 0 || answer.status >= 500 || answer.status === 429) {
      warn(`${words.offline} ${pending.length}`);
      await new Promise((done) => setTimeout(done, wait));
      wait = Math.min(2 * wait, 15_000);
      continue;
    }
    if (answer.status === 401 || (answer.status === 400 && answer.told.type?.endsWith("stale-form"))) {
      warn(`${words.signin} ${pending.length}`, `/dashboard/sign-in?next=${encodeURIComponent(location.pathname + location.search)}`);
      break;
    }
    pending.shift();
    keep();
    trouble.hidden = true;
    if (answer.status === 200) settled(one, answer.told.results);
    else refused(one, answer.told.detail ?? words.failed);
  }
  sending = false;
}

function warn(text, link) {
  trouble.textContent = text;
  if (link) {
    const anchor = Object.assign(document.createElement("a"), { href: link, textContent: " →" });
    trouble.append(anchor);
  }
  trouble.hidden = false;
}

const cardOf = (id) => document.getElementById(`c-${id}`);

function settled(one, results) {
  for (const [id, result] of Object.entries(results)) {
    const card = cardOf(id);
    if (one.undo) {
      if (!result.ok) say(result.detail);
      else seen.set(id, result.seen);
      if (card && result.ok) {
        card.dataset.seen = result.seen;
        const field = card.querySelector(`input[name="seen-${id}"]`);
        if (field) field.value = result.seen;
      }
      continue;
    }
    one.numbers ??= {};
    if (result.ok) one.numbers[id] = result.number;
    else if (card) late(card, result);
    else say(result.detail);
  }
  if (!one.undo) for (const id of Object.keys(one.items)) leftOf(cardOf(id), one);
}

// Somebody was quicker: their word stands, and is shown.
function late(card, result) {
  card.classList.add("late");
  close(card, result.by ? `${words[result.outcome] ?? words.undone} (${words.by} ${result.by})` : result.detail, result.outcome ?? "other");
  say(result.detail);
}

function refused(one, detail) {
  say(detail);
  warn(detail);
  for (const id of Object.keys((one.undo ?? one).items)) if (cardOf(id) && !one.undo) { reopen(cardOf(id)); recount(1); }
}

// One of several near-copies was settled alone: the others need a card of their own.
async function leftOf(card, one) {
  if (!card?.dataset.twins) return;
  const left = twinsOf(card).map(([id]) => id).filter((id) => !(id in one.items) && !cardOf(id));
  if (!left.length) return;
  card.dataset.twins = twinsOf(card).filter(([id]) => id in one.items).map((twin) => twin.join(":")).join();
  const answer = await fetch(`/dashboard/queue/card/${encodeURIComponent(card.dataset.site)}/${left[0]}`, { headers: { Accept: "text/html" } });
  if (!answer.ok) return;
  const made = document.createElement("template");
  made.innerHTML = await answer.text();
  if (cardOf(left[0])) return; // The next page has brought it meanwhile.
  prepare(made.content);
  card.after(made.content);
  if (!current() || current().classList.contains("done")) focus(open()[0]);
}

function undo(entry = undone.pop()) {
  if (!entry) return say(words.gone);
  for (const made of entry.acts) {
    const waiting = pending.indexOf(made);
    if (waiting > 0 || (waiting === 0 && !sending)) pending.splice(waiting, 1); // It was never sent.
    else takeBack(made);
    for (const id of Object.keys(made.items)) if (cardOf(id)) reopen(cardOf(id));
    recount(Object.keys(made.items).length);
  }
  keep();
  say(words.undone);
  document.getElementById("all-done").hidden = true;
  focus(cardOf(Object.keys(entry.acts[0].items)[0]) ?? open()[0]);
}

async function takeBack(made) {
  while (pending.includes(made)) await new Promise((done) => setTimeout(done, 50));
  if (!made.numbers || !Object.keys(made.numbers).length) return;
  pending.push({ undo: { site: made.site, items: made.numbers } });
  keep();
  flush();
}

function recount(by) {
  const count = document.getElementById("count");
  const number = Number(count.textContent.replace(/\D/g, ""));
  if (/^[\d.,\s\u202f\u00a0]+$/.test(count.textContent)) count.textContent = Math.max(0, number + by).toLocaleString(document.documentElement.lang);
}

// -- Who looks at what

async function claim(card) {
  const at = open().indexOf(card);
  const ids = open().slice(at, at + 3).map((one) => one.dataset.id);
  if (ids.join() === lastClaimed && Date.now() - claimedAt < CLAIM_EVERY) return;
  if (Date.now() - claimedAt < 2_000) return; // Who runs through the queue needs no claim: the first act wins anyway.
  lastClaimed = ids.join();
  claimedAt = Date.now();
  try {
    const { status, told } = await send("/dashboard/queue/claim", { ids });
    if (status !== 200) return;
    for (const id of ids) {
      const line = cardOf(id)?.querySelector(".claimed");
      if (!line) continue;
      line.hidden = !(id in told.others);
      line.textContent = told.others[id] ? `${told.others[id]} ${words.looking}` : "";
    }
  } catch { /* The next one will. */ }
}

addEventListener("pagehide", () => {
  if (!lastClaimed) return;
  const form = new FormData();
  form.set("csrf_token", token);
  form.set("ids", lastClaimed);
  navigator.sendBeacon("/dashboard/queue/release", form);
});

async function news() {
  if (document.hidden) return;
  try {
    const query = new URLSearchParams(list?.dataset.address ?? "");
    query.set("since", list?.dataset.now ?? String(loadedAt));
    const answer = await fetch(`/dashboard/queue/news?${query}`, { headers: { Accept: "application/json" } });
    if (!answer.ok) return;
    const { arrived } = await answer.json();
    const banner = document.getElementById("news");
    banner.hidden = arrived === 0;
    banner.querySelector("b").textContent = arrived;
    banner.querySelector("a").href = location.href;
  } catch { /* The next one will. */ }
}
const loadedAt = Date.now();
setInterval(news, NEWS_EVERY);

// -- Rules in the same gesture

async function rule(card) {
  const place = card.querySelector(".rule-here");
  if (!place.hidden) { place.hidden = true; return; }
  await fill(place, fetch(card.querySelector("a.rule").href, { headers: { Accept: "text/html", "X-Part": "1" } }));
  place.querySelector("select, input:not([type=hidden])")?.focus();
}

async function fill(place, asked) {
  try {
    const answer = await asked;
    place.innerHTML = await answer.text();
    place.hidden = false;
  } catch {
    warn(words.failed);
  }
}

list?.addEventListener("submit", (event) => {
  const place = event.target.closest(".rule-here");
  if (!place) {
    event.preventDefault();
    const outcome = event.submitter?.value;
    if (OUTCOMES.includes(outcome)) act([event.target.closest(".card")], outcome, false);
    return;
  }
  event.preventDefault();
  const body = new FormData(event.target, event.submitter);
  fill(place, fetch(event.target.getAttribute("action"), { method: "POST", body, headers: { Accept: "text/html", "X-Part": "1" } }));
});

// -- Keys and pointer

function perform(name, event) {
  const card = current() ?? open()[0];
  const upper = event.shiftKey;
  if (OUTCOMES.includes(name)) {
    const chosen = picked();
    if (upper) act(chosen.length ? chosen : card ? [card] : [], name, true);
    else if (card && !card.classList.contains("done")) act([card], name, false);
    return;
  }
  const moves = {
    next: () => step(1),
    previous: () => step(-1),
    undo: () => undo(),
    note: () => card?.querySelector("input[name=note]")?.focus(),
    rule: () => card && rule(card),
    select: () => card && pick(card, event.shiftKey),
    search: () => document.getElementById("search").focus(),
    help: () => document.getElementById("help").showModal(),
  };
  moves[name]?.();
}

function pick(card, range) {
  const box = card.querySelector(".picked");
  if (!box) return;
  const cards = open();
  if (range && lastPicked && cards.includes(lastPicked)) {
    const [low, high] = [cards.indexOf(lastPicked), cards.indexOf(card)].sort((a, b) => a - b);
    for (const one of cards.slice(low, high + 1)) one.querySelector(".picked").checked = true;
  } else box.checked = !box.checked;
  lastPicked = card;
  say(`${picked().length} ${words.selected}`);
}

addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing || event.repeat && !["j", "k"].includes(event.key)) return;
  const field = event.target.closest?.("input:not([type=checkbox]), textarea, select, [contenteditable]");
  if (field) {
    if (event.key === "Escape") { const card = field.closest(".card"); field.blur(); card?.focus({ preventScroll: true }); }
    if (event.key === "Enter" && field.name === "note") { event.preventDefault(); field.closest(".card").focus({ preventScroll: true }); }
    return;
  }
  if (document.querySelector("dialog[open]") || !list) return;
  if (event.target.closest?.("a, button, summary") && [" ", "Enter"].includes(event.key)) return;
  const pressed = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const name = Object.keys(keys).find((one) => keys[one].toLowerCase() === pressed);
  if (!name) return;
  event.preventDefault();
  perform(name, event);
});

list?.addEventListener("click", (event) => {
  const card = event.target.closest(".card");
  if (!card) return;
  const what = event.target.closest("[data-act]")?.dataset.act;
  if (what === "undo-this") {
    const at = undone.findIndex((entry) => entry.acts.some((made) => card.dataset.id in made.items));
    if (at >= 0) undo(undone.splice(at, 1)[0]);
  } else if (what === "rule") {
    event.preventDefault();
    rule(card);
  } else if (OUTCOMES.includes(what) && event.shiftKey) {
    event.preventDefault();
    perform(what, event);
  } else if (event.target.matches(".picked")) {
    if (event.shiftKey) { event.target.checked = !event.target.checked; pick(card, true); }
    else lastPicked = card;
  } else if (!event.target.closest("a, button, input, summary, details")) focus(card, false);
});

function prepare(root) {
  for (const key of root.querySelectorAll("kbd[data-key]")) key.textContent = keys[key.dataset.key] ?? key.textContent;
}

document.getElementById("help-button").addEventListener("click", () => document.getElementById("help").showModal());
addEventListener("online", flush);
// Whoever has signed in again in another tab comes back here with acts that still wait, and with a new token.
addEventListener("focus", async () => {
  if (!pending.length || sending) return;
  const answer = await fetch("/dashboard/session", { headers: { Accept: "application/json" } }).catch(() => null);
  if (!answer?.ok) return;
  token = (await answer.json()).csrf_token;
  flush();
});
if (list) {
  prepare(document);
  document.getElementById("next-page")?.parentElement.setAttribute("hidden", "");
  focus(open()[0], false);
  // Acts from before a sign-in or a reload; the cards that they settled stand here no more, or are shown as settled.
  for (const one of pending) for (const id of Object.keys((one.undo ?? one).items)) if (cardOf(id) && !one.undo) close(cardOf(id), words[one.outcome], one.outcome);
}
if (pending.length) flush();
