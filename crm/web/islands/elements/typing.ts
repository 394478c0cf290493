// <lease-typing thread="5" ends="8">: who else is writing to the same person right now, as the stream of events tells.

import { type Happened, listen } from "../shared/events"
import { announce } from "../shared/say"

class Typing extends HTMLElement {
    private stop: (() => void) | null = null
    private readonly timers = new Map<string, number>()

    connectedCallback(): void {
        this.stop = listen((happened) => this.hear(happened))
    }

    disconnectedCallback(): void {
        this.stop?.()
        for (const timer of this.timers.values()) clearTimeout(timer)
        this.timers.clear()
    }

    private hear({ kind, said }: Happened): void {
        if (kind !== "typing" || String(said.thread) !== this.getAttribute("thread")) return
        const id = String(said.account)
        const words = String(said.words)
        clearTimeout(this.timers.get(id))
        let badge = this.querySelector<HTMLElement>(`[data-account="${id}"]`)
        if (!words) {
            badge?.remove()
            return
        }
        if (!badge) {
            badge = document.createElement("span")
            badge.className = "badge info"
            badge.dataset.account = id
            this.append(badge)
            announce(words)
        }
        badge.textContent = words
        this.timers.set(id, setTimeout(() => badge?.remove(), Number(this.getAttribute("ends") ?? 8) * 1000))
    }
}

customElements.define("lease-typing", Typing)
