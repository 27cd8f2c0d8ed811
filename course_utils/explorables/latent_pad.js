// The latent pad: drag in the plane of codes, see the decoded image at once. The decoder runs in the browser.
const SIDE = 320; // CSS pixels of the plane and of the image
const KERNEL_MS = 100; // the kernel and the screen reader hear of the position at most this often

const floats = ({ buffer, byteOffset: at, byteLength: n }) => new Float32Array(buffer.slice(at, at + n));

// float16: a sign, 5 bits of exponent, 10 of fraction
const half = (h) => {
  const exponent = (h >> 10) & 31, fraction = (h & 1023) / 1024;
  return (h >> 15 ? -1 : 1) * (exponent ? (1 + fraction) * 2 ** (exponent - 15) : fraction * 2 ** -14);
};
export const halves = ({ buffer, byteOffset: at, byteLength: n }) =>
  Float32Array.from(new Uint16Array(buffer.slice(at, at + n)), half);

// sizes [K, H, ..., D] and one flat buffer W1 b1 W2 b2 ... -> [[W, b], ...], each W row by row, (in, out)
export function unpack(sizes, flat) {
  let at = 0;
  const take = (n) => flat.subarray(at, (at += n));
  return sizes.slice(1).map((n_out, i) => [take(sizes[i] * n_out), take(n_out)]);
}

// h @ W + b, tanh between the layers, none after the last
export function forward(layers, z) {
  return layers.reduce((h, [W, b], i) => {
    const out = Float64Array.from(b);
    h.forEach((v, row) => {
      for (let c = 0, k = row * b.length; c < b.length; c++, k++) out[c] += v * W[k];
    });
    return i < layers.length - 1 ? out.map(Math.tanh) : out;
  }, Float64Array.from(z));
}

