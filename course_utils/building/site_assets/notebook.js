// The course's buttons in a notebook's toolbar: back to the start page, start again, download. The toolbar itself names
// these commands (overrides.json); what is said to the student stands in a line above the notebook.
import { SITE, allFiles, downloadAll, downloadFile, isHandIn, makeRoom, nameBeside, whyNotKept } from "./work.js";

const LONG = 60; // seconds that a computation may take before something is said

const tellWorker = (words) => navigator.serviceWorker?.ready.then(({ active }) => active.postMessage(words));
tellWorker("a kernel starts"); // what the course keeps for later is fetched afterwards
let starting = true;

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

function button(label, act) {
  const made = document.createElement("button");
  made.textContent = label;
  made.addEventListener("click", act);
  return made;
}

function say(text, ...buttons) {
  bar.replaceChildren(text, ...buttons, button("Close", () => { bar.hidden = true; }));
  bar.hidden = false;
}

// Keys belong to the widget that has the focus: JupyterLab 4.4 takes arrow keys, Enter and Space before a slider or a
// button below a cell, or what is folded in a text, can see them. What is pressed with Ctrl, Alt or Cmd stays JupyterLab's, and so do Shift+Enter and
// Escape.
const WIDGETS_OWN = "data-lm-suppress-shortcuts"; // on the very element that has the focus
addEventListener("keydown", (event) => {
  const { target, key } = event;
  const labs = event.ctrlKey || event.altKey || event.metaKey || key === "Escape" || (event.shiftKey && key === "Enter");
  if (labs || !target.closest?.(".jp-OutputArea-output > *, .jp-RenderedMarkdown > *")) return;
  target.setAttribute(WIDGETS_OWN, "true");
  setTimeout(() => target.removeAttribute(WIDGETS_OWN));
}, true);

const failed = (error) => say(`That did not work: ${error.message ?? error}`);

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

// All files as JupyterLite has them, where the browser keeps none.
async function filesOfTheApp() {
  const { contents } = app.serviceManager;
  const { content } = await contents.get("", { content: true });
  return Promise.all(content.filter(({ type }) => type !== "directory")
    .map(({ path }) => contents.get(path, { content: true })));
}

// The files, with what is on the page in this notebook's place: it may be more than could be saved.
function withThisPage(files) {
  const context = notebook()?.context;
  if (!context) return files;
  const { path, model } = context;
  return [...files.filter((file) => file.path !== path), { path, type: "notebook", format: "json", content: model.toJSON() }];
}

const commands = {
  "course:home": { label: "Course", caption: "The course's start page", execute: async () => {
    await notebook()?.context.save();
    location.href = new URL("index.html", SITE).href;
  } },
  "course:start-again": { label: "Start again", caption: "Start this notebook again; your copy is kept beside it", execute: startAgain },
  "course:download": { label: "Download my work", caption: "All your notebooks and your progress, as one zip", execute: async () => {
    await notebook()?.context.save().catch(() => null); // it has been said that it cannot be kept
    const count = await downloadAll(withThisPage(await allFiles().catch(filesOfTheApp)));
    say(`${count} files are in the archive that your browser has saved.`);
  } },
};
for (const [id, command] of Object.entries(commands)) {
  app.commands.addCommand(id, {
    ...command,
    execute: () => Promise.resolve(command.execute()).catch(failed),
  });
}
document.documentElement.dataset.course = "ready";

// What cannot be saved is tried once more with more room, and then said, again with each attempt.
const watched = new WeakMap(); // context -> whether it is the second attempt
function watchSaving(context) {
  if (!context || watched.has(context)) return;
  watched.set(context, false);
  context.saveState.connect(async (_, state) => {
    if (state.startsWith("completed")) watched.set(context, false);
    if (state !== "failed") return;
    say("The browser could not save this notebook; it may have no room left. What you see is still here: use " +
      "“Download my work” before you close the page.");
    if (watched.get(context)) return;
    watched.set(context, true);
    await makeRoom();
    await context.save();
    bar.hidden = true;
  });
}

// What Python writes and the browser does not keep: Python gets an error, which is said below the cell, and does not
// wait for ever.
const channel = new BroadcastChannel("/sw-api.v1");
addEventListener("unhandledrejection", ({ reason }) => {
  if (reason?.name === "QuotaExceededError") makeRoom().finally(() => channel.postMessage({ failed: true }));
});

// A kernel that cannot start, as when there is no network, would be waited for without a word (kernel.js).
new BroadcastChannel("course-kernel").addEventListener("message", ({ data }) => say(
  `Python could not start (${data.failed}). Is there a network? What you have written is kept.`,
  button("Try again", async () => {
    await notebook()?.context.save().catch(() => null);
    location.reload();
  })));

// A call into C that does not end cannot be stopped from outside: say what can be done.
let since = null;
setInterval(() => {
  watchSaving(notebook()?.context);
  const status = notebook()?.context.sessionContext.kernelDisplayStatus, busy = status === "busy";
  if (starting && status === "idle") {
    starting = false;
    tellWorker("a kernel is ready");
  }
  if (!busy) since = null;
  else if (since === null) since = Date.now();
  else if (Date.now() - since > LONG * 1000) {
    since = Infinity; // said once for each computation
    say(`Python has been computing for ${LONG} seconds. Training takes its time in a browser. If nothing should take that ` +
      "long, choose Kernel > Restart Kernel: your text and answers stay, and you run the cells anew.");
  }
}, 1000);

// An archive of hand_in() lies where only this page can get at it.
let written = null;
app.serviceManager.contents.fileChanged.connect((_, { newValue }) => {
  if (!isHandIn(newValue?.path ?? "")) return;
  clearTimeout(written); // it is written in several steps
  written = setTimeout(() => say(`${newValue.path} is written. Download it, and hand in this one file as it is.`,
    button(`Download ${newValue.path}`, () => downloadFile(newValue.path).catch(failed))), 500);
});

navigator.storage?.persist?.().catch(() => null); // else the browser may clear what it keeps when the disk is full
const reason = await whyNotKept();
if (reason) say(reason);
tellWorker("keep"); // this may be the first page that is seen
