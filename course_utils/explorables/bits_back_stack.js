// The stack of bits back as a barcode: pop z, push x, push z; and what becomes of the message when a bit is flipped.
// The state is one whole number; everything is computed here, and needs no kernel.

// tables are starts, ascending from 0 to 2^precision; the state is a BigInt
export function push(state, starts, symbol, precision) {
  const freq = BigInt(starts[symbol + 1] - starts[symbol]);
  return ((state / freq) << BigInt(precision)) + BigInt(starts[symbol]) + state % freq;
}

export function pop(state, starts, precision) {
  const slot = Number(state & ((1n << BigInt(precision)) - 1n));
  let symbol = 0;
  while (starts[symbol + 1] <= slot) symbol++;
  const freq = BigInt(starts[symbol + 1] - starts[symbol]);
  return [symbol, freq * (state >> BigInt(precision)) + BigInt(slot - starts[symbol])];
}

// [x, state]: the symbol that was sent last, and the state from before
export function decode(state, { prior, likelihood, posterior, precision }) {
  const [z, after_z] = pop(state, prior, precision);
  const [x, after_x] = pop(after_z, likelihood[z], precision);
  return [x, push(after_x, posterior[x], z, precision)];
}

const WIDTH = 640, BAR = 46, COLUMNS = 64;
const INK = "#222", PAPER = "#fff", LINE = "#888";

function element(tag, parent, style, attributes = {}, text = "") {
  const made = parent.appendChild(document.createElement(tag));
  made.style.cssText = style;
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.textContent = text;
  return made;
}

const log2 = (state) => {
  const bits = state.toString(2).length, kept = Math.min(bits, 50);
  return Math.log2(Number(state >> BigInt(bits - kept))) + bits - kept;
};

