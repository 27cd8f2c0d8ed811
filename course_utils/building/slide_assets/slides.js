// The slides: a stage that is scaled to the window, keys, notes, the presenter's window. A slide that is too full goes
// on on the next one; where the screen is small, or zoomed, all of them are one long page.
const deck = document.getElementById("deck"), panel = document.getElementById("notes");
const root = document.documentElement, system = matchMedia("(prefers-color-scheme: dark)");
const HIGH = 720; // px of the stage
const smallest = () => (wide < 1280 ? 18 : 24); // px of formulas and tables: in a window that is 1280 wide, 24 px at least
const original = deck.innerHTML;
let slides = [], at = 0, wide = 0, presenter = null, since = 0;

// -- what fits on a slide ---------------------------------------------------------------------------------------------

const bottom = (block) => block.offsetTop + block.offsetHeight;
const is_note = (block) => block.classList.contains("note");

function continued(slide) {
  const next = slide.cloneNode(false), body = document.createElement("div");
  body.className = "body";
  next.removeAttribute("data-minutes");
  next.removeAttribute("style");
  next.append(slide.querySelector("header").cloneNode(true), body);
  slide.after(next);
  return body;
}

// Rows of a list or table that is higher than a slide: those that do not fit go into a copy of it.
function divide(block, high) {
  const rows = [...block.querySelectorAll("li, tbody tr")].filter((row) => row.parentElement.closest("li") === null);
  const cut = rows.findIndex((row) => row.offsetTop + row.offsetHeight + (row.closest("table")?.offsetTop ?? 0) > high);
  if (cut < 1) return null;
  const list = rows[cut].parentElement, rest = block.cloneNode(true);
  const copies = [...rest.querySelectorAll("li, tbody tr")].filter((row) => row.parentElement.closest("li") === null);
  copies.slice(0, cut).forEach((row) => row.remove());
  rest.querySelectorAll(":scope > p").forEach((lead) => lead.remove());
  if (list.tagName === "OL") rest.matches("ol") ? rest.start = cut + list.start : rest.querySelector("ol").start = cut + list.start;
  rows.slice(cut).forEach((row) => row.remove());
  return rest;
}

// Little text may be large.
function enlarge(slide, body) {
  if (!slide.matches(".plain, .vote, .exercise")) return;
  const fits = () => body.scrollHeight <= body.clientHeight && body.scrollWidth <= body.clientWidth
    && body.lastElementChild && [...body.children].every((block) => bottom(block) <= 0.8 * body.clientHeight);
  for (const size of [38, 34, 30]) {
    body.style.fontSize = `${size}px`;
    if (fits()) return;
  }
  body.style.fontSize = "";
}

// What is too wide becomes smaller: formulas, down to the smallest text; tables get less room between columns first.
function narrow(body) {
  body.querySelectorAll(".formula, table").forEach((box) => {
    const over = () => (box.tagName === "TABLE" ? box.offsetWidth / body.clientWidth : box.scrollWidth / box.clientWidth);
    for (const way of ["tight", "wrapped"]) if (over() > 1 && box.tagName === "TABLE") box.classList.add(way);
    if (box.classList.contains("wrapped")) box.innerHTML = box.innerHTML.replaceAll("&nbsp;±&nbsp;", " ± ");
    if (over() > 1) box.style.fontSize = `${Math.max(smallest(), Math.floor(parseFloat(getComputedStyle(box).fontSize) / over()))}px`;
  });
}

// A pad is made for a notebook: as large as fits here.
function size_pad(slide) {
  const body = slide.querySelector(".body");
  for (const zoom of [1.75, 1.6, 1.45, 1.3, 1.15, 1, 0.9]) {
    body.style.zoom = zoom;
    if (body.scrollHeight <= body.clientHeight && body.scrollWidth <= body.clientWidth) return;
  }
}

// A figure makes room for the answer to a vote, or for the one thing that would stand alone on the next slide.
function make_room(slide, body, block) {
  if (!body.querySelector("img") || slide.style.getPropertyValue("--tall")) return false;
  for (const tall of [450, 400, 350, 300]) {
    slide.style.setProperty("--tall", `${tall}px`);
    if (bottom(block) <= body.clientHeight) return true;
  }
  slide.style.removeProperty("--tall");
  return false;
}