function element(tag, parent, style, attributes = {}) {
  const made = parent.appendChild(document.createElement(tag));
  made.style.cssText = style;
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

function render({ model, el }) {
  const get = (name) => model.get(name);
  const layers = unpack(get("sizes"), halves(get("weights")));
  const codes = floats(get("codes")), places = floats(get("label_places")), labels = get("labels"), names = get("label_names");
  const [h, w] = get("shape"), dims = get("dims"), [left, right, bottom, top] = get("extent");
  const [first, second] = dims.map((d) => `z${d + 1}`);
  const clip = (v, low, high) => Math.min(Math.max(v, low), high);
  let [z1, z2] = get("value");

  const frame_line = "box-shadow:0 0 0 1px #888;"; // a border would shift the mouse's place
  const box = element("div", el, "display:flex;flex-wrap:wrap;gap:16px;padding:4px;font:14px sans-serif");
  const ratio = window.devicePixelRatio || 1;
  const pad = element("canvas", box,
    `${frame_line}width:${SIDE}px;height:${SIDE}px;touch-action:none;cursor:crosshair`, {
      tabindex: 0, role: "application", "aria-roledescription": "two-dimensional slider",
      "aria-label": `${get("description")} Arrow keys move the point along ${first} and ${second}, `
        + "with Shift in larger steps; Home centres it.",
    });
  pad.width = pad.height = SIDE * ratio;
  const enlarged = SIDE / Math.max(w, h);
  const choices = get("choices"), radios = [];
  const image = element("canvas", box,
    `${frame_line}width:${w * enlarged}px;height:${h * enlarged}px;image-rendering:pixelated`,
    { role: "img" });
  [image.width, image.height] = [w, h];
  const status = element("div", box, "flex-basis:100%;color:var(--jp-content-font-color1,inherit)",
    { role: "status" }); // spoken when it changes

  if (choices.length) {
    const group = element("fieldset", box, "flex-basis:100%;order:-1;border:0;margin:0;padding:0");
    element("legend", group, "float:left;margin-right:10px").textContent = "label y";
    const together = `choice-${Math.random().toString(36).slice(2)}`;
    choices.forEach((name, i) => {
      const label = element("label", group, "margin-right:12px;cursor:pointer;white-space:nowrap");
      radios.push(element("input", label, "margin:0 3px 0 0", { type: "radio", name: together }));
      label.append(name);
      radios[i].addEventListener("change", () => {
        model.set("base", get("bases")[i]);
        model.set("choice", i);
        model.save_changes();
        redraw();
      });
      radios[i].addEventListener("keydown", (event) => event.stopPropagation()); // or JupyterLab would move on
    });
  }

  const to_x = (a) => (a - left) / (right - left) * SIDE, to_y = (b) => (top - b) / (top - bottom) * SIDE;

  const backdrop = document.createElement("canvas"); // the codes never change: drawn once
  backdrop.width = backdrop.height = SIDE * ratio;
  const back = backdrop.getContext("2d");
  back.scale(ratio, ratio);
  back.fillStyle = "#fff";
  back.fillRect(0, 0, SIDE, SIDE);
  back.fillStyle = "#d9d9d9";
  if (left < 0 && right > 0) back.fillRect(to_x(0), 0, 1, SIDE);
  if (bottom < 0 && top > 0) back.fillRect(0, to_y(0), SIDE, 1);
  back.globalAlpha = 0.7;
  for (let n = 0; 2 * n < codes.length; n++) {
    back.fillStyle = get("palette")[labels[n] ?? 0];
    back.fillRect(to_x(codes[2 * n]) - 1.5, to_y(codes[2 * n + 1]) - 1.5, 3, 3);
  }
  back.globalAlpha = 1;
  const words = (text, x, y, font, align = "center") => {
    [back.font, back.textAlign, back.textBaseline, back.lineWidth] = [font, align, "middle", 4];
    [back.strokeStyle, back.fillStyle] = ["#fff", "#222"];
    back.strokeText(text, x, y);
    back.fillText(text, x, y);
  };
  names.forEach((name, c) => { // framed in its colour, which is the key to the dots
    const font = "bold 14px sans-serif", [x, y] = places.subarray(2 * c, 2 * c + 2);
    back.font = font;
    const wide = back.measureText(name).width + 8;
    [back.fillStyle, back.strokeStyle, back.lineWidth] = ["#fff", get("palette")[c], 2.5];
    back.fillRect(to_x(x) - wide / 2, to_y(y) - 9, wide, 18);
    back.strokeRect(to_x(x) - wide / 2, to_y(y) - 9, wide, 18);
    words(name, to_x(x), to_y(y) + 1, font);
  });
  const number = (v) => String(Number(v.toPrecision(3))).replace("-", "\u2212");
  const small = "12px sans-serif";
  words(`${second} = ${number(top)}`, 4, 10, small, "left");
  words(`${second} = ${number(bottom)}`, 4, SIDE - 28, small, "left");
  words(`${first} = ${number(left)}`, 4, SIDE - 10, small, "left");
  words(`${first} = ${number(right)}`, SIDE - 4, SIDE - 10, small, "right");

  const nearest = () => {
    let best = -1, least = Infinity;
    for (let n = 0; n < labels.length; n++) {
      const d = (codes[2 * n] - z1) ** 2 + (codes[2 * n + 1] - z2) ** 2;
      if (d < least) [least, best] = [d, n];
    }
    return best < 0 ? "" : `; the nearest code has label ${names[labels[best]]}`;
  };
  function announce() {
    status.textContent = `${first} = ${z1.toFixed(2)}, ${second} = ${z2.toFixed(2)}${nearest()}`;
    const label = choices.length ? `, written as ${choices[get("choice")]}` : "";
    image.setAttribute("aria-label", `image decoded at ${status.textContent}${label}`);
  }

  const ink = image.getContext("2d"), pixels = ink.createImageData(w, h), front = pad.getContext("2d");
  function draw() {
    const z = get("base").slice();
    [z[dims[0]], z[dims[1]]] = [z1, z2];
    const out = forward(layers, z), squash = get("output") === "sigmoid";
    for (let i = 0; i < w * h; i++) {
      const grey = 255 * (squash ? 1 / (1 + Math.exp(-out[i])) : out[i]); // the array clips to 0..255
      pixels.data.set([grey, grey, grey, 255], 4 * i);
    }
    ink.putImageData(pixels, 0, 0);
    front.setTransform(1, 0, 0, 1, 0, 0);
    front.drawImage(backdrop, 0, 0);
    front.scale(ratio, ratio);
    for (const [colour, width] of [["#fff", 6], ["#000", 2.5]]) {
      [front.strokeStyle, front.lineWidth] = [colour, width];
      front.beginPath();
      front.arc(to_x(z1), to_y(z2), 7, 0, 2 * Math.PI);
      front.stroke();
    }
  }

  let frame = 0, timer = 0;
  function move(a, b) {
    [z1, z2] = [clip(a, left, right), clip(b, bottom, top)];
    frame ||= requestAnimationFrame(() => { frame = 0; draw(); });
    timer ||= setTimeout(() => { // trailing edge: the last position always arrives
      timer = 0;
      announce();
      model.set("value", [z1, z2]);
      model.save_changes();
    }, KERNEL_MS);
  }
  const follow = (event) => {
    const at = pad.getBoundingClientRect(); // measured, as a zoomed or transformed page changes it
    move(left + (event.clientX - at.left) / at.width * (right - left),
      top - (event.clientY - at.top) / at.height * (top - bottom));
  };
  pad.addEventListener("pointerdown", (event) => { pad.setPointerCapture(event.pointerId); follow(event); });
  pad.addEventListener("pointermove", (event) => { if (event.buttons & 1) follow(event); });
  pad.addEventListener("keydown", (event) => {
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    if (!way && event.key !== "Home") return;
    event.preventDefault();
    event.stopPropagation(); // or JupyterLab would move to another cell
    const step = event.shiftKey ? 0.1 : 0.02;
    if (way) move(z1 + way[0] * step * (right - left), z2 + way[1] * step * (top - bottom));
    else move((left + right) / 2, (bottom + top) / 2);
  });

  const redraw = () => {
    if (radios.length) radios[get("choice")].checked = true;
    if (!timer) [z1, z2] = get("value"); // during a drag, an echo must not pull the point back
    draw();
    announce();
  };
  model.on("change:value", redraw);
  model.on("change:base", redraw);
  redraw();
  return () => {
    model.off("change:value", redraw);
    model.off("change:base", redraw);
    clearTimeout(timer);
    cancelAnimationFrame(frame);
  };
}

export default { render };
