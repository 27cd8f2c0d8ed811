// Keeps the course in this browser, file by file, so that it starts without a network from the second visit on, and
// passes on what the kernel asks of the notebooks' storage. Files are known by their content: a new version of the
// site fetches what has changed, and an old copy never stands in for a new file.
"use strict";
const FILES = /*FILES*/{}; // path below the site's folder -> SHA-256 of the file
const LATER = /*LATER*/{}; // the same of what is not fetched before somebody asks for it, and kept from then on
const ALL = { ...FILES, ...LATER };
const CACHE = "course:" + self.registration.scope;
const AT_ONCE = 3;
const FULL = new URL("?full", self.registration.scope).href; // an entry that says when there was no room
const QUIET = 60e3; // milliseconds, at most, in which nothing is fetched to be kept, while a kernel starts
const PATIENCE = 24 * 3600e3; // milliseconds until that is tried again
const channel = new BroadcastChannel("/sw-api.v1"); // as JupyterLite's pages call it
const turns = new Map(); // page -> its latest question about the storage: answers bear no number, so one at a time
let keeping = null;
let calm = Promise.resolve(), kernelIsReady = () => null; // what is kept waits for `calm`

const keyOf = (path) => new URL(`${path}?sha256=${ALL[path]}`, self.registration.scope).href;
const pathOf = (url) => {
  if (!url.href.startsWith(self.registration.scope)) return null;
  const path = decodeURI(url.pathname.slice(new URL(self.registration.scope).pathname.length));
  return path === "" || path.endsWith("/") ? `${path}index.html` : path;
};
const hex = (buffer) => [...new Uint8Array(buffer)].map((byte) => byte.toString(16).padStart(2, "0")).join("");

async function fetchAndKeep(path, cache) {
  const response = await fetch(new URL(path, self.registration.scope), { cache: "no-cache" });
  const body = await response.arrayBuffer();
  const found = hex(await crypto.subtle.digest("SHA-256", body));
  if (!response.ok || response.redirected || found !== ALL[path]) throw new Error(`${path} is another version's`);
  await cache.put(keyOf(path), new Response(body, { headers: response.headers }))
    .catch(Object.hasOwn(FILES, path) ? makeRoom : () => null);
}

// All or nothing: a part of the course opens nothing without a network, and takes room from the student's work.
async function makeRoom() {
  const cache = await caches.open(CACHE); // deleted as a whole, it would stay until the last of its users is gone
  for (const request of await cache.keys()) await cache.delete(request);
  await cache.put(FULL, new Response(String(Date.now()))).catch(() => null); // no room for so much as that
}

async function isFull() {
  const noted = await (await caches.open(CACHE)).match(FULL);
  return Boolean(noted) && Date.now() - Number(await noted.text()) < PATIENCE;
}

// What is not kept yet goes straight through: the page's own request never waits for the keeping. The browser's other
// cache may hold an earlier version of the file, so the server is asked whether it has changed.
async function answer(request, path) {
  const look = () => caches.open(CACHE).then((cache) => cache.match(keyOf(path))).catch(() => null);
  let there = await look();
  if (!there && Object.hasOwn(LATER, path) && !(await isFull())) {
    await fetchAndKeep(path, await caches.open(CACHE)).catch(() => null);
    there = await look();
  }
  return there ?? fetch(request.mode === "navigate" ? request.url : request, { cache: "no-cache" });
}

// A kernel that starts has the processor and the network for itself.
function kernelStarts() {
  kernelIsReady();
  calm = new Promise((resolve) => {
    kernelIsReady = resolve;
    setTimeout(resolve, QUIET);
  });
}

// Keeps what is not kept yet; returns how many files could not be had.
async function keepAll() {
  if (await isFull()) return 0;
  const cache = await caches.open(CACHE);
  await cache.delete(FULL);
  const there = new Set((await cache.keys()).map((request) => request.url));
  const todo = Object.keys(FILES).filter((path) => !there.has(keyOf(path)));
  let failed = 0;
  const some = async () => {
    while (todo.length && !(await isFull())) {
      await calm;
      if (todo.length) await fetchAndKeep(todo.shift(), cache).catch(() => { failed += 1; });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, some));
  return failed;
}

async function forgetOthers() {
  const cache = await caches.open(CACHE);
  const wanted = new Set([FULL, ...Object.keys(ALL).map(keyOf)]);
  for (const { url } of await cache.keys()) if (!wanted.has(url)) await cache.delete(url);
}

const keepInBackground = (event) => {
  keeping ??= keepAll().finally(() => { keeping = null; });
  event.waitUntil(keeping.catch(() => null));
};

async function askPage(request, url) {
  const data = await request.json();
  const page = data.browsingContextId;
  const ask = () => new Promise((resolve) => {
    const listen = (event) => {
      const mine = event.data.browsingContextId === page && "response" in event.data; // which may be undefined
      if (!mine && !event.data.failed) return; // where a page fails, JupyterLite lets it give no answer at all
      channel.removeEventListener("message", listen);
      resolve(mine ? new Response(JSON.stringify(event.data.response)) : new Response("", { status: 507 }));
    };
    channel.addEventListener("message", listen);
    channel.postMessage({ ...data, pathname: url.pathname });
  });
  const turn = (turns.get(page) ?? Promise.resolve()).then(ask);
  turns.set(page, turn);
  return turn;
}

// A new version has fetched all that has changed before it may take over: it waits until the pages of the old one are
// closed, and whoever opens the course next may have no network.
async function install() {
  if (!self.registration.active) return self.skipWaiting();
  const failed = await keepAll();
  if (failed) throw new Error(`${failed} files of the new version could not be had; it is tried again later`);
}

self.addEventListener("install", (event) => event.waitUntil(install()));
self.addEventListener("activate", (event) => event.waitUntil(Promise.all([self.clients.claim(), forgetOthers()])));
self.addEventListener("message", async (event) => {
  if (event.data === "take over") await self.skipWaiting();
  if (event.data === "keep") keepInBackground(event);
  if (event.data === "a kernel starts") kernelStarts();
  if (event.data === "a kernel is ready") kernelIsReady();
  if (event.data === "make room") event.ports[0].postMessage(await makeRoom());
  if (event.data === "how much?") {
    const there = new Set((await (await caches.open(CACHE)).keys()).map(({ url }) => url));
    const paths = Object.keys(FILES);
    const kept = paths.filter((path) => there.has(keyOf(path))).length;
    event.ports[0].postMessage({ kept, of: paths.length, full: await isFull() });
  }
});
self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (url.origin !== self.location.origin) return;
  if (url.pathname === "/api/service-worker-heartbeat") event.respondWith(new Response("ok"));
  else if (url.pathname.includes("/api/drive") || url.pathname.includes("/api/stdin/")) {
    event.respondWith(askPage(event.request, url));
  } else if (event.request.method === "GET") {
    const path = pathOf(url);
    if (!Object.hasOwn(ALL, path ?? "")) return;
    event.respondWith(answer(event.request, path));
    if (event.request.mode !== "navigate") return;
    if (/^(notebooks|lab)\//.test(path)) kernelStarts();
    keepInBackground(event);
  }
});
