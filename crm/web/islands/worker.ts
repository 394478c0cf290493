// The service worker. It keeps no page: they are personal.
declare const self: ServiceWorkerGlobalScope

self.addEventListener("install", () => void self.skipWaiting())
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()))
