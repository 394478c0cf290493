// Where the person is, for emergency calls.
import * as kept from "./kept.ts"
import type { Parts } from "./parts.ts"
import { type Place, Refused, type Server } from "./server.ts"

export class Places {
    readonly #parts: Parts
    readonly #server: Server

    constructor(parts: Parts, server: Server) {
        this.#parts = parts
        this.#server = server
    }

    async ask(now: string): Promise<void> {
        const dialog = this.#parts.part<HTMLDialogElement>("place")
        const select = dialog.querySelector("select")
        const places = await this.#server.get<Place[]>("/phone/location").catch(() => [])
        select?.replaceChildren(
            new Option(this.#parts.say("nowhere"), ""),
            ...places.map((one) => new Option(one.address, one.slug, false, one.slug === now)),
        )
        if (!dialog.open) dialog.showModal()
    }

    /** False: it was not saved, and the form says why. */
    async save(form: HTMLFormElement, location: string): Promise<boolean> {
        const told = form.querySelector<HTMLElement>("[data-part=place_told]")
        try {
            await this.#server.post("/phone/location", { device: kept.device() ?? "", location })
        } catch (error) {
            if (told) told.textContent = error instanceof Refused ? error.message : this.#parts.say("no_server")
            return false
        }
        form.closest("dialog")?.close()
        return true
    }
}
