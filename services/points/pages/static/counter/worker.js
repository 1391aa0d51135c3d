// Keeps the counter's page and files, so that a reload without the network still works. It never keeps
// what the API says. The network comes first, so nobody sees an old page while there is a new one; the
// page goes when somebody signs out or is signed out.

const SHELL = "tamaru-counter-shell";
const PAGE = "/counter";

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("message", (event) => {
  if (event.data?.keep) event.waitUntil(keep(event.data.keep).then(() => event.ports[0]?.postMessage("kept")));
});

async function keep(addresses) {
  const shell = await caches.open(SHELL);
  const known = new Set(addresses);
  for (const request of await shell.keys()) if (!known.has(request.url)) await shell.delete(request);
  await Promise.all(addresses.map(async (address) => {
    const answer = await fetch(address).catch(() => null);
    if (answer?.ok && !answer.redirected) await shell.put(address, answer);
  }));
}

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const address = new URL(request.url);
  if (address.origin !== self.location.origin) return;
  if (request.method === "POST" && address.pathname === "/session/end") event.waitUntil(caches.delete(SHELL));
  if (request.method !== "GET") return;
  if (request.mode === "navigate" && address.pathname === PAGE) event.respondWith(page(request));
  else if (address.pathname.startsWith("/static/")) event.respondWith(file(request));
});

async function page(request) {
  try {
    const answer = await fetch(request);
    if (answer.type === "opaqueredirect" || [401, 403].includes(answer.status)) await caches.delete(SHELL);
    return answer;
  } catch (problem) {
    const kept = await caches.match(self.location.origin + PAGE, { ignoreSearch: true });
    if (kept) return kept;
    throw problem;
  }
}

async function file(request) {
  const kept = await caches.match(request);
  if (kept && new URL(request.url).searchParams.has("v")) return kept;
  try {
    return await fetch(request);
  } catch (problem) {
    if (kept) return kept;
    throw problem;
  }
}
