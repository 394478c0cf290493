// After htmx has replaced the main part: the frame shows where one is, and a screen reader hears it, as if a page had opened.

import { announce, toast } from "../shared/say"

function follow(): void {
    const here = location.pathname
    for (const link of document.querySelectorAll<HTMLAnchorElement>("#sections a[href]")) {
        const path = link.pathname
        if (path === here) link.setAttribute("aria-current", "page")
        else if (path !== "/" && here.startsWith(`${path}/`)) link.setAttribute("aria-current", "true")
        else link.removeAttribute("aria-current")
    }
    const sections = document.getElementById("sections")
    if (sections?.matches(":popover-open")) sections.hidePopover()
    const main = document.getElementById("main")
    main?.focus({ preventScroll: true })
    announce([document.title, main?.querySelector(".said")?.textContent?.trim() ?? ""].filter(Boolean).join(". "))
}

function target(event: Event): unknown {
    return event instanceof CustomEvent ? (event.detail?.ctx?.target as unknown) : null
}

document.addEventListener("htmx:after:swap", (event) => {
    const replaced = target(event)
    if (replaced instanceof Element && replaced.id === "main") setTimeout(follow)
})
document.addEventListener("htmx:error", () => {
    const text = document.getElementById("toasts")?.dataset.failed
    if (text) toast(text, "bad")
})
// `HX-Trigger: {"lease:toast": {"text": "…", "kind": "good"}}` of an answer.
document.addEventListener("lease:toast", (event) => {
    if (event instanceof CustomEvent && typeof event.detail?.text === "string")
        toast(event.detail.text, ["good", "warn", "bad"].includes(event.detail.kind) ? event.detail.kind : "info")
})
