// Draw a digit; the networks encode it and decode the way to another digit, all in the browser.
const SIDE = 300; // CSS pixels
const T = 8; // points of a pen digit

// The look of JupyterLab's own widgets, also in pages that are not JupyterLab
const FLAT = "font:inherit;color:var(--jp-ui-font-color1,#222);border-radius:2px;";
const BUTTON = `${FLAT}background:var(--jp-layout-color2,#eee);border:0;padding:5px 12px;cursor:pointer`;
const SELECT = `${FLAT}background:var(--jp-layout-color1,#fff);border:1px solid #888;padding:4px`;

const floats = ({ buffer, byteOffset: at, byteLength: n }) => new Float32Array(buffer.slice(at, at + n));

// a + x W for W (in, out) row by row
const affine = (x, W, b) => {
  const out = Float64Array.from(b);
  x.forEach((v, row) => {
    for (let c = 0, k = row * out.length; c < out.length; c++, k++) out[c] += v * W[k];
  });
  return out;
};
const mlp = (layers, x) => layers.reduce((h, [W, b], i) =>
  (i < layers.length - 1 ? affine(h, W, b).map(Math.tanh) : affine(h, W, b)), Float64Array.from(x));
const sigmoid = (a) => 1 / (1 + Math.exp(-a));

// The networks in one flat buffer, in this order: encoder, conductor and head layer by layer (W, b), then the GRU's
// W, U, b, c. `sizes` = { encoder: [...], conductor: [...], head: [...], gru: [inputs, H] }
export function unpack(sizes, flat) {
  let at = 0;
  const take = (n) => flat.subarray(at, (at += n));
  const layers = (s) => s.slice(1).map((n, i) => [take(s[i] * n), take(n)]);
  const model = { encoder: layers(sizes.encoder), conductor: layers(sizes.conductor), head: layers(sizes.head) };
  const [I, H] = sizes.gru;
  model.gru = [take(I * 3 * H), take(H * 3 * H), take(3 * H), take(3 * H)];
  return model;
}

// The mean code of a digit, T points [x, y] in the unit square
export function encode(model, points) {
  const out = mlp(model.encoder, points.flatMap(([x, y]) => [2 * (x - 0.5), 2 * (y - 0.5), 1]));
  return Array.from(out.subarray(0, out.length / 2));
}

// One GRU step; blocks of H columns: reset, update, new
export function gruStep([W, U, b, c], h, x) {
  const H = h.length, s = affine(x, W, b), t = affine(h, U, c);
  return Float64Array.from(h, (old, j) => {
    const r = sigmoid(s[j] + t[j]), u = sigmoid(s[H + j] + t[H + j]);
    return (1 - u) * Math.tanh(s[2 * H + j] + r * t[2 * H + j]) + u * old;
  });
}

// T points of a code: each the mean of the likeliest of M components
export function decode(model, z, M) {
  const told = mlp(model.conductor, z).map(Math.tanh), size = told.length / T;
  let h = new Float64Array(Math.round(Math.sqrt(model.gru[1].length / 3))), before = [0, 0];
  const points = [];
  for (let t = 0; t < T; t++) {
    h = gruStep(model.gru, h, [...told.subarray(t * size, (t + 1) * size), ...before]);
    const out = mlp(model.head, h), logits = Array.from(out.subarray(0, M)), m = logits.indexOf(Math.max(...logits));
    before = [out[M + m], out[2 * M + m]];
    points.push(before.map((v) => v / 2 + 0.5));
  }
  return points;
}

// The point at t on the great circle from a to b
export function slerp(a, b, t) {
  const dot = (p, q) => p.reduce((sum, v, i) => sum + v * q[i], 0);
  const w = Math.acos(Math.min(1, Math.max(-1, dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b)))));
  const [p, q] = w < 1e-6 ? [1 - t, t] : [Math.sin((1 - t) * w) / Math.sin(w), Math.sin(t * w) / Math.sin(w)];
  return a.map((v, i) => p * v + q * b[i]);
}

