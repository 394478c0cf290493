// <lease-fresh>: a line above a list that says how much has come in since it was loaded, and loads it anew when it is pressed: who
// reads on keeps their place. After a gap in what was told, it compares the list with a new one.
//
// data-at: the mark of the list · data-kinds: text, mail, form, call · data-whose: mine, unassigned, or all · data-direction: in, out,
// or both · data-narrow: a filter that events can't tell · data-rows: the list's selector; its rows have data-key

import { type Happened, after, listen } from "../shared/events"
import { announce } from "../shared/say"

const SPREAD_MILLISECONDS = 400
const AGAIN_MILLISECONDS = 15_000
const mine = document.documentElement.dataset.agent ?? ""

class Fresh extends HTMLElement {
    #leave: (() => void) | null = null
    readonly #new = new Set<string>()
    #comparing = 0
    #compared = 0

    connectedCallback(): void {
        this.#leave = listen((happened) => this.#hear(happened))
        // The stream may have been ahead of the page.
        for (const happened of after(this.dataset.at ?? "")) this.#hear(happened)
    }

    disconnectedCallback(): void {
        this.#leave?.()
        clearTimeout(this.#comparing)
    }

    #hear({ kind, said }: Happened): void {
        if (kind === "refetch") this.#compareSoon(0)
        else if (this.#is(kind, said)) {
            if (this.dataset.narrow) this.#compareSoon(AGAIN_MILLISECONDS)
            else this.#add(this.#unless([`${kind === "call" ? kind : String(said.kind)} ${String(said.id)}`]))
        }
    }

    #is(kind: string, said: Record<string, unknown>): boolean {
        const { kinds = "", whose = "all", direction = "" } = this.dataset
        const way = kind === "call" ? "call" : kind === "news" ? String(said.kind) : ""
        if (!kinds.split(" ").includes(way)) return false
        const goes = way === "call" ? String(said.direction) : "in"
        if (way === "call" && (said.is_new !== true || goes === "internal")) return false
        if (direction && direction !== goes) return false
        return whose === "all" || said.owner === (whose === "mine" ? mine : "")
    }

    #add(keys: Iterable<string>): void {
        for (const key of keys) this.#new.add(key)
        const line = this.querySelector("a")
        if (!line || this.#new.size === 0) return
        line.textContent = (this.dataset.words ?? "").replace("{n}", String(this.#new.size))
        // Once: what has come in is announced as such.
        if (this.hidden) announce(line.textContent)
        this.hidden = false
    }

    /** At most once in this time; not all browsers of the office at the same moment. */
    #compareSoon(pause: number): void {
        if (this.#comparing) return
        const left = Math.max(0, this.#compared + pause - Date.now())
        this.#comparing = setTimeout(() => void this.#compare(), left + Math.random() * SPREAD_MILLISECONDS)
    }

    async #compare(): Promise<void> {
        this.#comparing = 0
        this.#compared = Date.now()
        const answer = await fetch(location.href, { headers: { "HX-Request": "true" } }).catch(() => null)
        if (!answer?.ok || !this.isConnected) return
        const page = new DOMParser().parseFromString(await answer.text(), "text/html")
        this.#add(this.#unless(this.#rows(page)))
    }

    /** Those that are not in the list. */
    #unless(keys: string[]): string[] {
        const known = new Set(this.#rows(document))
        return keys.filter((key) => !known.has(key))
    }

    #rows(page: Document): string[] {
        const rows = page.querySelectorAll<HTMLElement>(`${this.dataset.rows ?? ""} [data-key]`)
        return [...rows].map((row) => row.dataset.key ?? "")
    }
}

customElements.define("lease-fresh", Fresh)
