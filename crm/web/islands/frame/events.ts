// One stream of events for all tabs of a browser: browsers open no more than six connections to a host. The tab that holds a
// lock has it, and the next one takes over when it is closed.

import { type Happened, tell } from "../shared/events"
import { isSignedOut, leave } from "../shared/session"

const NAME = "leaseline-events"
const KINDS = ["call", "agent", "news", "counts", "app", "refetch", "here", "over", "typing"]
const FIRST_PAUSE = 1000
const LONGEST_PAUSE = 60_000
/** The server says something every 15 seconds. */
const SILENT_MILLISECONDS = 45_000
/** Whoever is back by then need not know. */
const SHOWN_AFTER = 8000
const LOOK_MILLISECONDS = 10_000
let mark = document.documentElement.dataset.events ?? ""

function hear(happened: Happened): void {
    if (happened.mark) mark = happened.mark
    if (happened.kind === "live") show(happened.said.is === true)
    else if (happened.kind === "over" && happened.said.why === "signed_out") leave()
    else tell(happened)
}

/** Says in the page that it does not change by itself, or that it does again. */
function show(isLive: boolean): void {
    const line = document.getElementById("not-live")
    if (line) line.hidden = isLive
}

/** The stream, which is asked for again until the page is closed. */
class Stream {
    #source: EventSource | null = null
    #refusals = 0
    #heard = 0
    #again = 0
    #showing = 0

    constructor(readonly others: BroadcastChannel) {
        this.#open()
        setInterval(() => this.#look(), LOOK_MILLISECONDS)
        addEventListener("online", () => this.#reopen())
    }

    #open(): void {
        clearTimeout(this.#again)
        const source = new EventSource(`/events?after=${encodeURIComponent(mark)}`)
        this.#source = source
        this.#heard = Date.now()
        for (const kind of KINDS)
            source.addEventListener(kind, (event) => {
                this.#heard = Date.now()
                const happened = { kind, mark: event.lastEventId, said: JSON.parse(event.data) as Record<string, unknown> }
                this.#say(happened)
                // Whoever is told to go does not come back by itself.
                if (kind === "over" && happened.said.why !== "stopped" && happened.said.why !== "changed") {
                    source.close()
                    this.#tell(false)
                }
            })
        source.addEventListener("beat", () => (this.#heard = Date.now()))
        source.addEventListener("open", () => {
            this.#refusals = 0
            document.documentElement.dataset.live = "yes"
            this.#tell(true)
        })
        source.addEventListener("error", () => {
            delete document.documentElement.dataset.live
            if (!this.#showing) this.#showing = setTimeout(() => this.#tell(false), SHOWN_AFTER)
            // It comes back by itself, unless the server has refused it: that is full, or about to stop.
            if (source.readyState !== EventSource.CLOSED) return
            // Why, a browser is not told: the session may have ended before there was a stream that says so.
            void this.#askWhy()
            const pause = Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** this.#refusals++)
            // Not all browsers of the office at the same moment.
            clearTimeout(this.#again)
            this.#again = setTimeout(() => this.#open(), pause * (0.5 + Math.random()))
        })
    }

    /** A network that has changed, or a server that hangs, closes no connection; and without one, nobody says that the session has
     *  ended. */
    #look(): void {
        if (this.#source?.readyState === EventSource.CLOSED) void this.#askWhy()
        else if (this.#source?.readyState === EventSource.OPEN && Date.now() - this.#heard > SILENT_MILLISECONDS) this.#reopen()
    }

    #reopen(): void {
        this.#source?.close()
        this.#open()
    }

    async #askWhy(): Promise<void> {
        if (await isSignedOut()) this.#say({ kind: "over", mark: "", said: { why: "signed_out" } })
    }

    #tell(isLive: boolean): void {
        clearTimeout(this.#showing)
        this.#showing = 0
        this.#say({ kind: "live", mark: "", said: { is: isLive } })
    }

    #say(happened: Happened): void {
        this.others.postMessage(happened)
        hear(happened)
    }
}

if (mark) {
    const channel = new BroadcastChannel(NAME)
    channel.addEventListener("message", (event) => hear(event.data as Happened))
    const read = (): void => void new Stream(channel)
    // Without TLS there are no locks, and each tab has a stream of its own.
    if (navigator.locks) void navigator.locks.request(NAME, () => new Promise<void>(read))
    else read()
}
