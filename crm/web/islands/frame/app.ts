// The console as an app: its service worker, and what that tells a page.

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
    navigator.serviceWorker.addEventListener("message", (event: MessageEvent<{ kind?: string; path?: string }>) => {
        const { kind, path } = event.data ?? {}
        if (kind === "go" && path?.startsWith("/") && !path.startsWith("//")) go(path)
        if (kind === "message") document.dispatchEvent(new CustomEvent("lease:message", { detail: event.data }))
    })
}
