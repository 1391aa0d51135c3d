// Keeps the card's empty page on the device, so that it opens without the network and can show what
// was known last. Nothing of any member is kept here.

const CACHE = "card";

async function fill() {
  const page = await fetch("/card", { credentials: "omit" });
  if (!page.ok) return;
  const text = await page.clone().text();
  const files = [...text.matchAll(/(?:href|src|data-acts)="(\/static\/[^"]+)"/g)].map((found) => found[1]);
  await caches.delete(CACHE);
  const cache = await caches.open(CACHE);
  await cache.put("/card", page);
  await Promise.all([...new Set(files)].map((file) => cache.add(file).catch(() => {})));
}

self.addEventListener("install", (event) => event.waitUntil(fill().then(() => self.skipWaiting())));

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== location.origin) return;
  if (request.mode === "navigate" && pathname === "/card") {
    event.respondWith(fetch(request).catch(async () => (await caches.match("/card")) ?? Response.error()));
  } else if (pathname.startsWith("/static/")) {
    event.respondWith(fetch(request).catch(async () => (await caches.match(request)) ?? Response.error()));
  }
});
