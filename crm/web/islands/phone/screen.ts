// What is shown of the phone and of its calls.
import type { Parts } from "./parts.ts"
import type { Card } from "./server.ts"
import type { Call } from "./line.ts"
import type { Shown, State } from "./state.ts"

export class Screen {
    readonly #parts: Parts
    #calls = 0

    constructor(parts: Parts) {
        this.#parts = parts
    }

    show(state: State, isOn: boolean): void {
        const rings = state.calls.some((call) => call.state === "ringing")
        const line = this.#parts.say(isOn ? `line_${state.line}` : "line_off")
        this.#parts.root.dataset["line"] = isOn ? state.line : "off"
        this.#parts.part("line").textContent = line
        const bell = this.#parts.part("bell")
        bell.setAttribute("aria-expanded", String(this.#parts.panel.matches(":popover-open")))
        const dot = this.#parts.part("dot")
        dot.className = `dot ${!isOn ? "" : state.line === "ready" ? "good" : state.line === "connecting" ? "warn" : "bad"}`
        this.#parts.part("state").textContent = rings ? this.#parts.say("line_rings") : line
        const trouble = this.#parts.part("trouble")
        if (trouble.textContent !== state.trouble) {
            trouble.textContent = state.trouble
            if (state.trouble) this.#open()
        }
        trouble.hidden = !state.trouble
        this.#parts.part("silent").hidden = !isOn || !state.isSilent
        this.#parts.part("lost").hidden = !isOn || !state.isLost
        this.#parts.part("take").hidden = state.line !== "elsewhere"
        this.#parts.part("sign_in").hidden = state.line !== "signed_out"
        this.#parts.part("off").hidden = !isOn
        this.#parts.panel.classList.toggle("ringing", rings)
        this.#parts.panel.classList.toggle("talking", !rings && state.calls.length > 0)
        this.#showCalls(state.calls)
        if (state.calls.length > this.#calls) this.#open()
        this.#calls = state.calls.length
    }

    #open(): void {
        if (!this.#parts.panel.matches(":popover-open")) this.#parts.panel.showPopover()
    }

    #showCalls(calls: Shown[]): void {
        const place = this.#parts.part("calls")
        for (const old of [...place.querySelectorAll<HTMLElement>("[data-call]")])
            if (!calls.some((call) => call.id === old.dataset["call"])) old.remove()
        for (const call of calls) {
            let shown = place.querySelector<HTMLElement>(`[data-call="${CSS.escape(call.id)}"]`)
            if (!shown) {
                const made = this.#parts.row("call")
                shown = made.querySelector<HTMLElement>("[data-call]")!
                shown.dataset["call"] = call.id
                place.append(shown)
                shown = place.querySelector<HTMLElement>(`[data-call="${CSS.escape(call.id)}"]`)!
            }
            this.#showCall(shown, call, calls)
        }
    }

    #showCall(shown: HTMLElement, call: Shown, calls: Shown[]): void {
        const part = <Found extends HTMLElement = HTMLElement>(name: string): Found => shown.querySelector<Found>(`[data-part="${name}"]`)!
        const text = (name: string, value: string): void => {
            if (part(name).textContent !== value) part(name).textContent = value
        }
        const card = call.card
        const talks = call.state === "talking"
        shown.dataset["state"] = call.held ? "held" : call.state
        text("who", who(this.#parts, call, card))
        text("about", [card?.property, card?.source && this.#parts.say("by_source", { source: card.source })].filter(Boolean).join(" · "))
        text("known", card ? this.#parts.say(card.is_known ? `is_${card.kind}` : "is_new") : "")
        text("step", this.#parts.say(call.held ? "held" : call.state))
        text("told", call.trouble ? this.#parts.say(call.trouble) : call.told ? this.#parts.say(call.told) : "")
        part("told").hidden = !call.trouble && !call.told
        const clock = part("since")
        clock.setAttribute("since", new Date(call.since).toISOString())
        clock.hidden = !talks
        part("answer").hidden = call.state !== "ringing"
        text("hang_up", this.#parts.say(call.state === "ringing" ? "decline" : "hang_up"))
        part("talking").hidden = !talks
        part("hold").setAttribute("aria-pressed", String(call.held))
        part("mute").setAttribute("aria-pressed", String(call.muted))
        part("record").hidden = card?.recording !== "demand"
        part("record").setAttribute("aria-pressed", String(call.isRecording))
        part("recorded").hidden = card?.recording !== "announced"
        part("join").hidden = !(talks && call.isConsult && calls.some((other) => other.id !== call.id && other.state === "talking"))
        const lead = part<HTMLAnchorElement>("lead")
        lead.hidden = card?.lead == null
        if (card?.lead != null) lead.href = `/leads/${card.lead}`
        part("note").hidden = !card
    }
}

/** Who is on the phone in a call, as far as is known. */
export function who(parts: Parts, call: Call, card: Card | null): string {
    return card?.name || card?.shown || (call.number === "anonymous" ? parts.say("withheld") : call.number) || parts.say("withheld")
}
