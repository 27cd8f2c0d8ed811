// Drawings on the way from one to another: a slider for the way, and the strokes written in their order.
const SIDE = 320; // CSS pixels
const STROKE_MS = 220; // for one stroke while playing

// The look of JupyterLab's own widgets, also in pages that are not JupyterLab
const FLAT = "font:inherit;color:var(--jp-ui-font-color1,#222);border-radius:2px;";
const BUTTON = `${FLAT}background:var(--jp-layout-color2,#eee);border:0;padding:5px 12px;cursor:pointer`;
const SELECT = `${FLAT}background:var(--jp-layout-color1,#fff);border:1px solid #888;padding:4px`;

const floats = ({ buffer, byteOffset: at, byteLength: n }) => new Float32Array(buffer.slice(at, at + n));

// The points of stroke `s` in frame `f` of way `w`, [[x, y], ...] in the unit square, y up
export function stroke(points, [, F, T, P], w, f, s) {
  const at = 2 * P * ((w * F + f) * T + s);
  return Array.from({ length: P }, (_, i) => [points[at + 2 * i], points[at + 2 * i + 1]]);
}

function element(tag, parent, style, attributes = {}, text = "") {
  const made = parent.appendChild(document.createElement(tag));
  made.style.cssText = style;
  made.textContent = text;
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

function render({ model, el }) {
  const shape = model.get("shape"), [W, F, T, P] = shape, names = model.get("names");
  const points = floats(model.get("points")), counts = floats(model.get("counts")), joined = model.get("joined");
  const box = element("div", el, "padding:4px;font:14px sans-serif;max-width:340px");
  box.addEventListener("keydown", (event) => event.stopPropagation()); // JupyterLab has other uses for arrow keys
  const paper = element("canvas", box, `box-shadow:0 0 0 1px #888;width:${SIDE}px;height:${SIDE}px;background:#fff`,
    { role: "img" });
  const ratio = window.devicePixelRatio || 1;
  paper.width = paper.height = SIDE * ratio;
  const row = element("div", box, "display:flex;gap:8px;align-items:center;margin-top:8px");
  const pick = element("select", row, SELECT, { "aria-label": "which way" });
  names.forEach((name, i) => { element("option", pick, "", { value: i }, name); });
  const slider = element("input", row, "flex:1", { type: "range", min: 0, max: F - 1, step: 1, value: 0,
    "aria-label": `${model.get("description")} Arrow keys move along the way.` });
  const button = element("button", row, BUTTON, { type: "button" }, "Write");
  const status = element("div", box, "color:var(--jp-content-font-color1,inherit);margin-top:4px", { role: "status" });
  slider.value = String((F - 1) >> 1);

  const ink = paper.getContext("2d");
  const colour = (s, n) => `hsl(${210 + 150 * (n > 1 ? s / (n - 1) : 0)} 75% 42%)`;
  function draw(w, f, done) { // `done` strokes, the last of them in part
    ink.setTransform(ratio, 0, 0, ratio, 0, 0);
    ink.fillStyle = "#fff";
    ink.fillRect(0, 0, SIDE, SIDE);
    [ink.lineWidth, ink.lineCap, ink.lineJoin] = [5, "round", "round"];
    const n = counts[w * F + f], at = ([x, y]) => [24 + x * (SIDE - 48), SIDE - 24 - y * (SIDE - 48)];
    const lines = joined ? // single points, joined by lines
      Array.from({ length: n - 1 }, (_, s) => [stroke(points, shape, w, f, s)[0], stroke(points, shape, w, f, s + 1)[0]])
      : Array.from({ length: n }, (_, s) => stroke(points, shape, w, f, s));
    lines.forEach((line, s) => {
      const part = Math.min(1, Math.max(0, done - s)) * (line.length - 1);
      if (part <= 0) return;
      ink.strokeStyle = colour(s, lines.length);
      ink.beginPath();
      ink.moveTo(...at(line[0]));
      for (let i = 1; i <= Math.ceil(part); i++) {
        const share = Math.min(1, part - i + 1), [a, b] = [line[i - 1], line[i]];
        ink.lineTo(...at([a[0] + share * (b[0] - a[0]), a[1] + share * (b[1] - a[1])]));
      }
      ink.stroke();
    });
    return lines.length;
  }

  let frame = 0;
  const place = () => [Number(pick.value), Number(slider.value)];
  function tell() {
    const [w, f] = place(), percent = Math.round(100 * f / (F - 1));
    const strokes = joined ? "" : `; ${counts[w * F + f]} strokes`;
    status.textContent = `${names[w]}: ${percent} % of the way${strokes}`;
    paper.setAttribute("aria-label", `drawing at ${status.textContent}`);
  }
  function still() {
    cancelAnimationFrame(frame);
    frame = 0;
    button.textContent = "Write";
    draw(...place(), Infinity);
    tell();
  }
  function play() {
    if (frame) { still(); return; }
    button.textContent = "Stop";
    if (Number(slider.value) === F - 1) slider.value = "0";
    let start = performance.now();
    const pace = STROKE_MS / (joined ? 3 : 1);
    const tick = (now) => {
      const [w, f] = place(), done = (now - start) / pace, n = draw(w, f, done);
      if (done > n + 2) { // a short rest on the finished drawing
        if (f === F - 1) { still(); return; }
        slider.value = String(f + 1);
        tell();
        start = now;
      }
      frame = requestAnimationFrame(tick);
    };
    frame = requestAnimationFrame(tick);
  }
  slider.addEventListener("input", still);
  pick.addEventListener("change", still);
  button.addEventListener("click", play);
  still();
  return () => cancelAnimationFrame(frame);
}

export default { render };
