// Starts Python for a kernel, in its worker, in the place of Pyodide's own way to load packages: that unpacks archives in
// Python, and compiles every shared library of every package, imported or not. Here the browser unpacks them, while
// Python still starts, and a library is compiled when a module that is imported asks for it.
"use strict";
const WHERE = { site: "/lib/python3.12/site-packages", dynlib: "/usr/lib" }; // as Pyodide's lock file names them

const PAUSES = [1, 4]; // seconds before the second and the third attempt to fetch a file

const integrity = (sha256) => `sha256-${btoa(String.fromCharCode(...sha256.match(/../g).map((two) => parseInt(two, 16))))}`;

async function fetched(address, how) {
  const response = await fetch(address, how).catch(({ message }) => { throw new Error(`${address}: ${message}`); });
  if (!response.ok) throw new Error(`${address}: ${response.status} ${response.statusText}`);
  return response;
}

async function tried(act) { // again, as a network may fail for a moment
  for (const seconds of PAUSES) {
    try {
      return await act();
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 1000 * seconds));
    }
  }
  return act();
}

// A package's files, [path, content]: a line of JSON, [[path, bytes], ...], and their contents, one after another.
async function unpacked(address, { file_name, sha256 }) {
  const { body } = await fetched(new URL(file_name, address), { integrity: integrity(sha256) });
  const all = new Uint8Array(await new Response(body.pipeThrough(new DecompressionStream("gzip"))).arrayBuffer());
  let at = all.indexOf(10) + 1;
  return JSON.parse(new TextDecoder().decode(all.subarray(0, at)))
    .map(([path, size]) => [path, all.subarray(at, at += size)]);
}

function write(FS, folder, files, made) {
  for (const [path, content] of files) {
    const whole = `${folder}/${path}`, parent = whole.slice(0, whole.lastIndexOf("/"));
    if (!made.has(parent)) FS.mkdirTree(parent);
    made.add(parent);
    FS.writeFile(whole, content, { canOwn: true }); // not copied
  }
}

async function start(options) {
  const address = new URL(options.indexURL, self.location.href);
  importScripts(new URL("pyodide.js", address)); // which has a function of the same name
  const startPython = self.loadPyodide;
  const lock = tried(async () => (await fetched(new URL("pyodide-lock.json", address))).json());
  const packages = lock.then((read) => Promise.all(
    Object.values(read.packages).map(async (entry) => ({ entry, files: await tried(() => unpacked(address, entry)) }))));
  packages.catch(() => null); // it is told below, when Python has started
  const env = { ...options.env, PYTHONDONTWRITEBYTECODE: "1" }; // nobody would read it: the next kernel starts anew
  const pyodide = await startPython({ ...options, env, packages: [] });
  const made = new Set();
  for (const { entry, files } of await packages) {
    write(pyodide.FS, WHERE[entry.install_dir], files, made);
    pyodide.loadedPackages[entry.name] = "default channel";
  }
  for (const { entry, files } of await packages) { // other libraries name these, and find only what has been loaded
    if (entry.install_dir !== "dynlib") continue;
    for (const [path] of files) await pyodide._api.loadDynlib(`${WHERE.dynlib}/${path}`, false, []);
  }
  pyodide.pyimport("importlib").invalidate_caches();
  return pyodide;
}

self.loadPyodide = (options) => start(options).catch((error) => { // nobody else would say it: the page waits (notebook.js)
  new BroadcastChannel("course-kernel").postMessage({ failed: error.message ?? String(error) });
  throw error;
});
