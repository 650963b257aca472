// Charts: pointing at a day tells its numbers, a button of the legend takes a series away. The tables need no script.
for (const card of document.querySelectorAll("[data-chart]")) {
  const plot = card.querySelector(".plot");
  if (plot) start(card, plot);
}

function start(card, plot) {
  const svg = plot.querySelector("svg");
  const tip = plot.querySelector(".tip");
  const days = [...svg.querySelectorAll(".day")];
  const buttons = [...card.querySelectorAll(".key")];
  const names = Object.fromEntries(buttons.map((one) => [one.dataset.series, one.textContent.trim()]));
  const gone = new Set();
  const count = new Intl.NumberFormat(document.documentElement.lang);
  let at = -1;

  function show(index) {
    if (at >= 0) days[at].classList.remove("at");
    at = index;
    tip.hidden = at < 0;
    if (at < 0) return;
    const day = days[at];
    day.classList.add("at");
    const lines = [...day.querySelectorAll(".bar")].filter((bar) => !gone.has(bar.dataset.series)).reverse();
    tip.replaceChildren(line(day.dataset.label, "b"), ...lines.map((bar) => {
      const name = names[bar.dataset.series];
      const value = count.format(bar.dataset.value);
      return line(name ? `${name}: ${value}` : value, "span");
    }));
    const middle = ((at + 0.5) / days.length) * plot.clientWidth;
    const half = tip.offsetWidth / 2;
    tip.style.left = `${Math.min(Math.max(middle - half, 0), plot.clientWidth - 2 * half)}px`;
  }

  function line(text, tag) {
    return Object.assign(document.createElement(tag), { textContent: text });
  }

  function draw() {
    const sums = days.map((day) => [...day.querySelectorAll(".bar")].reduce((sum, bar) => sum + shown(bar), 0));
    const top = roundedUp(Math.max(...sums));
    for (const day of days) {
      let below = 0;
      for (const bar of day.querySelectorAll(".bar")) {
        below += shown(bar);
        bar.setAttribute("y", 100 * (1 - below / top));
        bar.setAttribute("height", (100 * shown(bar)) / top);
      }
    }
    plot.querySelector(".top").textContent = count.format(top);
    show(at);
  }

  function shown(bar) {
    return gone.has(bar.dataset.series) ? 0 : Number(bar.dataset.value);
  }

  for (const button of buttons) {
    button.disabled = false;
    button.addEventListener("click", () => {
      const { series } = button.dataset;
      if (!gone.delete(series)) gone.add(series);
      button.setAttribute("aria-pressed", String(!gone.has(series)));
      draw();
    });
  }

  for (const title of svg.querySelectorAll("title")) title.remove(); // The tip tells the same, sooner.
  plot.tabIndex = 0;
  plot.setAttribute("aria-label", card.querySelector("h2").textContent);
  plot.setAttribute("role", "group");
  plot.addEventListener("pointermove", (event) => {
    const box = svg.getBoundingClientRect();
    const index = Math.floor(((event.clientX - box.left) / box.width) * days.length);
    if (index !== at) show(Math.min(Math.max(index, 0), days.length - 1));
  });
  plot.addEventListener("pointerleave", () => show(-1));
  plot.addEventListener("blur", () => show(-1));
  plot.addEventListener("keydown", (event) => {
    const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: days.length - 1, Escape: -1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    show(event.key === "Escape" ? -1 : at < 0 && event.key === "ArrowLeft" ? days.length - 1 : Math.min(Math.max(to, 0), days.length - 1));
  });
}

// As the server does it: the next of 2, 3, 4, 5, 6, 8, 10, 20, 30 …
function roundedUp(value) {
  let size = 1;
  while (value > 10 * size) size *= 10;
  return [2, 3, 4, 5, 6, 8, 10].find((step) => value <= step * size) * size;
}
