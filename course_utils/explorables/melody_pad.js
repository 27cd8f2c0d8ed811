// The melody pad: four melodies in the corners, decoded ones between them, drawn as a piano roll and played.
const SIDE = 260, WIDE = 420; // CSS pixels

// The look of JupyterLab's own widgets, also in pages that are not JupyterLab
const BUTTON = "font:inherit;color:var(--jp-ui-font-color1,#222);background:var(--jp-layout-color2,#eee);border:0;"
  + "border-radius:2px;padding:5px 12px;cursor:pointer";

const floats = ({ buffer, byteOffset: at, byteLength: n }) => new Float32Array(buffer.slice(at, at + n));

// [{ start, length, pitch }, ...] of tokens: a pitch starts a note, -2 holds it, -1 rests
export function notes(melody) {
  const found = [];
  let sounds = false;
  melody.forEach((value, start) => {
    if (value >= 0) found.push({ start, length: 1, pitch: value });
    else if (value === -2 && sounds) found[found.length - 1].length += 1;
    sounds = value >= 0 || (value === -2 && sounds);
  });
  return found;
}

// Schedules a melody on an audio context from `at` seconds on; returns when it ends
export function schedule(audio, melody, step, at) {
  for (const { start, length, pitch } of notes(melody)) {
    const voice = audio.createOscillator(), loud = audio.createGain();
    const begin = at + start * step, end = begin + length * step;
    voice.type = "triangle";
    voice.frequency.value = 440 * 2 ** ((pitch - 69) / 12);
    loud.gain.setValueAtTime(0, begin); // no jump at either end: a jump is a click
    loud.gain.linearRampToValueAtTime(0.4, begin + 0.01);
    loud.gain.setValueAtTime(0.4, Math.max(begin + 0.01, end - 0.04));
    loud.gain.linearRampToValueAtTime(0, end);
    voice.connect(loud).connect(audio.destination);
    voice.start(begin);
    voice.stop(end);
  }
  return at + melody.length * step;
}

