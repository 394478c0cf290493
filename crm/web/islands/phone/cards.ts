// Who is on the phone in each of its calls, and whether that is recorded, as the server and the app say.
import type { Call } from "./line.ts"
import type { Card, Server } from "./server.ts"

/** The record of a call is written while it rings, and may be a moment late. */
const PAUSES_MS = [0, 150, 400, 1000, 2000]

export class Cards {
    readonly #server: Server
    readonly #found = new Map<string, Card>()
    /** By the ids of the calls' records. */
    readonly #recorded = new Map<string, boolean>()

    constructor(server: Server) {
        this.#server = server
    }

    of(call: Call): Card | null {
        return this.#found.get(call.id) ?? null
    }

    isRecorded(call: Call): boolean {
        return this.#recorded.get(this.of(call)?.call ?? "") ?? false
    }

    /** Asks the server until it knows. `device` is the phone that it is asked about when the call has told no id. */
    async find(call: Call, device: string): Promise<Card | undefined> {
        // Asterisk rings by itself while the app is away; the latest call of this phone is another one then.
        if (!call.call && call.way === "in") return undefined
        const path = call.call ? `/phone/call/${encodeURIComponent(call.call)}` : `/phone/call?device=${device}`
        for (const pause of PAUSES_MS) {
            await new Promise((resolve) => setTimeout(resolve, pause))
            const card = await this.#server.get<Card | null>(path).catch(() => null)
            if (!card) continue
            this.#found.set(call.id, card)
            if (card.is_recorded !== null) this.#recorded.set(card.call, card.is_recorded)
            return card
        }
        return undefined
    }

    /** What the app says of any call, by the id of its record; undefined: it is over. Returns whether anything has changed
     *  for a call of this phone. */
    hear(record: string, isRecorded: boolean | undefined): boolean {
        const before = this.#recorded.get(record)
        if (isRecorded === undefined) this.#recorded.delete(record)
        else this.#recorded.set(record, isRecorded)
        return before !== isRecorded && this.idsOf(record).length > 0
    }

    /** The phone's own ids of the calls with this record. */
    idsOf(record: string): string[] {
        return [...this.#found].filter(([, card]) => card.call === record).map(([id]) => id)
    }
}
