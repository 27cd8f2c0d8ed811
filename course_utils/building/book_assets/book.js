// The reading edition's few lines: search, the switch of colours, pads that are loaded when they come into sight.
const root = document.documentElement, system = matchMedia("(prefers-color-scheme: dark)");
const is_dark = () => root.dataset.theme === "dark" || (root.dataset.theme !== "light" && system.matches);
const switch_ = document.getElementById("theme");
const label = () => { switch_.textContent = is_dark() ? "Light colours" : "Dark colours"; };
switch_.addEventListener("click", () => {
  root.dataset.theme = is_dark() ? "light" : "dark";
  try { localStorage.setItem("theme", root.dataset.theme); } catch { /* no storage: for this page alone */ }
  label();
});
system.addEventListener("change", label);
label();

// search_index.js: BOOK = [[file, id, page, heading, text], ...], one entry a section
const field = document.getElementById("search-words"), list = document.getElementById("search-found");
const count = document.getElementById("search-count");
const folded = (text) => text.toLowerCase();
function search() {
  const words = folded(field.value).split(/\s+/).filter((word) => word.length > 1);
  const score = ([, , page, heading, text]) => {
    const [title, body] = [folded(`${page} ${heading}`), folded(text)];
    if (!words.every((word) => title.includes(word) || body.includes(word))) return 0;
    return words.reduce((sum, word) => sum + 20 * title.includes(word) + Math.min(body.split(word).length - 1, 10), 1);
  };
  const found = words.length ? BOOK.map((entry) => [score(entry), entry]).filter(([points]) => points) : [];
  found.sort(([a], [b]) => b - a);
  list.replaceChildren(...found.slice(0, 20).map(([, [file, id, page, heading, text]]) => {
    const item = document.createElement("li"), link = item.appendChild(document.createElement("a"));
    link.href = `${file}#${id}`;
    link.textContent = heading === page ? page : `${page}: ${heading}`;
    const at = Math.max(0, folded(text).indexOf(words[0]) - 40);
    item.appendChild(document.createElement("small")).textContent = `… ${text.slice(at, at + 130)} …`;
    return item;
  }));
  list.hidden = !found.length;
  count.textContent = words.length ? `${found.length || "Nothing"} found` : "";
}
field.addEventListener("input", search);
document.querySelector(".search").addEventListener("keydown", (event) => {
  if (event.key === "Escape") { field.value = ""; search(); field.focus(); }
});
list.addEventListener("click", () => { list.hidden = true; });

const seen = new IntersectionObserver((entries) => entries.filter((e) => e.isIntersecting).forEach(({ target }) => {
  seen.unobserve(target);
  const script = document.createElement("script");
  script.src = target.dataset.pad;
  target.appendChild(script); // it replaces what stands in its parent
}), { rootMargin: "400px" });
document.querySelectorAll("[data-pad]").forEach((pad) => seen.observe(pad));

addEventListener("beforeprint", () => document.querySelectorAll("details.answer").forEach((d) => { d.open = true; }));

// What is wider than its place can be scrolled, so the keyboard must reach it.
const wide = new ResizeObserver((entries) => entries.forEach(({ target }) => {
  if (target.scrollWidth > target.clientWidth) target.tabIndex = 0;
  else target.removeAttribute("tabindex");
}));
document.querySelectorAll("pre, .formula, .wide, .output, main p").forEach((box) => wide.observe(box));
