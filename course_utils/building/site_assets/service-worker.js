// Keeps the course in this browser, file by file, so that it starts without a network from the second visit on, and
// passes on what the kernel asks of the notebooks' storage. Files are known by their content: a new version of the
// site fetches what has changed, and an old copy never stands in for a new file.
"use strict";
const FILES = /*FILES*/{}; // path below the site's folder -> SHA-256 of the file
const CACHE = "course:" + self.registration.scope;
const AT_ONCE = 3;
const channel = new BroadcastChannel("/sw-api.v1"); // as JupyterLite's pages call it
const turns = new Map(); // page -> its latest question about the storage: answers bear no number, so one at a time
let keeping = null;

const keyOf = (path) => new URL(`${path}?sha256=${FILES[path]}`, self.registration.scope).href;
const pathOf = (url) => {
  if (!url.href.startsWith(self.registration.scope)) return null;
  const path = decodeURI(url.pathname.slice(new URL(self.registration.scope).pathname.length));
  return path === "" || path.endsWith("/") ? `${path}index.html` : path;
};
const hex = (buffer) => [...new Uint8Array(buffer)].map((byte) => byte.toString(16).padStart(2, "0")).join("");

async function fetchAndKeep(path) {
  const response = await fetch(new URL(path, self.registration.scope), { cache: "no-cache" });
  if (!response.ok || response.redirected) return;
  const body = await response.arrayBuffer();
  if (hex(await crypto.subtle.digest("SHA-256", body)) !== FILES[path]) return; // another version's
  const cache = await caches.open(CACHE);
  await cache.put(keyOf(path), new Response(body, { headers: response.headers }));
}

// What is not kept yet goes straight through: the page's own request never waits for the keeping.
const answer = async (request, path) => (await (await caches.open(CACHE)).match(keyOf(path))) ?? fetch(request);

async function keepAll() {
  const cache = await caches.open(CACHE);
  const there = new Set((await cache.keys()).map((request) => request.url));
  const wanted = new Map(Object.keys(FILES).map((path) => [keyOf(path), path]));
  for (const url of there) if (!wanted.has(url)) await cache.delete(url);
  const todo = [...wanted].filter(([url]) => !there.has(url)).map(([, path]) => path);
  const some = async () => {
    while (todo.length) await fetchAndKeep(todo.shift()).catch(() => null); // a full storage: it runs all the same
  };
  await Promise.all(Array.from({ length: AT_ONCE }, some));
}

const keepInBackground = (event) => {
  keeping ??= keepAll().finally(() => { keeping = null; });
  event.waitUntil(keeping);
};

async function askPage(request, url) {
  const data = await request.json();
  const page = data.browsingContextId;
  const ask = () => new Promise((resolve) => {
    const listen = (event) => {
      if (event.data.browsingContextId !== page || !("response" in event.data)) return; // it may be undefined
      channel.removeEventListener("message", listen);
      resolve(new Response(JSON.stringify(event.data.response)));
    };
    channel.addEventListener("message", listen);
    channel.postMessage({ ...data, pathname: url.pathname });
  });
  const turn = (turns.get(page) ?? Promise.resolve()).then(ask);
  turns.set(page, turn);
  return turn;
}

self.addEventListener("install", () => {
  if (!self.registration.active) self.skipWaiting(); // a new version waits until the pages of the old one are closed
});
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
self.addEventListener("message", async (event) => {
  if (event.data === "take over") await self.skipWaiting();
  if (event.data === "keep") keepInBackground(event);
  if (event.data === "how much?") {
    const there = (await (await caches.open(CACHE)).keys()).length;
    event.ports[0].postMessage({ kept: Math.min(there, Object.keys(FILES).length), of: Object.keys(FILES).length });
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
    if (!Object.hasOwn(FILES, path ?? "")) return;
    event.respondWith(answer(event.request, path));
    if (event.request.mode === "navigate") keepInBackground(event);
  }
});