// T points at equal steps along the line, [[x, y], ...]
export function evenly(line) {
  const at = [0];
  for (let i = 1; i < line.length; i++)
    at.push(at[i - 1] + Math.hypot(line[i][0] - line[i - 1][0], line[i][1] - line[i - 1][1]));
  const whole = at[at.length - 1], points = [];
  for (let k = 0, i = 1; k < T; k++) {
    const s = whole * k / (T - 1);
    while (i < line.length - 1 && at[i] < s) i++;
    const share = at[i] > at[i - 1] ? Math.min(1, (s - at[i - 1]) / (at[i] - at[i - 1])) : 0;
    points.push([0, 1].map((d) => line[i - 1][d] + share * (line[i][d] - line[i - 1][d])));
  }
  return points;
}

// What the data's makers did: such points, stretched to fill the unit square
export function normalise(line) {
  const points = evenly(line);
  for (const d of [0, 1]) {
    const low = Math.min(...points.map((p) => p[d])), high = Math.max(...points.map((p) => p[d]));
    for (const p of points) p[d] = high > low ? (p[d] - low) / (high - low) : 0.5;
  }
  return points;
}

function element(tag, parent, style, attributes = {}, text = "") {
  const made = parent.appendChild(document.createElement(tag));
  made.style.cssText = style;
  made.textContent = text;
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

function render({ model: state, el }) {
  const model = unpack(state.get("sizes"), floats(state.get("weights"))), M = state.get("components");
  const K = state.get("sizes").conductor[0], flat = floats(state.get("targets")), names = state.get("names");
  const targets = names.map((_, i) => Array.from(flat.subarray(i * K, (i + 1) * K)));
  const ratio = window.devicePixelRatio || 1;
  const box = element("div", el, "padding:4px;font:14px sans-serif;max-width:640px");
  box.addEventListener("keydown", (event) => event.stopPropagation()); // JupyterLab has other uses for arrow keys
  const papers = element("div", box, "display:flex;flex-wrap:wrap;gap:16px");
  const look = `box-shadow:0 0 0 1px #888;width:${SIDE}px;height:${SIDE}px;background:#fff;touch-action:none;`;
  const paper = element("canvas", papers, `${look}cursor:crosshair`, {
    tabindex: 0, role: "application", "aria-roledescription": "drawing area",
    "aria-label": `${state.get("description")} Draw in one line. With keys: arrows move the pen (Shift: farther), `
      + "Space lowers and lifts it, Enter takes the digit, Delete wipes the paper.",
  });
  const result = element("canvas", papers, look, { role: "img", "aria-label": "decoded digit" });
  for (const canvas of [paper, result]) canvas.width = canvas.height = SIDE * ratio;
  const row = element("div", box, "display:flex;flex-wrap:wrap;gap:8px;align-items:center;margin-top:8px");
  element("label", row, "", {}, "to");
  const pick = element("select", row, SELECT, { "aria-label": "digit at the other end" });
  names.forEach((name, i) => { element("option", pick, "", { value: i }, name); });
  const slider = element("input", row, "flex:1;min-width:160px", { type: "range", min: 0, max: 100, step: 1, value: 0,
    "aria-label": "per cent of the way from your digit to the other" });
  slider.value = "0";
  const wipe = element("button", row, BUTTON, { type: "button" }, "Wipe");
  const status = element("div", box, "color:var(--jp-content-font-color1,inherit);margin-top:4px", { role: "status" });

  const at = ([x, y]) => [28 + x * (SIDE - 56), SIDE - 28 - y * (SIDE - 56)];
  const ink = (canvas) => {
    const pen = canvas.getContext("2d");
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.fillStyle = "#fff";
    pen.fillRect(0, 0, SIDE, SIDE);
    [pen.lineCap, pen.lineJoin] = ["round", "round"];
    return pen;
  };
  function trace(pen, points, colour, width) {
    [pen.strokeStyle, pen.lineWidth] = [colour, width];
    pen.beginPath();
    points.forEach((p, i) => (i ? pen.lineTo(...p) : pen.moveTo(...p)));
    pen.stroke();
  }

  let line = [], cursor = [SIDE / 2, SIDE / 2], down = false, keys = false, code = null, seen = null;
  function drawPaper() {
    const pen = ink(paper);
    if (line.length) trace(pen, line, "#3f90da", 7);
    else if (!keys) {
      [pen.fillStyle, pen.font, pen.textAlign] = ["#717581", "15px sans-serif", "center"];
      pen.fillText("draw a digit here, in one line", SIDE / 2, SIDE / 2);
    }
    if (seen) for (const p of seen) { pen.fillStyle = "#222"; pen.beginPath(); pen.arc(...p, 3, 0, 7); pen.fill(); }
    if (keys) { pen.fillStyle = down ? "#bd1f01" : "#717581"; pen.beginPath(); pen.arc(...cursor, 6, 0, 7); pen.fill(); }
  }
  function drawResult() {
    const pen = ink(result), t = Number(slider.value) / 100;
    if (!code) { status.textContent = "Nothing drawn yet."; return; }
    const points = decode(model, slerp(code, targets[Number(pick.value)], t), M).map(at);
    trace(pen, points, "#832db6", 7);
    pen.fillStyle = "#222";
    for (const p of points) { pen.beginPath(); pen.arc(...p, 3, 0, 7); pen.fill(); }
    status.textContent = `${Math.round(100 * t)} % of the way from your digit to ${names[Number(pick.value)]}.`;
    result.setAttribute("aria-label", `decoded digit, ${status.textContent}`);
  }
  function take() {
    if (line.length < 2) return;
    const points = normalise(line.map(([x, y]) => [x, -y]));
    code = encode(model, points);
    seen = evenly(line);
    state.set("value", code);
    state.save_changes();
    drawPaper();
    drawResult();
  }
  function clear() {
    [line, code, seen, down] = [[], null, null, false];
    drawPaper();
    drawResult();
  }
  const place = (event) => {
    const b = paper.getBoundingClientRect();
    return [(event.clientX - b.left) / b.width * SIDE, (event.clientY - b.top) / b.height * SIDE];
  };
  paper.addEventListener("pointerdown", (event) => {
    paper.setPointerCapture(event.pointerId);
    [keys, seen, line, down] = [false, null, [place(event)], true];
    drawPaper();
  });
  paper.addEventListener("pointermove", (event) => {
    if (!down || keys) return;
    line.push(place(event));
    drawPaper();
  });
  const lift = () => { if (down && !keys) { down = false; take(); } };
  paper.addEventListener("pointerup", lift);
  paper.addEventListener("pointercancel", lift);
  paper.addEventListener("keydown", (event) => {
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (!way && ![" ", "Enter", "Delete", "Backspace"].includes(event.key)) return;
    event.preventDefault();
    keys = true;
    if (way) {
      const far = event.shiftKey ? 30 : 10;
      cursor = cursor.map((v, d) => Math.min(SIDE, Math.max(0, v + far * way[d])));
      if (down) line.push([...cursor]);
    } else if (event.key === " ") {
      down = !down;
      if (down) { seen = null; line.push([...cursor]); }
    } else if (event.key === "Enter") { down = false; take(); } else clear();
    drawPaper();
    if (!way) return;
    status.textContent = `pen ${down ? "down" : "up"} at ${Math.round(cursor[0] / SIDE * 100)} % from the left, `
      + `${Math.round(100 - cursor[1] / SIDE * 100)} % from below`;
  });
  slider.addEventListener("input", drawResult);
  pick.addEventListener("change", drawResult);
  wipe.addEventListener("click", clear);
  clear();
  return () => {};
}

export default { render };
