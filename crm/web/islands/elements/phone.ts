// <lease-phone>: the phone in the page, around what the server has written into it (templates/console/phone.html.j2). It stands
// outside <main>, so that a call goes on while pages come and go.
import { listen } from "../shared/events"
import { leaveIfSignedOut } from "../shared/session"
import { Bell } from "../phone/bell.ts"
import { Colleagues } from "../phone/colleagues.ts"
import * as kept from "../phone/kept.ts"
import type { Call, Line } from "../phone/line.ts"
import { Parts } from "../phone/parts.ts"
import { Places } from "../phone/places.ts"
import { Screen } from "../phone/screen.ts"
import { type Card, Elsewhere, Refused, type Registration, Server } from "../phone/server.ts"
import { Settings } from "../phone/settings.ts"
import * as sounds from "../phone/sounds.ts"
import { type Command, NOTHING, type State } from "../phone/state.ts"
import { Tabs, type Told } from "../phone/tabs.ts"

const ON = "leaseline-phone-on"
const ASKED = "leaseline-phone-asked"

class Phone extends HTMLElement {
    #state: State = NOTHING
    readonly #parts = new Parts(this)
    readonly #screen = new Screen(this.#parts)
    readonly #server = new Server(() => this.dataset["csrf"] ?? "")
    readonly #settings = new Settings(this.#parts, this.#server, () => this.#ask({ do: "devices" }))
    readonly #places = new Places(this.#parts, this.#server)
    readonly #colleagues = new Colleagues(this.#parts, this.#server)
    #tabs: Tabs<State, Command> | undefined
    #line: Line | undefined
    #registration: Registration | undefined
    readonly #tab = crypto.randomUUID()
    readonly #cards = new Map<string, Card>()
    readonly #told = new Map<string, string>()
    /** Whether calls are recorded, by the ids of their records, as the app says. */
    readonly #recorded = new Map<string, boolean>()
    readonly #openers = new Map<string, string>()
    readonly #opening = new BroadcastChannel("leaseline-phone-open")
    #bell: Bell | undefined
    #takes = false

