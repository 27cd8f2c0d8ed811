// The student's work as JupyterLite keeps it in this browser: a database with one entry for each file.
export const SITE = new URL("..", import.meta.url); // the folder that holds the site
const DATABASE = `JupyterLite Storage - ${SITE.pathname}`;
const FILES = "files";
const PROGRESS = ".course_progress.json";
const WORKER = new URL("service-worker.js?enableCache=false", SITE).href; // as JupyterLite's own pages call it

// Registers the course's service worker. Without the version that JupyterLite looks for, it would remove it again.
export async function registered() {
  localStorage.setItem(`${WORKER}-version`, document.querySelector("meta[name=jupyterlite]").content);
  return navigator.serviceWorker.register(WORKER);
}

// The answer of the course's service worker to a question; undefined where there is none that could answer.
export async function askWorker(question) {
  const { active } = (await navigator.serviceWorker?.getRegistration(SITE)) ?? {};
  if (!active) return undefined;
  const channel = new MessageChannel();
  const reply = new Promise((resolve) => { channel.port1.onmessage = (event) => resolve(event.data); });
  active.postMessage(question, [channel.port2]);
  return reply;
}

const promised = (request) => new Promise((resolve, reject) => {
  request.onsuccess = () => resolve(request.result);
  request.onerror = () => reject(request.error);
});

// Calls use(store) and waits until it is written; null where nothing was ever kept here.
async function withFiles(mode, use) {
  const opening = indexedDB.open(DATABASE);
  let fresh = false;
  opening.onupgradeneeded = () => { fresh = true; opening.transaction.abort(); }; // it is JupyterLite's to make
  const database = await promised(opening).catch((error) => { if (fresh) return null; throw error; });
  if (!database) return null;
  database.onversionchange = () => database.close();
  try {
    if (!database.objectStoreNames.contains(FILES)) return null;
    const transaction = database.transaction(FILES, mode);
    const done = new Promise((resolve, reject) => {
      transaction.oncomplete = resolve;
      transaction.onabort = transaction.onerror = () => reject(transaction.error);
    });
    const result = await use(transaction.objectStore(FILES));
    await done;
    return result;
  } finally {
    database.close();
  }
}

// All files that the student has, as JupyterLite describes them: {path, name, content, last_modified, ...}.
export const allFiles = async () => (await withFiles("readonly", (store) => promised(store.getAll()))) ?? [];
export const removeFile = (path) => withFiles("readwrite", (store) => promised(store.delete(path)));
export const putFile = (file) => withFiles("readwrite", (store) => promised(store.put(file, file.path)));

const encoder = new TextEncoder();
// A file's bytes; what Python writes is kept in base64, notebooks as objects.
const bytesOf = (file) => {
  if (file.format === "base64") return Uint8Array.from(atob(file.content), (c) => c.charCodeAt(0));
  if (typeof file.content === "string") return encoder.encode(file.content);
  return encoder.encode(JSON.stringify(file.content, null, 1));
};

export const solvedExercises = (files) => {
  const file = files.find((one) => one.path === PROGRESS);
  try {
    return new Set(Object.keys(JSON.parse(new TextDecoder().decode(bytesOf(file))).solved));
  } catch {
    return new Set(); // there is none, or it is damaged
  }
};

// The name under which a copy is put beside `path`: "00_start_here (kept 2026-11-27 04.05.06).ipynb".
export const nameBeside = (path, word, now = new Date()) => {
  const two = (number) => String(number).padStart(2, "0");
  const day = [now.getFullYear(), two(now.getMonth() + 1), two(now.getDate())].join("-");
  const time = [now.getHours(), now.getMinutes(), now.getSeconds()].map(two).join(".");
  return path.replace(/(\.\w+)?$/, ` (${word} ${day} ${time})$1`);
};

// Puts the student's copy under another name, so that the course's own is opened next; returns that name.
export async function keepBeside(path) {
  const file = (await allFiles()).find((one) => one.path === path);
  if (!file) return null;
  const name = nameBeside(path, "kept");
  await putFile({ ...file, path: name, name });
  await removeFile(path);
  return name;
}

// Puts the site's newer version of a notebook beside the student's copy; returns its name.
export async function putNewBeside(path) {
  const response = await fetch(new URL(`files/${path}`, SITE));
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  const content = await response.json();
  const name = nameBeside(path, "new");
  const now = new Date().toISOString();
  const size = JSON.stringify(content).length;
  await putFile({ name, path: name, content, size, format: "json", mimetype: "application/json", type: "notebook",
    writable: true, created: now, last_modified: now });
  return name;
}

const CRC = Uint32Array.from({ length: 256 }, (_, n) => {
  for (let k = 0; k < 8; k += 1) n = n & 1 ? (n >>> 1) ^ 0xedb88320 : n >>> 1;
  return n;
});
const crc32 = (bytes) => {
  let c = ~0;
  for (const byte of bytes) c = (c >>> 8) ^ CRC[(c ^ byte) & 255];
  return ~c >>> 0;
};