function fit(slide) {
  const body = slide.querySelector(".body");
  if (slide.matches(".pad")) return size_pad(slide);
  narrow(body);
  const blocks = [...body.children];
  let cut = blocks.findIndex((block) => !is_note(block) && bottom(block) > body.clientHeight);
  if (cut < 0) return enlarge(slide, body);
  const wanted = blocks[cut].matches(".answer") || blocks.slice(cut + 1).every(is_note);
  if (cut > 0 && wanted && make_room(slide, body, blocks[cut])) return fit(slide);
  const first = blocks.findIndex((block) => !is_note(block));
  let moved = [];
  if (cut === first) { // a block that is higher than a slide
    const rest = divide(blocks[cut], body.clientHeight);
    moved = [...(rest ? [rest] : []), ...blocks.slice(cut + 1)];
    if (!moved.some((block) => !is_note(block))) return;
  } else {
    while (is_note(blocks[cut - 1])) cut--; // notes stand before what they belong to
    moved = blocks.slice(cut);
  }
  const next = continued(slide);
  next.append(...moved);
  fit(next.parentElement);
}

function arrange() {
  deck.innerHTML = original;
  document.body.classList.add("measured");
  deck.querySelectorAll("img[height]").forEach((img) => img.style.setProperty("--ratio", img.getAttribute("width") / img.getAttribute("height")));
  [...deck.children].forEach(fit);
  document.body.classList.remove("measured");
  slides = [...deck.children];
  let part = 0, done = 0;
  slides.forEach((slide, n) => {
    const minutes = Number(slide.dataset.minutes ?? 0);
    [part, done] = [part + (slide.dataset.minutes !== undefined), done + minutes];
    Object.assign(slide.dataset, { part, done, number: n + 1 });
    slide.tabIndex = -1;
    const heading = slide.querySelector("h1, h2, h3");
    heading.id = `slide-${n + 1}`;
    slide.setAttribute("aria-labelledby", heading.id);
    slide.addEventListener("click", () => { if (shows_all()) { overview(false); go(n); } });
  });
  page_size.textContent = `@page { size: ${wide}px ${HIGH}px; margin: 0; }`;
}

// -- the stage --------------------------------------------------------------------------------------------------------

const page_size = document.head.appendChild(document.createElement("style"));
const shows_all = () => document.body.classList.contains("overview");
const is_flow = () => document.body.classList.contains("flow");

function stage(width) {
  document.body.classList.replace("flow", "stage");
  if (width === wide) return;
  wide = width;
  root.style.setProperty("--wide", `${wide}px`);
  arrange();
  go(Math.min(at, slides.length - 1));
}

function layout() {
  if (innerWidth < 700) { // a phone, or a window at 200 %
    if (!is_flow() || !wide) {
      document.body.classList.remove("overview");
      document.body.classList.replace("stage", "flow");
      deck.innerHTML = original;
      [wide, slides] = [-1, []];
      deck.querySelectorAll("[data-pad]").forEach((pad) => seen.observe(pad));
      deck.querySelectorAll(".body > *, .body p, .formula").forEach((box) => reach.observe(box));
    }
    return;
  }
  stage(innerWidth / innerHeight < 1.5 ? 960 : 1280);
  const high = innerHeight - panel.offsetHeight, scale = Math.min(innerWidth / wide, high / HIGH);
  root.style.setProperty("--scale", scale);
  root.style.setProperty("--left", `${(innerWidth - scale * wide) / 2}px`);
}

function load(pad) {
  if (!pad.dataset.pad) return;
  const script = document.createElement("script");
  script.src = pad.dataset.pad;
  pad.removeAttribute("data-pad");
  const slide = pad.closest(".slide");
  if (!is_flow()) new ResizeObserver(() => slide.matches(".current") && size_pad(slide)).observe(pad);
  pad.appendChild(script); // it replaces what stands in its parent
}
const seen = new IntersectionObserver((entries) => entries.filter((e) => e.isIntersecting).forEach((e) => { seen.unobserve(e.target); load(e.target); }));

// On the long page, what is wider than its place can be scrolled, so the keyboard must reach it.
const reach = new ResizeObserver((entries) => entries.forEach(({ target }) => {
  if (is_flow() && target.scrollWidth > target.clientWidth) target.tabIndex = 0;
  else target.removeAttribute("tabindex");
}));

function go(n) {
  if (!slides.length) return;
  at = Math.max(0, Math.min(n, slides.length - 1));
  slides.forEach((slide, i) => slide.classList.toggle("current", i === at));
  document.getElementById("where").textContent = `Slide ${at + 1} of ${slides.length}`;
  if (!shows_all()) slides[at].querySelectorAll("[data-pad]").forEach(load);
  slides[at].focus({ preventScroll: true });
  if (shows_all()) slides[at].scrollIntoView({ block: "nearest" });
  history.replaceState(null, "", `#${at + 1}`);
  notes();
}

