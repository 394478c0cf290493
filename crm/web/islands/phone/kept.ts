// What the browser keeps of a talk, for the page that comes after this one.

const TALK = "leaseline-talk"

interface Kept {
    call: string
    at: number
}

/** Called again and again during a talk. */
export function keep(call: string): void {
    localStorage.setItem(TALK, JSON.stringify({ call, at: Date.now() } satisfies Kept))
}

export function forget(): void {
    localStorage.removeItem(TALK)
}

/** The call in which a page of this browser was within the last seconds; empty if its id was not known. Undefined: in none. */
export function lately(seconds: number): string | undefined {
    try {
        const kept = JSON.parse(localStorage.getItem(TALK) ?? "") as Kept
        return Date.now() - kept.at < seconds * 1000 ? kept.call : undefined
    } catch {
        return undefined
    }
}
