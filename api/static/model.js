// Other thresholds, tried on the scores of past comments while a slider moves. Without this the button asks the server.
const ACCEPT = 0;
const HOLD = 1;
const REJECT = 2;
const FINE = 1;
const LEAST = 20; // Comments drawn without which no share is told.
const FARTHEST = 7; // Log-odds at the ends of a slider, where 0 and 1 follow.
const WAIT = 300;

const form = document.querySelector("#try");
if (form) start(form);

async function start(form) {
  let past;
  try {
    const answer = await fetch(form.dataset.history, { headers: { Accept: "application/json" } });
    if (!answer.ok) return;
    past = read(await answer.json());
  } catch {
    return; // The button still works.
  }
  const { lang } = document.documentElement;
  const whole = new Intl.NumberFormat(lang, { maximumFractionDigits: 0 });
  const tenths = new Intl.NumberFormat(lang, { maximumFractionDigits: 1 });
  const exactly = new Intl.NumberFormat(lang, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
  const figures = document.querySelector("#simulator .figures");
  const use = document.querySelector("#use");
  const flips = document.querySelector("#flips");
  const fields = ["hold", "reject"].map((name) => form.elements[name]);
  const sliders = ["hold", "reject"].map((name) => document.querySelector(`#${name}-slider`));
  let waiting;
  let asked = 0;

  function show(name, text) {
    document.querySelector(`#simulator [data-out="${name}"]`).textContent = text;
  }

  function share(hits, n) {
    if (n < LEAST) return figures.dataset.few;
    const [low, high] = interval(hits, n);
    return `${percent(hits / n)} (${percent(low).slice(0, -2)}–${percent(high)})`;
  }

  function percent(value) {
    return `${value === 0 || value >= 0.995 ? whole.format(100 * value) : exactly.format(100 * value)} %`;
  }

  function draw() {
    const [hold, reject] = fields.map((field) => threshold(field.value));
    const bad = Number.isNaN(hold) || Number.isNaN(reject) || hold > reject;
    for (const field of fields) field.setAttribute("aria-invalid", String(bad));
    if (use) use.querySelector("button").disabled = bad;
    if (bad) return;
    const found = count(past, hold, reject);
    const aDay = found.held / past.days;
    show("held", tenths.format(aDay));
    show("minutes", tenths.format((aDay * past.seconds) / 60));
    show("wrong", share(found.hamRejected, found.ham));
    show("missed", share(found.badAccepted, found.bad));
    show("known-wrong", whole.format(found.knownRejected));
    show("known-missed", whole.format(found.knownAccepted));
    if (use) fields.forEach((field) => { use.elements[field.name].value = field.value; });
    clearTimeout(waiting);
    waiting = setTimeout(ask, WAIT);
  }

  async function ask() {
    const mine = ++asked;
    try {
      const answer = await fetch(`${form.dataset.flips}?${new URLSearchParams(new FormData(form))}`);
      const text = await answer.text();
      if (mine === asked && answer.ok && !answer.redirected) flips.innerHTML = text; // Made by our own templates.
    } catch {
      flips.replaceChildren();
    }
  }

  fields.forEach((field, i) => {
    const slider = sliders[i];
    slider.hidden = false;
    place(slider, field);
    slider.addEventListener("input", () => {
      field.value = written(slider.value);
      slider.setAttribute("aria-valuetext", field.value || field.placeholder);
      const other = fields[1 - i];
      const [hold, reject] = fields.map((one) => threshold(one.value));
      if (hold > reject) { // One pushes the other along.
        other.value = field.value;
        place(sliders[1 - i], other);
      }
      draw();
    });
    field.addEventListener("input", () => {
      if (!Number.isNaN(threshold(field.value))) place(slider, field);
      draw();
    });
  });
}

// What the server packed: see moderation/simulator.py.
function read(sent) {
  const kinds = [...sent.kinds].map((digit) => parseInt(digit, 36));
  return {
    days: sent.days,
    seconds: sent.seconds,
    scores: sent.scores.map((score) => score / 1_000_000),
    others: kinds.map((kind) => kind % 3),
    said: kinds.map((kind) => Math.floor(kind / 3) % 3),
    drawn: kinds.map((kind) => Math.floor(kind / 9) % 2 === 1),
    unsure: kinds.map((kind) => kind >= 18),
  };
}

function count(past, hold, reject) {
  const found = { held: 0, ham: 0, hamRejected: 0, bad: 0, badAccepted: 0, knownRejected: 0, knownAccepted: 0 };
  past.scores.forEach((score, i) => {
    let decision = past.others[i];
    if (score >= 0) {
      const own = score >= reject ? REJECT : score >= hold ? HOLD : ACCEPT;
      decision = Math.max(decision, own);
      if (decision === REJECT && past.unsure[i]) decision = HOLD;
    }
    if (decision === HOLD) found.held += 1;
    if (past.said[i] === 0) return;
    if (past.said[i] === FINE) {
      const hit = decision === REJECT ? 1 : 0;
      found.knownRejected += hit;
      if (past.drawn[i]) { found.ham += 1; found.hamRejected += hit; }
    } else {
      const hit = decision === ACCEPT ? 1 : 0;
      found.knownAccepted += hit;
      if (past.drawn[i]) { found.bad += 1; found.badAccepted += hit; }
    }
  });
  return found;
}

// A threshold as it was typed; empty: never.
function threshold(text) {
  const typed = text.trim().replace(",", ".");
  if (!typed) return Infinity;
  const value = Number(typed);
  return value >= 0 && value <= 1 ? value : NaN;
}

// Sliders are in log-odds: what matters lies near 0 and 1.
function written(place) {
  if (Number(place) <= 0) return "0";
  if (Number(place) >= 1000) return "";
  const odds = ((place - 500) / 500) * FARTHEST;
  return String(Number((1 / (1 + Math.exp(-odds))).toFixed(4)));
}

function place(slider, field) {
  const value = Math.min(threshold(field.value), 1);
  const odds = Math.log(value / (1 - value));
  slider.value = Math.round(500 + (500 * Math.min(Math.max(odds, -FARTHEST), FARTHEST)) / FARTHEST);
  slider.setAttribute("aria-valuetext", field.value || field.placeholder);
}

// The exact interval of Clopper and Pearson (1934), 95 %.
function interval(hits, n) {
  const low = hits === 0 ? 0 : halve((p) => 1 - cdf(hits - 1, n, p) > 0.025);
  const high = hits === n ? 1 : halve((p) => cdf(hits, n, p) <= 0.025);
  return [low, high];
}

function halve(holds) {
  let low = 0;
  let high = 1;
  for (let i = 0; i < 50; i += 1) {
    const middle = (low + high) / 2;
    if (holds(middle)) high = middle;
    else low = middle;
  }
  return high;
}

function cdf(k, n, p) {
  let log = n * Math.log1p(-p); // Of the term for none.
  let sum = Math.exp(log);
  for (let i = 1; i <= k; i += 1) {
    log += Math.log((n - i + 1) / i) + Math.log(p) - Math.log1p(-p);
    sum += Math.exp(log);
  }
  return Math.min(1, sum);
}