function overview(open) {
  document.body.classList.toggle("overview", open);
  slides.forEach((slide) => { slide.querySelector(".body").inert = open; });
  go(at);
}

// -- notes ------------------------------------------------------------------------------------------------------------

const notes_of = (slide) => [...slide.querySelectorAll(".note")].map((note) => note.innerHTML).join("");
const heading_of = (slide) => slide?.querySelector("h1, h2, h3").textContent ?? "the end";

function notes() {
  panel.innerHTML = notes_of(slides[at]) || "<p>No notes.</p>";
  if (!presenter || presenter.closed) return;
  const slide = slides[at], page = presenter.document, opening = slides.findLast((s, i) => i <= at && s.dataset.minutes);
  page.getElementById("now").textContent = `${at + 1} of ${slides.length}: ${heading_of(slide)}`;
  page.getElementById("next").textContent = `Next: ${heading_of(slides[at + 1])}`;
  page.getElementById("plan").textContent = opening
    ? `${heading_of(opening)}: ${opening.dataset.minutes} minutes, done at minute ${opening.dataset.done}` : "";
  page.getElementById("notes").innerHTML = panel.innerHTML;
}

function clock() {
  if (!presenter || presenter.closed) return;
  const seconds = Math.floor((Date.now() - since) / 1000);
  presenter.document.getElementById("clock").textContent =
    `${new Date().toTimeString().slice(0, 5)} · minute ${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

function open_presenter() {
  presenter = open("", "presenter", "popup,width=900,height=700");
  if (!presenter) { // the browser allows no windows
    panel.hidden = false;
    layout();
    return;
  }
  const page = presenter.document;
  page.documentElement.lang = "en";
  page.head.innerHTML = "<title>Presenter's notes</title><style>:root{color-scheme:light dark}"
    + "body{font:20px/1.5 system-ui,sans-serif;margin:1em 2em}#clock{font-size:1.6em;font-weight:600}button{font:inherit}</style>";
  page.body.innerHTML = '<main><h1 id="now" style="font-size:1.3em"></h1><p id="clock" role="timer"></p><p id="plan"></p>'
    + '<p><button type="button" id="again">Start the clock anew</button></p><p id="next"></p><div id="notes"></div></main>';
  page.getElementById("again").addEventListener("click", () => { since = Date.now(); clock(); });
  page.addEventListener("keydown", key);
  since ||= Date.now();
  notes();
  clock();
  setInterval(clock, 1000);
}

// -- keys and buttons -------------------------------------------------------------------------------------------------

const is_dark = () => root.dataset.theme === "dark" || (root.dataset.theme !== "light" && system.matches);
const actions = {
  on: () => go(at + 1),
  back: () => go(at - 1),
  first: () => go(0),
  last: () => go(slides.length - 1),
  overview: () => overview(!shows_all()),
  notes: () => { panel.hidden = !panel.hidden; layout(); },
  presenter: open_presenter,
  colours: () => {
    root.dataset.theme = is_dark() ? "light" : "dark";
    try { localStorage.setItem("theme", root.dataset.theme); } catch { /* no storage: for this page alone */ }
  },
};
const KEYS = {
  ArrowRight: "on", ArrowDown: "on", PageDown: "on", " ": "on", ArrowLeft: "back", ArrowUp: "back", PageUp: "back",
  Home: "first", End: "last", Escape: "overview", n: "notes", p: "presenter", d: "colours",
};

function key(event) {
  if (event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey || is_flow()) return;
  const own = event.target.closest?.("input, select, textarea, button, audio, a, summary, aside, .pad .body");
  if (own && !event.key.startsWith("Page") && event.key !== "Escape" && event.key.length !== 1) return;
  if (own && (event.key === " " || own.matches("input, textarea"))) return;
  let action = KEYS[event.key];
  if (event.key === " " && event.shiftKey) action = "back";
  if (shows_all() && event.key === "Enter") action = "overview";
  if (!action) return;
  event.preventDefault();
  actions[action]();
}

document.addEventListener("keydown", key);
document.querySelectorAll("[data-do]").forEach((button) => button.addEventListener("click", () => actions[button.dataset.do]()));
addEventListener("resize", layout);
addEventListener("hashchange", () => go(Number(location.hash.slice(1)) - 1 || 0));
addEventListener("beforeprint", () => { if (is_flow()) stage(1280); deck.querySelectorAll("img").forEach((img) => { img.loading = "eager"; }); });
addEventListener("afterprint", layout);
at = Math.max(0, Number(location.hash.slice(1)) - 1 || 0);
document.fonts.load('27px "course math"').catch(() => {}).finally(layout); // what fits depends on it
