// What the browser keeps for the page that comes after this one: whether and which phone it is, and of a talk.

const ON = "leaseline-phone-on"
const DEVICE = "leaseline-phone-device"
const TALK = "leaseline-talk"

interface Kept {
    call: string
    at: number
}

/** Whether calls are taken in this browser. */
export function isOn(): boolean {
    return localStorage.getItem(ON) !== null
}

export function turn(on: boolean): void {
    if (on) localStorage.setItem(ON, "on")
    else localStorage.removeItem(ON)
}

/** Slug of the phone that this browser is; null: it has not been one. */
export function device(): string | null {
    return localStorage.getItem(DEVICE)
}

export function keepDevice(slug: string): void {
    localStorage.setItem(DEVICE, slug)
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
