// What happens, as the server tells it to this browser. One tab has the stream and tells the others; what listens in a page is
// told here, whichever tab that is.

export interface Happened {
    /** call, agent, news, counts, app, refetch, here, over or typing. */
    kind: string
    /** The server's process and the number of the event. */
    mark: string
    said: Record<string, unknown>
}

const MOST_RECENT = 300
const recent: Happened[] = []
const listeners = new Set<(happened: Happened) => void>()

/** Calls this with each event from now on; the function it returns ends that. */
export function listen(listener: (happened: Happened) => void): () => void {
    listeners.add(listener)
    return () => listeners.delete(listener)
}

export function tell(happened: Happened): void {
    recent.push(happened)
    if (recent.length > MOST_RECENT) recent.shift()
    for (const listener of listeners) listener(happened)
    // For what is no module of ours.
    document.dispatchEvent(new CustomEvent("lease:event", { detail: happened }))
}

/** What has happened after a mark, as far as it is remembered: a part of a page may be older than the stream. */
export function after(mark: string): Happened[] {
    const [epoch, number] = parts(mark)
    return recent.filter((one) => {
        const [of, at] = parts(one.mark)
        return of === epoch && at > number
    })
}

function parts(mark: string): [string, number] {
    const at = mark.lastIndexOf("-")
    return [mark.slice(0, at), Number(mark.slice(at + 1))]
}
