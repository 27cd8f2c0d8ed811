// The course's buttons in a notebook's toolbar: back to the start page, start again, download. The toolbar itself names
// these commands (overrides.json); what is said to the student stands in a line above the notebook.
import { SITE, downloadAll, nameBeside, whyNotKept } from "./work.js";

const LONG = 60; // seconds that a computation may take before something is said

const bar = document.createElement("div");
bar.id = "course-says";
bar.setAttribute("role", "status");
bar.hidden = true;
const style = document.createElement("style");
style.textContent = `#course-says { position: fixed; left: 50%; transform: translateX(-50%); bottom: 1rem; z-index: 10000;
  max-width: min(44rem, calc(100vw - 2rem)); padding: .6rem 1rem; font: 15px/1.45 system-ui, sans-serif; color: #1c1c22;
  background: #fff8df; border: 1px solid #8a6d00; border-radius: 6px; box-shadow: 0 2px 12px #0004; }
#course-says button { margin-left: 1rem; font: inherit; }
@media print { #course-says { display: none; } }`;
document.head.append(style);
document.body.append(bar);

function say(text) {
  const close = document.createElement("button");
  close.textContent = "Close";
  close.addEventListener("click", () => { bar.hidden = true; });
  bar.replaceChildren(text, close);
  bar.hidden = false;
}

const application = () => new Promise((resolve) => {
  const look = setInterval(() => {
    if (!globalThis.jupyterapp) return;
    clearInterval(look);
    resolve(globalThis.jupyterapp);
  }, 50);
});

const app = await application();
await app.started;
const notebook = () => {
  const widget = app.shell.currentWidget;
  return widget?.context?.model?.cells ? widget : null;
};

// The course's notebook again; what was there is kept under another name.
async function startAgain() {
  const { context } = notebook();
  const { contents } = app.serviceManager;
  const original = context.model.getMetadata("course")?.notebook;
  const response = original && (await fetch(new URL(`files/${original}.ipynb`, SITE)));
  if (!response?.ok) return say("This notebook is none of the course's, so there is nothing to start again from.");
  await context.save();
  const mine = await contents.get(context.path, { content: true, type: "notebook" });
  const name = nameBeside(context.path, "kept");
  await contents.save(name, { ...mine, name, path: name });
  await contents.save(context.path, { type: "notebook", format: "json", content: await response.json() });
  await context.revert();
  await context.sessionContext.session?.kernel?.restart();
  return say(`The notebook is as new. What you had is kept as “${name}”; the course's start page lists it.`);
}

const commands = {
  "course:home": { label: "Course", caption: "The course's start page", execute: async () => {
    await notebook()?.context.save();
    location.href = new URL("index.html", SITE).href;
  } },
  "course:start-again": { label: "Start again", caption: "Start this notebook again; your copy is kept beside it", execute: startAgain },
  "course:download": { label: "Download my work", caption: "All your notebooks and your progress, as one zip", execute: async () => {
    await notebook()?.context.save();
    say(`${await downloadAll()} files are in the archive that your browser has saved.`);
  } },
};
for (const [id, command] of Object.entries(commands)) {
  app.commands.addCommand(id, {
    ...command,
    execute: () => Promise.resolve(command.execute()).catch((error) => say(`That did not work: ${error.message ?? error}`)),
  });
}
document.documentElement.dataset.course = "ready";

// A call into C that does not end cannot be stopped from outside: say what can be done.
let since = null;
setInterval(() => {
  const busy = notebook()?.context.sessionContext.kernelDisplayStatus === "busy";
  if (!busy) since = null;
  else if (since === null) since = Date.now();
  else if (Date.now() - since > LONG * 1000) {
    since = Infinity; // said once for each computation
    say(`Python has been computing for ${LONG} seconds. Training takes its time in a browser. If nothing should take that ` +
      "long, choose Kernel > Restart Kernel: your text and answers stay, and you run the cells anew.");
  }
}, 1000);

navigator.storage?.persist?.().catch(() => null); // else the browser may clear what it keeps when the disk is full
const reason = await whyNotKept();
if (reason) say(reason);
