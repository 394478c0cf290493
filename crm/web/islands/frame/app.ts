// The console as an app: its service worker, and what that tells a page.

import { toast } from "../shared/say"

interface Told {
    kind?: string
    path?: string
    title?: string
    text?: string
    call?: string
}

function go(path: string): void {
    if (location.pathname + location.search === path) return
    // As if a link had been clicked, so that a call on this page goes on.
    const link = document.createElement("a")
    link.href = path
    document.body.append(link)
    const { htmx } = window as unknown as { htmx?: { process(element: Element): void } }
    htmx?.process(link)
    link.click()
    link.remove()
}

if ("serviceWorker" in navigator && document.querySelector("header.top")) {
    navigator.serviceWorker.register("/worker.js", { scope: "/" }).catch((error: unknown) => console.info(error))
    navigator.serviceWorker.addEventListener("message", (event: MessageEvent<Told | null>) => {
        const { kind, path, title = "", text = "", call } = event.data ?? {}
        if (kind === "go" && path?.startsWith("/") && !path.startsWith("//")) go(path)
        // Of calls, the phone tells.
        if (kind === "message" && !call && document.visibilityState === "visible") toast([title, text].filter(Boolean).join(": "))
    })
}
