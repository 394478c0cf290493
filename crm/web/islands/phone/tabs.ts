// Of all tabs of a browser one is the phone. The others show what it tells them, and pass on what is pressed in them.
//
// The lock is held by the page itself, so that it is free as soon as the page is gone, however it went.

const NAME = "leaseline-phone"

export type Told<State, Command> = { state: State } | { command: Command } | { hello: true }

export class Tabs<State, Command> {
    leads = false
    readonly #channel = new BroadcastChannel(NAME)
    #release: (() => void) | undefined
    #waiting: AbortController | undefined

    constructor(hear: (told: Told<State, Command>) => void) {
        this.#channel.onmessage = (event: MessageEvent<Told<State, Command>>) => hear(event.data)
    }

    /** Becomes the phone as soon as no other tab is. */
    stand(lead: () => void): void {
        if (this.leads || this.#waiting) return
        const waiting = (this.#waiting = new AbortController())
        navigator.locks
            .request(NAME, { signal: waiting.signal }, () => {
                this.#waiting = undefined
                this.leads = true
                lead()
                return new Promise<void>((resolve) => (this.#release = resolve))
            })
            .catch(() => undefined)
    }

    stepDown(): void {
        this.#waiting?.abort()
        this.#waiting = undefined
        this.leads = false
        this.#release?.()
    }

    tell(told: Told<State, Command>): void {
        this.#channel.postMessage(told)
    }
}
