// Whom a call can be passed on to.
import type { Parts } from "./parts.ts"
import type { Colleague, Server } from "./server.ts"

export class Colleagues {
    readonly #parts: Parts
    readonly #server: Server

    constructor(parts: Parts, server: Server) {
        this.#parts = parts
        this.#server = server
    }

    /** Lists under a field whoever it names. */
    async list(field: HTMLInputElement): Promise<void> {
        const list = field.form?.querySelector<HTMLElement>("[data-part=colleagues]")
        if (!list) return
        const asked = field.value
        const found = await this.#server.get<Colleague[]>(`/phone/colleagues?q=${encodeURIComponent(asked)}`).catch(() => [])
        if (field.value !== asked) return
        list.replaceChildren(
            ...found.map((one) => {
                const item = this.#parts.row("colleague")
                const name = item.querySelector("[data-part=name]")
                if (name) name.textContent = `${one.name} (${one.extension})`
                const state = item.querySelector("[data-part=state]")
                if (state) state.textContent = this.#parts.say(`colleague_${one.state}`)
                item.querySelector("[data-part=mark]")?.classList.add(one.state === "free" ? "good" : one.state === "busy" ? "warn" : "bad")
                for (const button of item.querySelectorAll<HTMLElement>("[data-to]")) {
                    button.dataset["to"] = one.extension
                    button.setAttribute("aria-label", `${button.textContent?.trim() ?? ""}: ${one.name}`)
                }
                return item
            }),
        )
    }
}