    connectedCallback(): void {
        if (this.#tabs) return
        this.#tabs = new Tabs((told) => this.#hear(told))
        this.#opening.onmessage = ({ data }: MessageEvent<{ tab: string; path: string }>) => {
            if (data.tab === this.#tab) this.#go(data.path)
        }
        listen(({ kind, said }) => kind === "call" && this.#heardOf(String(said["id"]), said["html"] ? said["recorded"] === true : undefined))
        this.addEventListener("click", (event) => this.#pressed(event))
        this.#parts.panel.addEventListener("toggle", () => this.#show(this.#state))
        this.addEventListener("submit", (event) => this.#sent(event))
        this.addEventListener("input", (event) => this.#typed(event))
        this.addEventListener("change", (event) => void this.#settings.changed(event.target as HTMLSelectElement))
        document.addEventListener("click", (event) => this.#clicked(event))
        document.addEventListener("keydown", (event) => this.#keyed(event))
        for (const kind of ["pointerdown", "keydown"]) document.addEventListener(kind, () => this.#touched(), { capture: true })
        document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && this.#line?.wake())
        // A tab that was frozen goes on, perhaps without being seen.
        document.addEventListener("resume", () => this.#line?.wake())
        addEventListener("online", () => this.#line?.wake())
        addEventListener("pageshow", (event) => event.persisted && this.#line?.wake())
        navigator.mediaDevices?.addEventListener("devicechange", () => void this.#devicesChanged())
        if (!("locks" in navigator) || !navigator.mediaDevices) {
            this.#parts.part("bell").toggleAttribute("disabled", true)
            this.#show({ ...NOTHING, trouble: this.#parts.say("insecure") })
            return
        }
        this.#tabs.tell({ hello: true })
        if (localStorage.getItem(ON)) this.#tabs.stand(() => void this.#lead())
        this.#show(this.#state)
    }

    // --- one phone for all tabs ---

    async #lead(): Promise<void> {
        this.#bell ??= new Bell(this.#parts)
        // SIP is large, and of use only to the tab that is the phone.
        const { Line } = await import("../phone/line.ts")
        if (!this.#tabs?.leads) return
        this.#line = new Line((event, call, why) => this.#happened(event, call, why), () => this.#register())
        void this.#line.start()
        void this.#hearing()
    }

    async #register(): Promise<Registration> {
        const isApp = matchMedia("(display-mode: standalone)").matches
        const found = await this.#server.post<Registration | { elsewhere: true }>("/phone/registration", {
            device: kept.device() ?? "",
            app: isApp ? "yes" : "",
            take: this.#takes ? "yes" : "",
        })
        if ("elsewhere" in found) throw new Elsewhere()
        this.#takes = true
        kept.keepDevice(found.device)
        this.#registration = found
        this.#change({ isLost: !found.is_located, place: found.location ?? "" })
        // Once a visit; nothing stands in the way of a call, nor of one that is about to come back.
        if (!found.is_located && !sessionStorage.getItem(ASKED) && !this.#line?.calls.length && kept.lately(found.return_seconds) === undefined) {
            sessionStorage.setItem(ASKED, "yes")
            void this.#places.ask(this.#state.place)
        }
        return found
    }

    #hear(told: Told<State, Command>): void {
        if ("hello" in told) {
            if (this.#tabs?.leads) this.#tabs.tell({ state: this.#state })
        } else if ("state" in told) {
            if (!this.#tabs?.leads) this.#show(told.state)
        } else if (this.#tabs?.leads) {
            this.#obey(told.command)
        } else if (told.command.do === "off") {
            this.#tabs?.stepDown()
        }
    }

    #ask(command: Command): void {
        if (this.#tabs?.leads) this.#obey(command)
        else this.#tabs?.tell({ command })
    }

    #obey(command: Command): void {
        const line = this.#line
        if (!line) return
        switch (command.do) {
            case "answer":
                this.#openers.set(command.id, command.tab)
                return void line.answer(command.id)
            case "hang_up":
                return line.hangUp(command.id)
            case "hold":
                return line.hold(command.id, command.on)
            case "mute":
                return line.mute(command.id, command.on)
            case "keys":
                return line.keys(command.id, command.keys)
            case "park":
                return line.keys(command.id, this.#registration?.codes["park"] ?? "")
            case "record":
                // The button changes once the app says that it is recorded, or no longer.
                return line.keys(command.id, this.#registration?.codes["record"] ?? "")
            case "transfer":
                this.#told.set(command.id, "transferring")
                line.transfer(command.id, command.to, command.consult)
                return this.#change({})
            case "consult":
                line.hold(command.id, true)
                return void line.dial(command.to, true)
            case "dial":
                for (const call of line.calls) if (call.state === "talking" && !call.held) line.hold(call.id, true)
                return void line.dial(command.to)
            case "devices":
                return void line.useDevices()
            case "located":
                return this.#change({ isLost: false })
            case "take":
                this.#takes = true
                return void line.start()
            case "off":
                line.stop()
                this.#line = undefined
                this.#registration = undefined
                this.#bell?.quiet()
                this.#change({ ...NOTHING })
                return this.#tabs?.stepDown()
        }
    }

    #happened(event: string, call?: Call, why = ""): void {
        switch (event) {
            case "ringing":
                void this.#ring()
                void this.#find(call!)
                this.#parts.announce(this.#parts.say("rings", { who: this.#screen.who(call!, null) }))
                break
            case "answered":
                this.#quiet()
                void this.#find(call!).then((card) => card && !call!.isBack && call!.way === "in" && this.#open(call!, card))
                this.#parts.announce(this.#parts.say(call!.isBack ? "is_back" : "talks"))
                break
            case "ended":
                this.#quiet()
                this.#told.delete(call!.id)
                this.#parts.announce(this.#parts.say("is_over"))
                if (why) this.#change({ trouble: this.#parts.say("not_reached", { why }) })
                break
            case "mic_changed":
                this.#sayOf(call!, "mic_changed")
                break
            case "failed":
                if (call) this.#sayOf(call, why)
                else this.#change({ trouble: this.#parts.say(why) })
                break
        }
        this.#change({})
    }

    /** What the app says of any call; undefined: it is over. */
    #heardOf(id: string, isRecorded: boolean | undefined): void {
        const before = this.#recorded.get(id)
        if (isRecorded === undefined) {
            this.#recorded.delete(id)
            for (const [own, card] of this.#cards) if (card.call === id) this.#line?.ask(own)
        } else {
            this.#recorded.set(id, isRecorded)
        }
        if (before !== isRecorded && [...this.#cards.values()].some((card) => card.call === id)) this.#change({})
    }

    #sayOf(call: Call, key: string): void {
        this.#told.set(call.id, key)
        this.#parts.announce(this.#parts.say(key))
    }

    #change(changed: Partial<State>): void {
        if (!this.#tabs?.leads) return
        const line = this.#line
        const calls = (line?.calls ?? []).map((call) => ({
            ...call,
            card: this.#cards.get(call.id) ?? null,
            told: this.#told.get(call.id) ?? "",
            isRecording: this.#recorded.get(this.#cards.get(call.id)?.call ?? "") ?? false,
        }))
        // The page is as little for whoever has signed out as the phone is.
        if (line?.state === "signed_out" && this.#state.line !== "signed_out") void leaveIfSignedOut()
        this.#state = { ...this.#state, line: line?.state ?? "off", calls, ...changed }
        this.#tabs.tell({ state: this.#state })
        this.#show(this.#state)
    }

    async #find(call: Call): Promise<Card | undefined> {
        const known = this.#cards.get(call.id)
        if (known) return known
        // Asterisk rings by itself while the app is away; the latest call of this phone is another one then.
        if (!call.call && call.way === "in") return undefined
        const path = call.call ? `/phone/call/${encodeURIComponent(call.call)}` : `/phone/call?device=${this.#registration?.device ?? ""}`
        // The record of a call is written while it rings, and may be a moment late.
        for (const pause of [0, 150, 400, 1000, 2000]) {
            await new Promise((resolve) => setTimeout(resolve, pause))
            const card = await this.#server.get<Card | null>(path).catch(() => null)
            if (!card) continue
            this.#cards.set(call.id, card)
            if (card.is_recorded !== null) this.#recorded.set(card.call, card.is_recorded)
            this.#change({})
            if (call.state === "ringing") this.#parts.announce(this.#parts.say("rings", { who: this.#screen.who(call, card) }))
            return card
        }
        return undefined
    }

    /** Shows the lead in the tab where the call was taken, and nowhere else. */
    #open(call: Call, card: Card): void {
        if (card.lead === null) return
        const tab = this.#openers.get(call.id) ?? this.#tab
        if (tab === this.#tab) this.#go(`/leads/${card.lead}`)
        else this.#opening.postMessage({ tab, path: `/leads/${card.lead}` })
    }

    #go(path: string): void {
        const link = this.#parts.part<HTMLAnchorElement>("go")
        link.href = path
        link.click()
    }

    // --- what is heard ---

    async #ring(): Promise<void> {
        this.#change({ isSilent: !(await this.#bell?.ring()) })
    }

    #quiet(): void {
        if (!this.#line?.calls.some((call) => call.state === "ringing")) this.#bell?.quiet()
    }

    async #hearing(): Promise<void> {
        this.#change({ isSilent: !(await sounds.isAudible()) })
    }

    #touched(): void {
        if (!this.#state.isSilent) return
        if (this.#tabs?.leads) {
            this.#change({ isSilent: false })
            if (this.#line?.calls.some((call) => call.state === "ringing")) void this.#ring()
        }
    }

    async #devicesChanged(): Promise<void> {
        await this.#settings.listDevices()
        if (this.#line?.calls.some((call) => call.state === "talking")) void this.#line.useDevices()
    }

    // --- what is pressed ---

    #pressed(event: MouseEvent): void {
        const button = event.target instanceof Element ? event.target.closest<HTMLElement>("[data-do]") : null
        if (!button || button instanceof HTMLFormElement) return
        const id = button.closest<HTMLElement>("[data-call]")?.dataset["call"] ?? ""
        const on = button.getAttribute("aria-pressed") !== "true"
        switch (button.dataset["do"]) {
            case "bell":
                return void this.#switch()
            case "close":
                return this.#parts.panel.hidePopover()
            case "off":
                localStorage.removeItem(ON)
                this.#ask({ do: "off" })
                this.#parts.panel.hidePopover()
                return this.#parts.part("bell").focus()
            case "take":
                localStorage.setItem(ON, "on")
                if (!this.#tabs?.leads) {
                    this.#takes = true
                    this.#tabs?.stand(() => void this.#lead())
                }
                return this.#ask({ do: "take" })
            case "hear":
                return this.#touched()
            case "answer":
                return this.#ask({ do: "answer", id, tab: this.#tab })
            case "hang_up":
            case "park":
            case "record":
                return this.#ask({ do: button.dataset["do"], id, tab: this.#tab })
            case "hold":
            case "mute":
                return this.#ask({ do: button.dataset["do"], id, on })
            case "key":
                return this.#key(button instanceof HTMLButtonElement ? button.value : "")
            case "keypad": {
                const keypad = this.#parts.part("keypad")
                keypad.hidden = !keypad.hidden
                button.setAttribute("aria-expanded", String(!keypad.hidden))
                return
            }
            case "blind":
                return this.#ask({ do: "transfer", id, to: button.dataset["to"] ?? "" })
            case "first":
                return this.#ask({ do: "consult", id, to: button.dataset["to"] ?? "" })
            case "join": {
                const held = this.#state.calls.find((call) => call.id !== id && call.state === "talking")
                if (held) this.#ask({ do: "transfer", id: held.id, to: "", consult: id })
                return
            }
            case "settings":
                return void this.#settings.open()
            case "echo":
                this.#parts.part<HTMLDialogElement>("settings").close()
                return this.#ask({ do: "dial", to: this.dataset["echo"] ?? "*43" })
            case "place":
                return void this.#places.ask(this.#state.place)
            case "shut":
                return button.closest("dialog")?.close()
        }
    }

    async #switch(): Promise<void> {
        if (!localStorage.getItem(ON)) {
            try {
                sounds.close(await sounds.microphone())
            } catch (error) {
                this.#show({ ...this.#state, trouble: this.#parts.say(error instanceof sounds.NoMicrophone ? error.trouble : "mic_missing") })
                this.#parts.panel.showPopover()
                return
            }
            localStorage.setItem(ON, "on")
            this.#tabs?.stand(() => void this.#lead())
            this.#parts.panel.showPopover()
            return
        }
        this.#parts.panel.togglePopover()
    }

    #key(key: string): void {
        const talking = this.#state.calls.find((call) => call.state === "talking" && !call.held)
        if (talking) this.#ask({ do: "keys", id: talking.id, keys: key })
        else this.#parts.part<HTMLInputElement>("to").value += key
    }

    /** Links with a number are dialed by the phone, anywhere in the pages. */
    #clicked(event: MouseEvent): void {
        const link = event.target instanceof Element ? event.target.closest<HTMLAnchorElement>('a[href^="tel:"]') : null
        if (!link || event.defaultPrevented || event.ctrlKey || event.metaKey) return
        event.preventDefault()
        void this.#dial(decodeURIComponent(link.href.slice("tel:".length)))
    }

    async #dial(to: string): Promise<void> {
        const number = to.replace(/[\s().-]/g, "")
        if (!number) return
        this.#parts.panel.showPopover()
        if (this.#state.line === "ready" || this.#state.calls.length) {
            this.#ask({ do: "dial", to: number })
            return
        }
        try {
            await this.#server.post("/phone/dial", { to: number })
            this.#toTrouble(this.#parts.say("ordered"))
        } catch (error) {
            this.#toTrouble(error instanceof Refused ? error.message : this.#parts.say("no_server"))
        }
    }

    #toTrouble(text: string): void {
        if (this.#tabs?.leads) this.#change({ trouble: text })
        else this.#show({ ...this.#state, trouble: text })
    }

    #keyed(event: KeyboardEvent): void {
        if (!event.altKey || !event.shiftKey || event.ctrlKey) return
        const ringing = this.#state.calls.find((call) => call.state === "ringing")
        const call = ringing ?? this.#state.calls[0]
        if (!call) return
        if (event.code === "KeyA" && ringing) this.#ask({ do: "answer", id: ringing.id, tab: this.#tab })
        else if (event.code === "KeyE") this.#ask({ do: "hang_up", id: call.id, tab: this.#tab })
        else if (event.code === "KeyM" && call.state === "talking") this.#ask({ do: "mute", id: call.id, on: !call.muted })
        else if (event.code === "KeyH" && call.state === "talking") this.#ask({ do: "hold", id: call.id, on: !call.held })
        else return
        event.preventDefault()
    }

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
            const id = form.closest<HTMLElement>("[data-call]")?.dataset["call"] ?? ""
            const to = String(fields.get("to") ?? "").replace(/[\s().-]/g, "")
            if (to) this.#ask(event.submitter?.dataset["way"] === "first" ? { do: "consult", id, to } : { do: "transfer", id, to })
        } else if (name === "place") {
            void this.#locate(form, String(fields.get("location") ?? ""))
        }
    }

    async #note(form: HTMLFormElement, text: string): Promise<void> {
        const id = form.closest<HTMLElement>("[data-call]")?.dataset["call"] ?? ""
        const call = this.#state.calls.find((one) => one.id === id)?.card?.call
        if (!call || !text.trim()) return
        const told = form.querySelector<HTMLElement>("[data-part=noted]")
        try {
            await this.#server.post("/phone/note", { call, text: text.replace(/\s+/g, " ").trim() })
            form.reset()
            if (told) told.textContent = this.#parts.say("noted")
        } catch (error) {
            if (told) told.textContent = error instanceof Refused ? error.message : this.#parts.say("no_server")
        }
    }

    #typed(event: Event): void {
        const field = event.target as HTMLInputElement
        if (field.name === "to" && field.form?.dataset["do"] === "transfer") void this.#colleagues.list(field)
    }

    async #locate(form: HTMLFormElement, place: string): Promise<void> {
        if (!(await this.#places.save(form, place))) return
        if (this.#tabs?.leads) this.#change({ isLost: false, place })
        else this.#ask({ do: "located" })
    }

    #show(state: State): void {
        this.#state = state
        this.#screen.show(state, localStorage.getItem(ON) !== null)
    }
}

customElements.define("lease-phone", Phone)