function element(tag, parent, style, attributes = {}, text = "") {
  const made = parent.appendChild(document.createElement(tag));
  made.style.cssText = style;
  made.textContent = text;
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

function render({ model, el }) {
  const [n, T] = model.get("shape"), grid = floats(model.get("melodies")), step = model.get("step");
  const corners = model.get("corners"), ratio = window.devicePixelRatio || 1;
  const melody = (row, column) => Array.from(grid.subarray((row * n + column) * T, (row * n + column + 1) * T));
  const box = element("div", el, "display:flex;flex-wrap:wrap;gap:16px;padding:4px;font:14px sans-serif");
  const pad = element("canvas", box,
    `box-shadow:0 0 0 1px #888;width:${SIDE}px;height:${SIDE}px;touch-action:none;cursor:crosshair`, {
      tabindex: 0, role: "application", "aria-roledescription": "two-dimensional slider",
      "aria-label": `${model.get("description")} Arrow keys move; Enter or Space plays and stops.`,
    });
  const right = element("div", box, "");
  const roll = element("canvas", right, `box-shadow:0 0 0 1px #888;width:${WIDE}px;max-width:100%;height:${SIDE - 40}px`,
    { role: "img" });
  const button = element("button", right, `${BUTTON};display:block;margin-top:10px`, { type: "button" }, "Play");
  const status = element("div", box, "flex-basis:100%;color:var(--jp-content-font-color1,inherit)", { role: "status" });
  for (const [canvas, w, h] of [[pad, SIDE, SIDE], [roll, WIDE, SIDE - 40]])
    [canvas.width, canvas.height] = [w * ratio, h * ratio];

  const names = ["C", "C♯", "D", "D♯", "E", "F", "F♯", "G", "G♯", "A", "A♯", "B"];
  let row = (n - 1) >> 1, column = (n - 1) >> 1;
  const at = (i) => 24 + i * (SIDE - 48) / (n - 1);
  function drawPad() {
    const ink = pad.getContext("2d");
    ink.setTransform(ratio, 0, 0, ratio, 0, 0);
    ink.fillStyle = "#fff";
    ink.fillRect(0, 0, SIDE, SIDE);
    for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) {
      ink.fillStyle = i === row && j === column ? "#bd1f01" : (i % (n - 1) || j % (n - 1)) ? "#b8c4ce" : "#3f90da";
      ink.beginPath();
      ink.arc(at(j), at(i), i === row && j === column ? 9 : (i % (n - 1) || j % (n - 1)) ? 3 : 6, 0, 2 * Math.PI);
      ink.fill();
    }
    [ink.font, ink.fillStyle, ink.textBaseline] = ["bold 13px sans-serif", "#222", "middle"];
    ["A", "B", "C", "D"].forEach((letter, i) => {
      [ink.textAlign] = [i % 2 ? "right" : "left"];
      ink.fillText(letter, i % 2 ? SIDE - 5 : 5, i < 2 ? 11 : SIDE - 11);
    });
  }
  function drawRoll(now = -1) {
    const ink = roll.getContext("2d"), height = SIDE - 40, low = 52, high = 92;
    ink.setTransform(ratio, 0, 0, ratio, 0, 0);
    ink.fillStyle = "#fff";
    ink.fillRect(0, 0, WIDE, height);
    const x = (t) => 30 + t / T * (WIDE - 36), y = (p) => height - (p - low + 0.5) / (high - low) * height;
    ink.font = "11px sans-serif";
    for (let t = 0; t <= T; t += 4) {
      ink.fillStyle = t % 16 ? "#e8e8e8" : "#b0b0b0";
      ink.fillRect(x(t), 0, 1, height);
    }
    for (const [c, p] of [["C4", 60], ["C5", 72], ["C6", 84]]) {
      ink.fillStyle = "#e8e8e8";
      ink.fillRect(30, y(p), WIDE, 1);
      ink.fillStyle = "#555";
      ink.fillText(c, 6, y(p) + 4);
    }
    for (const { start, length, pitch } of notes(melody(row, column))) {
      ink.fillStyle = now >= start && now < start + length ? "#bd1f01" : "#3f90da";
      ink.fillRect(x(start) + 1, y(pitch) - 3.5, x(start + length) - x(start) - 2, 7);
    }
    if (now >= 0) { ink.fillStyle = "#bd1f01"; ink.fillRect(x(now), 0, 1.5, height); }
  }
  function tell() {
    const found = notes(melody(row, column)), percent = (i) => Math.round(100 * i / (n - 1));
    status.textContent = `${percent(column)} % to the right, ${percent(row)} % down: ${found.length} notes. `
      + `A: ${corners[0]}. B: ${corners[1]}. C: ${corners[2]}. D: ${corners[3]}.`;
    roll.setAttribute("aria-label", "piano roll: "
      + found.map(({ pitch }) => names[pitch % 12] + (Math.floor(pitch / 12) - 1)).join(" "));
  }

  let audio = null, ends = 0, frame = 0;
  function stop() {
    audio?.close();
    audio = null;
    cancelAnimationFrame(frame);
    button.textContent = "Play";
    drawRoll();
  }
  function play() {
    if (audio) { stop(); return; }
    audio = new AudioContext();
    const begins = audio.currentTime + 0.08;
    ends = schedule(audio, melody(row, column), step, begins);
    button.textContent = "Stop";
    const follow = () => {
      if (!audio) return;
      if (audio.currentTime >= ends) { stop(); return; }
      drawRoll(Math.max(0, (audio.currentTime - begins) / step));
      frame = requestAnimationFrame(follow);
    };
    follow();
  }
  function move(r, c) {
    const clip = (i) => Math.min(Math.max(Math.round(i), 0), n - 1);
    if (clip(r) === row && clip(c) === column) return;
    [row, column] = [clip(r), clip(c)];
    const played = audio !== null;
    if (played) stop();
    drawPad();
    drawRoll();
    tell();
    if (played) play(); // a melody that sounds goes on with the new one
  }
  const follow = (event) => {
    const place = pad.getBoundingClientRect();
    const index = (v, size) => (v / size * SIDE - 24) / (SIDE - 48) * (n - 1);
    move(index(event.clientY - place.top, place.height), index(event.clientX - place.left, place.width));
  };
  pad.addEventListener("pointerdown", (event) => { pad.setPointerCapture(event.pointerId); follow(event); });
  pad.addEventListener("pointermove", (event) => { if (event.buttons & 1) follow(event); });
  pad.addEventListener("keydown", (event) => {
    const way = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
    if (!way && event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    if (way) move(row + way[0], column + way[1]);
    else play();
  });
  button.addEventListener("click", play);
  drawPad();
  drawRoll();
  tell();
  return () => { audio?.close(); cancelAnimationFrame(frame); };
}

export default { render };
