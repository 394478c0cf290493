// <time class="ago" datetime="…">: "5 minutes ago", for what is of today; the words the server wrote stay as its title.

import { now } from "../shared/now"

const MINUTE = 60_000
const words = new Intl.RelativeTimeFormat(document.documentElement.lang || "en", { numeric: "auto", style: "short" })

function show(element: Element): void {
    const at = Date.parse(element.getAttribute("datetime") ?? "")
    if (Number.isNaN(at)) return
    const minutes = Math.round((at - now()) / MINUTE)
    if (!element.hasAttribute("title")) element.setAttribute("title", element.textContent ?? "")
    const written = element.getAttribute("title") ?? ""
    const shown =
        Math.abs(minutes) < 60
            ? words.format(minutes, "minute")
            : Math.abs(minutes) < 12 * 60
              ? words.format(Math.round(minutes / 60), "hour")
              : written
    if (element.textContent !== shown) element.textContent = shown
}

export function tell(root: Element): void {
    if (root.matches("time.ago")) show(root)
    for (const element of root.querySelectorAll("time.ago")) show(element)
}

setInterval(() => tell(document.body), MINUTE / 2)
