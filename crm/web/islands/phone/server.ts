// What the phone asks the server. Nothing here outlives the session: an answer of 401 ends the phone.

export interface Registration {
    device: string
    user: string
    password: string
    realm: string
    path: string
    ice_servers: RTCIceServer[]
    /** After so many seconds, others are to be asked for. */
    ice_seconds: number
    location: string | null
    is_located: boolean
    codes: Record<string, string>
    echo: string
    /** Seconds for which a call waits for its browser. */
    return_seconds: number
}

export interface Card {
    call: string
    direction: string
    name: string
    number: string | null
    shown: string
    kind: string
    is_known: boolean
    lead: number | null
    property: string
    source: string
    recording: string
    /** Whether it is recorded now; null: nobody says so. */
    is_recorded: boolean | null
}

export interface Colleague {
    name: string
    extension: string
    state: string
}

export interface Device {
    device: string
    kind: string
    dnd: boolean
    until: string
}

export interface Place {
    slug: string
    address: string
}

/** The session is over. */
export class SignedOut extends Error {}

/** Another browser of the same person is the phone. */
export class Elsewhere extends Error {}

/** The server says why not, in words for the person. */
export class Refused extends Error {}

export class Server {
    readonly #csrf: () => string

    constructor(csrf: () => string) {
        this.#csrf = csrf
    }

    get<Answer>(path: string): Promise<Answer> {
        return this.#ask(path, {})
    }

    post<Answer>(path: string, fields: Record<string, string>): Promise<Answer> {
        return this.#ask(path, { method: "POST", body: new URLSearchParams({ ...fields, csrf: this.#csrf() }) })
    }

    async #ask<Answer>(path: string, options: RequestInit): Promise<Answer> {
        const answer = await fetch(path, { ...options, headers: { Accept: "application/json" }, redirect: "manual" })
        if (answer.status === 401 || answer.type === "opaqueredirect") throw new SignedOut()
        const isJson = answer.headers.get("Content-Type")?.startsWith("application/json") ?? false
        const told: unknown = isJson ? await answer.json() : null
        if (answer.ok) return told as Answer
        const error = told && typeof told === "object" && "error" in told ? String(told.error) : ""
        throw new Refused(error || String(answer.status))
    }
}
