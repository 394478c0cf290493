// That it rings: the sound, and the title of the tab.
import type { Parts } from "./parts.ts"
import { Ringing } from "./sounds.ts"

const TITLE_MS = 1000

export class Bell {
    readonly #parts: Parts
    readonly #ringing = new Ringing()
    #title = 0

    constructor(parts: Parts) {
        this.#parts = parts
    }

    /** False: nobody hears it. */
    async ring(): Promise<boolean> {
        const isHeard = await this.#ringing.start()
        clearInterval(this.#title)
        const title = document.title
        let on = false
        this.#title = setInterval(() => {
            on = !on
            document.title = on ? this.#parts.say("ringing_title") : title
        }, TITLE_MS)
        return isHeard
    }

    quiet(): void {
        this.#ringing.stop()
        if (this.#title) {
            clearInterval(this.#title)
            this.#title = 0
            const heading = document.querySelector("#main h1")?.textContent
            if (document.title === this.#parts.say("ringing_title") && heading) document.title = heading
        }
    }
}
