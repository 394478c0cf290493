// <lease-board data-at="MARK">: replaces the rows of the board as they change. What it does not know, it fetches anew.

import { type Happened, after, listen } from "../shared/events"
import { announce } from "../shared/say"

const SPREAD_MILLISECONDS = 400

class Board extends HTMLElement {
    #leave: (() => void) | null = null
    #fetching = 0

    connectedCallback(): void {
        this.#leave = listen((happened) => this.#hear(happened))
        // The stream may have been ahead of this part of the page.
        for (const happened of after(this.dataset.at ?? "")) this.#hear(happened, false)
    }

    disconnectedCallback(): void {
        this.#leave?.()
        clearTimeout(this.#fetching)
    }

    #hear({ kind, said }: Happened, aloud = true): void {
        if (kind === "call") this.#call(said, aloud)
        else if (kind === "agent") this.#put("board-agents", `agent-${String(said.slug)}`, String(said.html), false)
        else if (kind === "app") this.#show("board-away", !said.is_there)
        else if (kind === "refetch") this.#fetchAnew()
    }

    #call(said: Record<string, unknown>, aloud: boolean): void {
        const id = String(said.id)
        const only = this.dataset.only
        if (only && only !== id) return
        this.#put("board-calls", `call-${id}`, String(said.html), true)
        this.#show("board-nobody", !this.querySelector("#board-calls > li"))
        if (aloud && typeof said.said === "string") announce(said.said)
    }

    /** Puts a row in the place of the one before, or at the end; an empty one takes it away. */
    #put(list: string, id: string, html: string, mayBeNew: boolean): void {
        const rows = this.querySelector(`#${list}`)
        const former = document.getElementById(id)
        if (!rows) return
        if (!html) {
            former?.remove()
            return
        }
        const template = document.createElement("template")
        template.innerHTML = html
        const row = template.content.firstElementChild
        if (!row) return
        if (former) {
            const focused = former.contains(document.activeElement) ? keyOf(document.activeElement) : ""
            former.replaceWith(row)
            if (focused) [...row.querySelectorAll<HTMLElement>("a, button")].find((one) => keyOf(one) === focused)?.focus()
        } else if (mayBeNew) rows.append(row)
    }

    #show(id: string, isShown: boolean): void {
        const element = this.querySelector<HTMLElement>(`#${id}`)
        if (element) element.hidden = !isShown
    }

    #fetchAnew(): void {
        clearTimeout(this.#fetching)
        // Not all browsers of the office at the same moment.
        this.#fetching = setTimeout(() => void this.#fetch(), Math.random() * SPREAD_MILLISECONDS)
    }

    async #fetch(): Promise<void> {
        const answer = await fetch(location.href, { headers: { "HX-Request": "true" } })
        if (!answer.ok || !this.isConnected) return
        const page = new DOMParser().parseFromString(await answer.text(), "text/html")
        const fresh = page.querySelector("lease-board")
        if (fresh) this.replaceWith(document.adoptNode(fresh))
    }
}

function keyOf(element: Element | null): string {
    if (element instanceof HTMLButtonElement) return element.value
    return element instanceof HTMLAnchorElement ? element.pathname : ""
}

customElements.define("lease-board", Board)
