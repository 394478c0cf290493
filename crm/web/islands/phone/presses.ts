// What a person does with the phone in a tab: buttons, forms, keys, and numbers in the pages.
import { Colleagues } from "./colleagues.ts"
import * as kept from "./kept.ts"
import type { Leader } from "./leader.ts"
import type { Places } from "./places.ts"
import { Refused } from "./server.ts"
import type { Settings } from "./settings.ts"
import * as sounds from "./sounds.ts"
import type { Tab } from "./tab.ts"

export class Presses {
    readonly #tab: Tab
    readonly #leader: Leader
    readonly #settings: Settings
    readonly #places: Places
    readonly #colleagues: Colleagues

    constructor(tab: Tab, leader: Leader, settings: Settings, places: Places) {
        this.#tab = tab
        this.#leader = leader
        this.#settings = settings
        this.#places = places
        this.#colleagues = new Colleagues(tab.parts, tab.server)
    }

    listen(): void {
        const { root, panel } = this.#tab.parts
        root.addEventListener("click", (event) => this.#pressed(event))
        panel.addEventListener("toggle", () => this.#tab.show())
        root.addEventListener("submit", (event) => this.#sent(event))
        root.addEventListener("input", (event) => this.#typed(event))
        root.addEventListener("change", (event) => void this.#settings.changed(event.target as HTMLSelectElement))
        document.addEventListener("click", (event) => this.#clicked(event))
        document.addEventListener("keydown", (event) => this.#keyed(event))
        for (const kind of ["pointerdown", "keydown"]) document.addEventListener(kind, () => this.#leader.touched(), { capture: true })
    }

    // --- buttons ---

    #pressed(event: MouseEvent): void {
        const button = event.target instanceof Element ? event.target.closest<HTMLElement>("[data-do]") : null
        if (!button || button instanceof HTMLFormElement) return
        const { parts } = this.#tab
        const id = callOf(button)
        const on = button.getAttribute("aria-pressed") !== "true"
        switch (button.dataset["do"]) {
            case "bell":
                return void this.#switch()
            case "close":
                return parts.panel.hidePopover()
            case "off":
                kept.turn(false)
                this.#tab.ask({ do: "off" })
                parts.panel.hidePopover()
                return parts.part("bell").focus()
            case "take":
                kept.turn(true)
                if (!this.#tab.leads) {
                    this.#leader.take()
                    this.#tab.stand()
                }
                return this.#tab.ask({ do: "take" })
            case "hear":
                return this.#leader.touched()
            case "answer":
                return this.#tab.ask({ do: "answer", id, tab: this.#tab.id })
            case "hang_up":
            case "park":
            case "record":
                return this.#tab.ask({ do: button.dataset["do"], id, tab: this.#tab.id })
            case "hold":
            case "mute":
                return this.#tab.ask({ do: button.dataset["do"], id, on })
            case "key":
                return this.#key(button instanceof HTMLButtonElement ? button.value : "")
            case "keypad": {
                const keypad = parts.part("keypad")
                keypad.hidden = !keypad.hidden
                button.setAttribute("aria-expanded", String(!keypad.hidden))
                return
            }
            case "blind":
                return this.#tab.ask({ do: "transfer", id, to: button.dataset["to"] ?? "" })
            case "first":
                return this.#tab.ask({ do: "consult", id, to: button.dataset["to"] ?? "" })
            case "join": {
                const held = this.#tab.state.calls.find((call) => call.id !== id && call.state === "talking")
                if (held) this.#tab.ask({ do: "transfer", id: held.id, to: "", consult: id })
                return
            }
            case "settings":
                return void this.#settings.open()
            case "echo":
                parts.part<HTMLDialogElement>("settings").close()
                return this.#tab.ask({ do: "dial", to: parts.root.dataset["echo"] ?? "*43" })
            case "place":
                return void this.#places.ask(this.#tab.state.place)
            case "shut":
                return button.closest("dialog")?.close()
        }
    }

    async #switch(): Promise<void> {
        const { parts } = this.#tab
        if (kept.isOn()) {
            parts.panel.togglePopover()
            return
        }
        try {
            sounds.close(await sounds.microphone())
        } catch (error) {
            this.#tab.show({ ...this.#tab.state, trouble: parts.say(error instanceof sounds.NoMicrophone ? error.trouble : "mic_missing") })
            parts.panel.showPopover()
            return
        }
        kept.turn(true)
        this.#tab.stand()
        parts.panel.showPopover()
    }

    #key(key: string): void {
        const talking = this.#tab.state.calls.find((call) => call.state === "talking" && !call.held)
        if (talking) this.#tab.ask({ do: "keys", id: talking.id, keys: key })
        else this.#tab.parts.part<HTMLInputElement>("to").value += key
    }

    // --- numbers ---

    /** Links with a number are dialed by the phone, anywhere in the pages. */
    #clicked(event: MouseEvent): void {
        const link = event.target instanceof Element ? event.target.closest<HTMLAnchorElement>('a[href^="tel:"]') : null
        if (!link || event.defaultPrevented || event.ctrlKey || event.metaKey) return
        event.preventDefault()
        void this.#dial(decodeURIComponent(link.href.slice("tel:".length)))
    }

    async #dial(to: string): Promise<void> {
        const { parts, server, state } = this.#tab
        const number = dialed(to)
        if (!number) return
        parts.panel.showPopover()
        if (state.line === "ready" || state.calls.length) {
            this.#tab.ask({ do: "dial", to: number })
            return
        }
        try {
            await server.post("/phone/dial", { to: number })
            this.#toTrouble(parts.say("ordered"))
        } catch (error) {
            this.#toTrouble(error instanceof Refused ? error.message : parts.say("no_server"))
        }
    }

    #toTrouble(text: string): void {
        if (this.#tab.leads) this.#leader.change({ trouble: text })
        else this.#tab.show({ ...this.#tab.state, trouble: text })
    }

    // --- keys ---

    #keyed(event: KeyboardEvent): void {
        const { panel } = this.#tab.parts
        // A popover that stays open beside the pages is not closed by Escape of itself.
        if (event.key === "Escape" && panel.contains(document.activeElement) && panel.matches(":popover-open")) {
            panel.hidePopover()
            this.#tab.parts.part("bell").focus()
            return
        }
        if (!event.altKey || !event.shiftKey || event.ctrlKey) return
        const { calls } = this.#tab.state
        const ringing = calls.find((call) => call.state === "ringing")
        const call = ringing ?? calls[0]
        if (!call) return
        if (event.code === "KeyA" && ringing) this.#tab.ask({ do: "answer", id: ringing.id, tab: this.#tab.id })
        else if (event.code === "KeyE") this.#tab.ask({ do: "hang_up", id: call.id, tab: this.#tab.id })
        else if (event.code === "KeyM" && call.state === "talking") this.#tab.ask({ do: "mute", id: call.id, on: !call.muted })
        else if (event.code === "KeyH" && call.state === "talking") this.#tab.ask({ do: "hold", id: call.id, on: !call.held })
        else return
        event.preventDefault()
    }

    // --- forms ---

    #sent(event: SubmitEvent): void {
        const form = event.target as HTMLFormElement
        const name = form.dataset["do"]
        if (!name) return
        event.preventDefault()
        const fields = new FormData(form)
        if (name === "dial") {
            void this.#dial(String(fields.get("to") ?? ""))
            form.reset()
        } else if (name === "note") {
            void this.#note(form, String(fields.get("text") ?? ""))
        } else if (name === "transfer") {
            const id = callOf(form)
            const to = dialed(String(fields.get("to") ?? ""))
            if (to) this.#tab.ask(event.submitter?.dataset["way"] === "first" ? { do: "consult", id, to } : { do: "transfer", id, to })
        } else if (name === "place") {
            void this.#locate(form, String(fields.get("location") ?? ""))
        }
    }

    async #note(form: HTMLFormElement, text: string): Promise<void> {
        const { parts, server, state } = this.#tab
        const id = callOf(form)
        const call = state.calls.find((one) => one.id === id)?.card?.call
        if (!call || !text.trim()) return
        const told = form.querySelector<HTMLElement>("[data-part=noted]")
        try {
            await server.post("/phone/note", { call, text: text.replace(/\s+/g, " ").trim() })
            form.reset()
            if (told) told.textContent = parts.say("noted")
        } catch (error) {
            if (told) told.textContent = error instanceof Refused ? error.message : parts.say("no_server")
        }
    }

    #typed(event: Event): void {
        const field = event.target as HTMLInputElement
        if (field.name === "to" && field.form?.dataset["do"] === "transfer") void this.#colleagues.list(field)
    }

    async #locate(form: HTMLFormElement, place: string): Promise<void> {
        if (!(await this.#places.save(form, place))) return
        if (this.#tab.leads) this.#leader.change({ isLost: false, place })
        else this.#tab.ask({ do: "located" })
    }
}

/** The id of the call that something in the page belongs to; empty: to none. */
function callOf(part: Element): string {
    return part.closest<HTMLElement>("[data-call]")?.dataset["call"] ?? ""
}

/** A number as it is dialed, from one as it is written. */
function dialed(written: string): string {
    return written.replace(/[\s().-]/g, "")
}