function render({ model, el }) {
  const get = (name) => model.get(name);
  const tables = Object.fromEntries(["prior", "likelihood", "posterior", "precision"].map((n) => [n, get(n)]));
  const names = get("names"), loan = BigInt(get("loan"));
  let state, sent, step, x, z, cursor;

  const box = element("div", el, "padding:4px;font:14px sans-serif;max-width:660px", {
    role: "group", "aria-label": get("description"),
  });
  const buttons = element("div", box, "display:flex;flex-wrap:wrap;gap:6px;margin-bottom:6px");
  const bar = element("canvas", box, `width:${WIDTH}px;max-width:100%;box-shadow:0 0 0 1px ${LINE};cursor:pointer`, {
    tabindex: 0, role: "application", "aria-roledescription": "row of bits",
    "aria-label": "The state, bit by bit. Left and right arrow keys choose a bit, the space bar flips it.",
  });
  const status = element("div", box, "margin-top:6px;min-height:1.4em", { role: "status" });
  const sent_line = element("div", box, "margin-top:2px;font-family:monospace;white-space:pre-wrap");
  const got_line = element("div", box, "font-family:monospace;white-space:pre-wrap");
  const ratio = window.devicePixelRatio || 1;

  const bits = () => state.toString(2);
  function draw() {
    const text = bits(), rows = Math.ceil(text.length / COLUMNS), cell = WIDTH / COLUMNS;
    const height = rows * (BAR + 6) + 6;
    bar.width = WIDTH * ratio;
    bar.height = height * ratio;
    const ink = bar.getContext("2d");
    ink.scale(ratio, ratio);
    ink.fillStyle = PAPER;
    ink.fillRect(0, 0, WIDTH, height);
    [...text].forEach((bit, i) => {
      const left = (i % COLUMNS) * cell, top = 6 + Math.floor(i / COLUMNS) * (BAR + 6);
      ink.fillStyle = bit === "1" ? INK : "#d8d8d8";
      ink.fillRect(left, top, cell - 1, BAR);
      if (i === cursor && document.activeElement === bar) {
        ink.strokeStyle = "#e24a33";
        ink.lineWidth = 2;
        ink.strokeRect(left, top - 2, cell - 1, BAR + 4);
      }
    });
  }
  function received() {
    const got = [];
    let rest = state;
    if (step) return null; // in the middle of a symbol
    for (let n = 0; n < sent.length; n++) {
      const [symbol, before] = decode(rest, tables);
      got.unshift(names[symbol]);
      rest = before;
    }
    return [got, rest === loan];
  }
  function say(text) {
    status.textContent = `${text} The stack holds ${log2(state).toFixed(1)} bits, `
      + `${(log2(state) - log2(loan)).toFixed(1)} more than the loan.`;
    sent_line.textContent = `sent:     ${sent.map((s) => names[s]).join(" ") || "nothing yet"}`;
    const back = received();
    got_line.replaceChildren();
    if (!back) got_line.textContent = "received: (finish the three steps)";
    else {
      got_line.append(`received: ${sent.length ? "" : "nothing yet,"}`);
      back[0].forEach((name, n) => {
        const wrong = name !== names[sent[n]];
        element("span", got_line, wrong ? "color:#c0392b;font-weight:bold;text-decoration:underline" : "", {}, name);
        got_line.append(" ");
      });
      got_line.append(back[1] ? " and the loan is back" : " and the loan is NOT what it was");
    }
    draw();
    for (const [name, button] of Object.entries(made)) button.disabled = name.startsWith("send") ? step > 0
      : name === "next" ? step === 0 : name === "read" ? step > 0 || !sent.length : false;
    model.set("sent", sent.map((s) => names[s]).join(""));
    model.set("value", state.toString());
    model.save_changes();
  }
  const made = {};
  function button(key, text, act) {
    made[key] = element("button", buttons, "padding:3px 9px", { type: "button" }, text);
    made[key].addEventListener("click", act);
  }
  function next() {
    const before = log2(state);
    let text;
    if (step === 1) {
      [z, state] = pop(state, tables.posterior[x], tables.precision);
      text = `1. Popped z = ${z} with q(z | ${names[x]}):`;
    } else if (step === 2) {
      state = push(state, tables.likelihood[z], x, tables.precision);
      text = `2. Pushed ${names[x]} with p(x | z = ${z}):`;
    } else {
      state = push(state, tables.prior, z, tables.precision);
      sent.push(x);
      text = `3. Pushed z = ${z} with p(z):`;
    }
    step = (step + 1) % 4;
    const change = log2(state) - before;
    say(`${text} ${Math.abs(change).toFixed(1)} bits ${change < 0 ? "shorter" : "longer"}.`);
  }
  names.forEach((name, symbol) => button(`send ${name}`, `send ${name}`, () => {
    [x, step] = [symbol, 1];
    next();
  }));
  button("next", "next step", next);
  button("read", "read one", () => {
    const [symbol, before] = decode(state, tables);
    state = before;
    sent.pop();
    say(`Read ${names[symbol]}: popped z, popped ${names[symbol]}, pushed z back.`);
  });
  button("reset", "start again", reset);

  function flip(i) {
    const text = bits();
    if (i <= 0 || i >= text.length) {
      say("The first bit stays 1.");
      return;
    }
    state ^= 1n << BigInt(text.length - 1 - i);
    say(`Bit ${i + 1} of ${text.length} is flipped.`);
  }
  bar.addEventListener("pointerdown", (event) => {
    const at = bar.getBoundingClientRect();
    const column = Math.floor((event.clientX - at.left) / at.width * COLUMNS);
    const row = Math.floor((event.clientY - at.top) / at.height * (bar.height / ratio) / (BAR + 6));
    cursor = row * COLUMNS + column;
    flip(cursor);
  });
  bar.addEventListener("keydown", (event) => {
    const way = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!way && event.key !== " ") return;
    event.preventDefault();
    if (way) {
      cursor = Math.min(Math.max(cursor + way, 1), bits().length - 1);
      status.textContent = `Bit ${cursor + 1} of ${bits().length} is ${bits()[cursor]}.`;
      draw();
    } else flip(cursor);
  });
  bar.addEventListener("focus", draw);
  bar.addEventListener("blur", draw);

  function reset() {
    [state, sent, step, cursor] = [loan, [], 0, 1];
    say("A loan of random bits, and nothing sent.");
  }
  reset();
}

export default { render };
