// Keeps the shell, and nothing else, for use without a network. Health data lives in IndexedDB
// until it is uploaded and is never put into this cache: only the paths below are ever answered.
const CACHE = "shell-v1";
const SHELL = ["/app/", "/app/app.css", "/app/app.js", "/app/api.js", "/app/records.js",
  "/app/screens.js", "/app/more.js", "/app/dom.js", "/app/texts.js", "/app/icon.svg",
  "/app/manifest.webmanifest"];

self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(SHELL)));
  self.skipWaiting();
});

self.addEventListener("activate", (event) => {
  event.waitUntil(caches.keys().then((names) =>
    Promise.all(names.filter((name) => name !== CACHE).map((name) => caches.delete(name)))));
  self.clients.claim();
});

self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== "GET" || url.origin !== location.origin) return;
  if (!SHELL.includes(url.pathname)) return;
  event.respondWith(fromNetworkElseShell(event.request, url.pathname));
});

async function fromNetworkElseShell(request, path) {
  const cache = await caches.open(CACHE);
  try {
    const fresh = await fetch(request);
    if (fresh.ok) await cache.put(path, fresh.clone());
    return fresh;
  } catch {
    return (await cache.match(path)) ?? Response.error();
  }
}
