// Frames of lines or points, chosen by one or two sliders. Everything was computed before: no kernel is needed.
const CELL = 1.35; // from one line drawing to the next, where a drawing is 1 wide

// The look of JupyterLab's own widgets, also in pages that are not JupyterLab
const BUTTON = "font:inherit;color:var(--jp-ui-font-color1,#222);background:var(--jp-layout-color2,#eee);border:0;"
  + "border-radius:2px;padding:5px 12px;cursor:pointer";

const floats = ({ buffer, byteOffset: at, byteLength: n }) => new Float32Array(buffer.slice(at, at + n));

// The items of the frame at these slider positions: arrays of [x, y, x, y, ...]
export function frame(flat, sizes, items, points, at) {
  const index = at.reduce((sum, k, i) => sum * sizes[i] + k, 0), length = 2 * points;
  return Array.from({ length: items }, (_, n) => {
    const start = (index * items + n) * length;
    return flat.subarray(start, start + length);
  });
}

function element(tag, parent, style, attributes = {}) {
  const made = parent.appendChild(document.createElement(tag));
  made.style.cssText = style;
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

function render({ model, el }) {
  const get = (name) => model.get(name);
  const flat = floats(get("frames")), sizes = get("sizes"), items = get("items"), points = get("points");
  const [left, right, bottom, top] = get("extent"), width = get("width"), columns = get("columns");
  const height = Math.round(width * (top - bottom) / (right - left)), scale = width / (right - left);
  const rows = Math.ceil(items / columns), lines = get("kind") === "lines", given = get("given");
  const captions = JSON.parse(new TextDecoder().decode(get("captions")));
  let at = [...get("value")], timer = null;

  const box = element("div", el, "padding:4px;font:14px sans-serif;color:var(--jp-content-font-color1,inherit)");
  box.addEventListener("keydown", (event) => event.stopPropagation()); // JupyterLab has other uses for arrow keys
  const ratio = window.devicePixelRatio || 1;
  const canvas = element("canvas", box, `width:${width}px;height:${height}px;max-width:100%;background:#fff`,
    { role: "img" });
  [canvas.width, canvas.height] = [width * ratio, height * ratio];
  const pen = canvas.getContext("2d");
  const sliders = sizes.map((size, i) => {
    const label = element("label", box, "display:flex;gap:8px;align-items:center;max-width:620px");
    element("span", label, "min-width:13em").textContent = get("names")[i];
    const slider = element("input", label, "flex:1", { type: "range", min: 0, max: size - 1, step: 1 });
    slider.setAttribute("aria-label", get("names")[i]);
    const shown = element("span", label, "min-width:5em");
    slider.addEventListener("input", () => move(i, Number(slider.value)));
    return { slider, shown };
  });
  const play = element("button", box, `${BUTTON};margin:4px 0`, { type: "button" });
  const status = element("div", box, "min-height:1.4em", { role: "status" }); // spoken when it changes

  function draw() {
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.fillStyle = "#fff"; // also in a dark theme
    pen.fillRect(0, 0, width, height);
    const x = (v) => (v - left) * scale, y = (v) => (top - v) * scale;
    frame(flat, sizes, items, points, at).forEach((item, n) => {
      const [dx, dy] = lines ? [CELL * (n % columns), CELL * (rows - 1 - Math.floor(n / columns))] : [0, 0];
      pen.fillStyle = lines ? "#222" : "#3f90da";
      if (!lines) {
        pen.globalAlpha = 0.6;
        for (let i = 0; i < points; i++) pen.fillRect(x(item[2 * i]) - 1.5, y(item[2 * i + 1]) - 1.5, 3, 3);
        pen.globalAlpha = 1;
        return;
      }
      const stroke = (count, colour, thick) => {
        pen.beginPath();
        for (let i = 0; i < count; i++) pen.lineTo(x(item[2 * i] + dx), y(item[2 * i + 1] + dy));
        [pen.strokeStyle, pen.lineWidth, pen.lineJoin, pen.lineCap] = [colour, thick, "round", "round"];
        pen.stroke();
      };
      stroke(points, "#222", 2);
      if (given.length && given[at[0]] > 1) stroke(given[at[0]], "#3f90da", 5);
      pen.beginPath();
      pen.arc(x(item[0] + dx), y(item[1] + dy), 3, 0, 7);
      pen.fill();
    });
    sliders.forEach(({ slider, shown }, i) => {
      slider.value = at[i];
      shown.textContent = get("labels")[i][at[i]];
      slider.setAttribute("aria-valuetext", get("labels")[i][at[i]]);
    });
    const caption = captions[at.reduce((sum, k, i) => sum * sizes[i] + k, 0)];
    status.textContent = caption;
    canvas.setAttribute("aria-label", `${get("description")} ${caption}`);
    play.textContent = timer ? "Pause" : "Play";
  }
  function stop() {
    clearInterval(timer);
    timer = null;
  }
  function move(i, k) {
    at[i] = k;
    model.set("value", [...at]);
    model.save_changes();
    draw();
  }
  play.addEventListener("click", () => {
    if (timer) {
      stop();
      draw();
      return;
    }
    if (at[0] === sizes[0] - 1) at[0] = -1;
    timer = setInterval(() => {
      if (at[0] + 1 === sizes[0] - 1) stop();
      move(0, at[0] + 1);
    }, 200);
    move(0, at[0] + 1);
  });
  const moved = () => {
    at = [...get("value")];
    draw();
  };
  model.on("change:value", moved);
  draw();
  return () => {
    stop();
    model.off("change:value", moved);
  };
}

export default { render };
