// One stream of events for all tabs of a browser: browsers open no more than six connections to a host. The tab that holds a
// lock has it, and the next one takes over when it is closed.

import { type Happened, tell } from "../shared/events"

const NAME = "leaseline-events"
const KINDS = ["call", "agent", "news", "app", "refetch", "here", "over", "typing"]
const AGAIN_MILLISECONDS = 5000
let mark = document.documentElement.dataset.events ?? ""

function hear(happened: Happened): void {
    if (happened.mark) mark = happened.mark
    if (happened.kind === "over" && happened.said.why === "signed_out") location.reload()
    tell(happened)
}

/** Reads the stream until the page is closed. */
function read(others: BroadcastChannel): void {
    const stream = new EventSource(`/events?after=${encodeURIComponent(mark)}`)
    for (const kind of KINDS)
        stream.addEventListener(kind, (event) => {
            const happened = { kind, mark: event.lastEventId, said: JSON.parse(event.data) as Record<string, unknown> }
            // Whoever is told to go does not come back by itself.
            if (kind === "over" && happened.said.why !== "stopped" && happened.said.why !== "changed") stream.close()
            others.postMessage(happened)
            hear(happened)
        })
    stream.addEventListener("open", () => (document.documentElement.dataset.live = "yes"))
    stream.addEventListener("error", () => {
        delete document.documentElement.dataset.live
        // It comes back by itself, unless the server has refused it.
        if (stream.readyState !== EventSource.CLOSED) return
        setTimeout(() => read(others), AGAIN_MILLISECONDS)
    })
}

if (mark) {
    const channel = new BroadcastChannel(NAME)
    channel.addEventListener("message", (event) => hear(event.data as Happened))
    // Without TLS there are no locks, and each tab has a stream of its own.
    if (navigator.locks) void navigator.locks.request(NAME, () => new Promise<void>(() => read(channel)))
    else read(channel)
}
