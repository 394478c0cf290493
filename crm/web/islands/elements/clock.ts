// <lease-clock since="2026-03-02T16:00:00Z">0:00</lease-clock>: how long something has lasted, counted in the page.

import { now } from "../shared/now"

const clocks = new Set<Clock>()
let ticking = 0

function tick(): void {
    for (const clock of clocks) clock.show()
}

class Clock extends HTMLElement {
    connectedCallback(): void {
        clocks.add(this)
        this.show()
        // One timer for all clocks of a page; a board of a hundred calls has a hundred.
        if (clocks.size === 1) ticking = setInterval(tick, 1000)
    }

    disconnectedCallback(): void {
        clocks.delete(this)
        if (!clocks.size) clearInterval(ticking)
    }

    show(): void {
        const since = Date.parse(this.getAttribute("since") ?? "")
        if (Number.isNaN(since)) return
        const shown = length(Math.max(0, Math.floor((now() - since) / 1000)))
        if (this.textContent !== shown) this.textContent = shown
    }
}

/** As the server writes durations: 0:07, 12:30, 1:02:03. */
function length(seconds: number): string {
    const two = (value: number): string => String(value).padStart(2, "0")
    const minutes = Math.floor(seconds / 60)
    const rest = two(seconds % 60)
    return minutes < 60 ? `${minutes}:${rest}` : `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${rest}`
}

customElements.define("lease-clock", Clock)
