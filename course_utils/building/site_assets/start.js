// The start page: what the student has done here, each notebook's buttons, and what is kept for use without a network.
import {
  SITE, allFiles, askWorker, downloadAll, downloadFile, handIns, keepBeside, putNewBeside, registered, solvedExercises,
  whyNotKept,
} from "./work.js";

const $ = (selector, within = document) => within.querySelector(selector);
const say = (text) => { $("#said").textContent = text; };
const addressOf = (path) => new URL(`notebooks/index.html?path=${encodeURIComponent(path)}`, SITE).href;
const button = (text, title, act) => {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = text;
  made.setAttribute("aria-label", `${text}: ${title}`); // there is one for each notebook
  made.addEventListener("click", () => act().then(show).catch((error) => say(`That did not work: ${error.message ?? error}`)));
  return made;
};

const inLine = (element) => {
  const line = document.createElement("li");
  line.append(element);
  return line;
};

async function show() {
  const files = await allFiles().catch(() => []);
  const solved = solvedExercises(files);
  for (const item of document.querySelectorAll("li[data-path]")) {
    const { path, built, exercises } = item.dataset;
    const title = $("a", item).textContent;
    const own = files.find((file) => file.path === path);
    const names = exercises ? exercises.split(" ") : [];
    const done = names.filter((name) => solved.has(name)).length;
    const parts = [];
    if (own) parts.push(`saved ${new Date(own.last_modified).toLocaleString()}`);
    if (done) parts.push(`${done} of ${names.length} exercises solved`);
    $(".state", item).textContent = parts.join(", ");
    const buttons = $(".buttons", item);
    buttons.replaceChildren();
    const others = files.filter((file) => file.path.startsWith(path.replace(".ipynb", " (")));
    if (own) {
      const isNew = own.content?.metadata?.course?.built !== built;
      if (isNew && !others.some((file) => file.content?.metadata?.course?.built === built)) {
        buttons.append(button("Put the new version beside mine", title, async () => {
          const name = await putNewBeside(path);
          say(`The course has a new version of “${title}”. It is beside yours now, as “${name}”.`);
        }));
      }
      buttons.append(button("Start this notebook again", title, async () => {
        const name = await keepBeside(path);
        say(`“${title}” is as new. Your copy is kept as “${name}”. Close the notebook where it is still open.`);
      }));
    }
    $(".others", item).replaceChildren(...others.map((file) => {
      const link = document.createElement("a");
      link.href = addressOf(file.path);
      link.textContent = file.name;
      return inLine(link);
    }));
  }
  $("#hand-ins").replaceChildren(...handIns(files).map(({ path, last_modified }) => inLine(
    button(`Download ${path}`, `written ${new Date(last_modified).toLocaleString()}`, () => downloadFile(path)))));
  $("#download").hidden = !files.length;
}

async function showOffline() {
  const { kept, of, full } = await askWorker("how much?");
  const all = kept === of;
  document.documentElement.dataset.kept = all ? "all" : full ? "full" : `${kept} of ${of}`;
  $("#offline").textContent = all
    ? "The course is kept in this browser: it opens without a network, too."
    : full
      ? "The browser has no room to keep the course: without a network it will not open."
      : `The course is being kept in this browser (${kept} of ${of} files), so that it opens without a network, too.`;
  return all || full;
}

async function keepCourse() {
  if (!navigator.serviceWorker) return; // which has been said
  const registration = await registered();
  const offer = () => { $("#update").hidden = !registration.waiting; };
  registration.addEventListener("updatefound", () => registration.installing?.addEventListener("statechange", offer));
  offer();
  registration.update().catch(() => null); // browsers ask by themselves, but not at once; there may be no network
  $("#update button").addEventListener("click", () => {
    navigator.serviceWorker.addEventListener("controllerchange", () => location.reload());
    registration.waiting.postMessage("take over");
  });
  const { active } = await navigator.serviceWorker.ready;
  for (let seconds = 0; !(await showOffline()); seconds += 1) {
    if (seconds % 30 === 0) active.postMessage("keep"); // again: the network may have been gone for a while
    await new Promise((resolve) => { setTimeout(resolve, 1000); });
  }
}

$("#download").addEventListener("click", async () => {
  const count = await downloadAll();
  say(`${count} files are in the archive that your browser has saved.`);
});
addEventListener("pageshow", show);
addEventListener("focus", show);
document.addEventListener("visibilitychange", show);
const reason = await whyNotKept(); // which may make room for the student's work, so this comes first
$("#refused").textContent = reason;
$("#refused").hidden = !reason;
await keepCourse().catch((error) => {
  $("#offline").textContent = `The course cannot be kept for use without a network (${error.message}).`;
});