// A zip archive of {name: bytes}, stored as they are.
export function zip(entries, now = new Date()) {
  const time = (now.getHours() << 11) | (now.getMinutes() << 5) | (now.getSeconds() >> 1);
  const day = ((now.getFullYear() - 1980) << 9) | ((now.getMonth() + 1) << 5) | now.getDate();
  const parts = [], directory = [];
  let offset = 0;
  const numbers = (...fields) => {
    const view = new DataView(new ArrayBuffer(fields.reduce((sum, [, size]) => sum + size, 0)));
    let at = 0;
    for (const [value, size] of fields) {
      if (size === 2) view.setUint16(at, value, true); else view.setUint32(at, value, true);
      at += size;
    }
    return new Uint8Array(view.buffer);
  };
  for (const [name, bytes] of Object.entries(entries)) {
    const title = encoder.encode(name);
    const common = [[20, 2], [0x800, 2], [0, 2], [time, 2], [day, 2], [crc32(bytes), 4], [bytes.length, 4],
      [bytes.length, 4], [title.length, 2], [0, 2]];
    const head = numbers([0x04034b50, 4], ...common);
    parts.push(head, title, bytes);
    directory.push(numbers([0x02014b50, 4], [20, 2], ...common, [0, 2], [0, 2], [0, 2], [0, 4], [offset, 4]), title);
    offset += head.length + title.length + bytes.length;
  }
  const count = Object.keys(entries).length;
  const size = directory.reduce((sum, part) => sum + part.length, 0);
  const end = numbers([0x06054b50, 4], [0, 2], [0, 2], [count, 2], [count, 2], [size, 4], [offset, 4], [0, 2]);
  return new Blob([...parts, ...directory, end], { type: "application/zip" });
}

// Gives the browser a file to save.
function download(name, blob) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}

// Archives that hand_in() has written, the newest first.
export const isHandIn = (path) => /^hand-in-\d+\.zip$/.test(path);
export const handIns = (files) => files.filter((file) => isHandIn(file.path))
  .sort((a, b) => b.path.localeCompare(a.path, undefined, { numeric: true }));

export async function downloadFile(path) {
  const file = (await allFiles()).find((one) => one.path === path);
  if (!file) throw new Error(`${path} is not kept in this browser`);
  download(path, new Blob([bytesOf(file)], { type: file.mimetype || "application/octet-stream" }));
}

// All the student's files as one zip; returns how many there are. Archives of hand_in() hold the same files once more,
// and a grader opens no archive within an archive.
export async function downloadAll(all) {
  const files = (all ?? await allFiles()).filter(({ type, content, path }) => type !== "directory" && content !== null && !isHandIn(path));
  if (!files.length) return 0;
  const name = `${nameBeside("my-work", "of").replace(/[ ()]+/g, "-").replace(/-$/, "")}.zip`;
  download(name, zip(Object.fromEntries(files.map((file) => [file.path, bytesOf(file)]))));
  return files.length;
}

const NEEDED = 20e6; // bytes that a student's notebooks with their figures may take

// Whether so much can be kept: tried, as browsers do not say how much room there is, or say what is not so.
async function hasRoom(bytes) {
  const opening = indexedDB.open("course: can anything be kept?");
  opening.onupgradeneeded = () => opening.result.createObjectStore("test");
  const database = await promised(opening);
  const inTransaction = (use) => new Promise((resolve, reject) => {
    const transaction = database.transaction("test", "readwrite");
    use(transaction.objectStore("test"));
    transaction.oncomplete = resolve;
    transaction.onabort = () => reject(transaction.error);
  });
  try {
    await inTransaction((store) => store.put(new Uint8Array(bytes), "kept"));
    return true;
  } catch (error) {
    if (error?.name === "QuotaExceededError") return false;
    throw error;
  } finally {
    await inTransaction((store) => store.clear()).catch(() => null);
    database.close();
  }
}

// The course's own copy gives way to the student's work.
export const makeRoom = () => askWorker("make room");

// "" or a sentence on why this browser may not keep the work: said before there is any.
export async function whyNotKept() {
  const remedy = "Use “Download my work” in the notebook before you close it.";
  try {
    if (!navigator.serviceWorker) {
      return "This page was not opened over https (or from this machine), or in a private window: the browser then keeps " +
        `neither the course nor your progress. ${remedy}`;
    }
    await registered();
    if (await hasRoom(NEEDED)) return "";
    await makeRoom();
    if (await hasRoom(NEEDED)) return "";
  } catch (error) {
    return `This browser refuses to keep anything (${error?.name ?? error}), as some do in private windows. ${remedy}`;
  }
  return `The browser has room for less than ${NEEDED / 1e6} MB more, which notebooks with their figures may need. Make room ` +
    `on this device. ${remedy}`;
}
