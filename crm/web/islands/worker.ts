// The service worker: it shows messages that come while no page is open, and a page that says that there is no network. It keeps
// no other page, for these are personal; and what it says itself, the server has written.

declare const self: ServiceWorkerGlobalScope

const OFFLINE = "/offline"
const CACHE = "offline-1"
const ASK_MILLISECONDS = 3000

interface Message {
    title: string
    text: string
    /** A page of the console. */
    path: string
    tag: string
    /** The call that rings; empty: none. */
    call: string
}

interface PushSubscriptionChangeEvent extends ExtendableEvent {
    readonly newSubscription?: PushSubscription | null
    readonly oldSubscription?: PushSubscription | null
}

self.addEventListener("install", (event) => {
    event.waitUntil(Promise.all([keepOfflinePage().catch(() => undefined), self.skipWaiting()]))
})
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()))

async function keepOfflinePage(): Promise<void> {
    const cache = await caches.open(CACHE)
    // Without cookies: as nobody in particular sees it.
    const page = await fetch(OFFLINE, { credentials: "omit" })
    if (!page.ok) return
    const style = /href="(\/static\/[^"]+)"/.exec(await page.clone().text())?.[1]
    await cache.put(OFFLINE, page)
    if (style) await cache.add(style)
}

self.addEventListener("fetch", (event) => {
    const { request } = event
    // Forms go past us: what we send on looks as if it came from our own pages, also where another site has sent it.
    if (request.method !== "GET") return
    if (request.mode === "navigate") event.respondWith(fetch(request).catch(() => kept(OFFLINE)))
    else if (request.destination === "style") event.respondWith(fetch(request).catch(() => kept(request)))
})

async function kept(request: RequestInfo): Promise<Response> {
    return (await caches.match(request)) ?? Response.error()
}

self.addEventListener("push", (event) => {
    const message = read(event.data)
    if (message) event.waitUntil(show(message))
})

function read(data: PushMessageData | null): Message | null {
    try {
        const { title = "", text = "", path = "/", tag = "", call = "" } = data?.json() as Partial<Message>
        return { title, text, path: path.startsWith("/") && !path.startsWith("//") ? path : "/", tag, call }
    } catch {
        return null
    }
}

async function show(message: Message): Promise<void> {
    const open = await self.clients.matchAll({ type: "window", includeUncontrolled: true })
    // A page that is seen rings by itself, and the list of notices is in it.
    if (open.some((page) => page.visibilityState === "visible")) {
        for (const page of open) page.postMessage({ ...message, kind: "message" })
        return
    }
    const rings = message.call !== "" && (await stillRings(message.call))
    await self.registration.showNotification(message.title, {
        body: message.text,
        tag: message.tag,
        icon: "/icon-192.png",
        badge: "/icon-192.png",
        data: message,
        // A call that has ended meanwhile was one, but makes no sound.
        silent: message.call !== "" && !rings,
        requireInteraction: rings,
        ...(rings ? { renotify: true, vibrate: [400, 200, 400, 200, 400] } : {}),
    } as NotificationOptions)
}

async function stillRings(call: string): Promise<boolean> {
    try {
        const answer = await fetch(`/push/calls/${encodeURIComponent(call)}`, { signal: AbortSignal.timeout(ASK_MILLISECONDS) })
        if (!answer.ok) return true
        return ((await answer.json()) as { rings: boolean }).rings
    } catch {
        // Rather once in vain than not at all.
        return true
    }
}

self.addEventListener("notificationclick", (event) => {
    event.notification.close()
    const message = event.notification.data as Message
    event.waitUntil(go(message.path))
})

async function go(path: string): Promise<void> {
    const [page] = await self.clients.matchAll({ type: "window", includeUncontrolled: true })
    if (!page) {
        await self.clients.openWindow(path)
        return
    }
    // It may be in a talk, so it goes there itself, without being loaded anew.
    page.postMessage({ kind: "go", path })
    // Systems may refuse to bring a window to the front.
    await page.focus().catch(() => undefined)
}

self.addEventListener("pushsubscriptionchange", ((event: PushSubscriptionChangeEvent) => {
    event.waitUntil(renew(event))
}) as EventListener)

async function renew(event: PushSubscriptionChangeEvent): Promise<void> {
    const former = event.oldSubscription
    let next = event.newSubscription ?? null
    if (!next && former) next = await self.registration.pushManager.subscribe(former.options)
    if (!next) return
    const { endpoint, keys } = next.toJSON()
    await fetch("/push", {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({
            endpoint,
            public_key: keys?.p256dh ?? "",
            auth: keys?.auth ?? "",
            instead_of: former?.endpoint ?? "",
        }),
    })
}
