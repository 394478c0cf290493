// What the tab does that is the phone: it has the line, does what all tabs ask of it, and tells them what happens.
import { leaveIfSignedOut } from "../shared/session"
import { Bell } from "./bell.ts"
import { Cards } from "./cards.ts"
import * as kept from "./kept.ts"
import type { Call, Line } from "./line.ts"
import type { Places } from "./places.ts"
import { who } from "./screen.ts"
import { type Card, Elsewhere, type Registration } from "./server.ts"
import * as sounds from "./sounds.ts"
import { type Command, NOTHING, type State } from "./state.ts"
import type { Leading, Tab } from "./tab.ts"

const ASKED = "leaseline-phone-asked"

export class Leader implements Leading {
    readonly #tab: Tab
    readonly #places: Places
    readonly #cards: Cards
    #line: Line | undefined
    #registration: Registration | undefined
    #bell: Bell | undefined
    /** By the ids of calls: a key of the page's words, what became of the last thing asked of it. */
    readonly #told = new Map<string, string>()
    /** By the ids of calls: the tab in which it was answered. */
    readonly #openers = new Map<string, string>()
    #takes = false

    constructor(tab: Tab, places: Places) {
        this.#tab = tab
        this.#places = places
        this.#cards = new Cards(tab.server)
    }

    async lead(): Promise<void> {
        this.#bell ??= new Bell(this.#tab.parts)
        // SIP is large, and of use only to the tab that is the phone.
        const { Line } = await import("./line.ts")
        if (!this.#tab.leads) return
        this.#line = new Line((event, call, why) => this.#happened(event, call, why), () => this.#register())
        void this.#line.start()
        this.change({ isSilent: !(await sounds.isAudible()) })
    }

    /** From now on this browser is the phone, though another one may be. */
    take(): void {
        this.#takes = true
    }

    wake(): void {
        this.#line?.wake()
    }

    async #register(): Promise<Registration> {
        const isApp = matchMedia("(display-mode: standalone)").matches
        const found = await this.#tab.server.post<Registration | { elsewhere: true }>("/phone/registration", {
            device: kept.device() ?? "",
            app: isApp ? "yes" : "",
            take: this.#takes ? "yes" : "",
        })
        if ("elsewhere" in found) throw new Elsewhere()
        this.#takes = true
        kept.keepDevice(found.device)
        this.#registration = found
        this.change({ isLost: !found.is_located, place: found.location ?? "" })
        // Once a visit; nothing stands in the way of a call, nor of one that is about to come back.
        if (!found.is_located && !sessionStorage.getItem(ASKED) && !this.#line?.calls.length && kept.lately(found.return_seconds) === undefined) {
            sessionStorage.setItem(ASKED, "yes")
            void this.#places.ask(this.#tab.state.place)
        }
        return found
    }

    // --- what is asked ---

    obey(command: Command): void {
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
                return this.change({})
            case "consult":
                line.hold(command.id, true)
                return void line.dial(command.to, true)
            case "dial":
                this.change({ trouble: "" })
                for (const call of line.calls) if (call.state === "talking" && !call.held) line.hold(call.id, true)
                return void line.dial(command.to)
            case "devices":
                return void line.useDevices()
            case "located":
                return this.change({ isLost: false })
            case "take":
                this.take()
                return void line.start()
            case "off":
                line.stop()
                this.#line = undefined
                this.#registration = undefined
                this.#bell?.quiet()
                this.change({ ...NOTHING })
                return this.#tab.stepDown()
        }
    }

    // --- what happens ---

    #happened(event: string, call?: Call, why = ""): void {
        const parts = this.#tab.parts
        switch (event) {
            case "ringing":
                void this.#ring()
                void this.#find(call!)
                parts.announce(parts.say("rings", { who: who(parts, call!, null) }))
                break
            case "answered":
                this.#quiet()
                void this.#find(call!).then((card) => card && !call!.isBack && call!.way === "in" && this.#open(call!, card))
                parts.announce(parts.say(call!.isBack ? "is_back" : "talks"))
                break
            case "ended":
                this.#quiet()
                this.#told.delete(call!.id)
                parts.announce(parts.say("is_over"))
                if (why) this.change({ trouble: parts.say(why) })
                break
            case "mic_changed":
                this.#sayOf(call!, "mic_changed")
                break
            case "failed":
                if (call) this.#sayOf(call, why)
                else this.change({ trouble: parts.say(why) })
                break
        }
        this.change({})
    }

    /** What the app says of any call, by the id of its record; undefined: it is over. */
    heardOf(record: string, isRecorded: boolean | undefined): void {
        const hasChanged = this.#cards.hear(record, isRecorded)
        if (isRecorded === undefined) for (const id of this.#cards.idsOf(record)) this.#line?.ask(id)
        if (hasChanged) this.change({})
    }

    async devicesChanged(): Promise<void> {
        if (this.#line?.calls.some((call) => call.state === "talking")) await this.#line.useDevices()
    }

    #sayOf(call: Call, key: string): void {
        this.#told.set(call.id, key)
        this.#tab.parts.announce(this.#tab.parts.say(key))
    }

    change(changed: Partial<State>): void {
        if (!this.#tab.leads) return
        const line = this.#line
        const calls = (line?.calls ?? []).map((call) => ({
            ...call,
            card: this.#cards.of(call),
            told: this.#told.get(call.id) ?? "",
            isRecording: this.#cards.isRecorded(call),
        }))
        const before = this.#tab.state
        // The page is as little for whoever has signed out as the phone is.
        if (line?.state === "signed_out" && before.line !== "signed_out") void leaveIfSignedOut()
        this.#tab.tell({ ...before, line: line?.state ?? "off", calls, ...changed })
    }

    async #find(call: Call): Promise<Card | undefined> {
        const known = this.#cards.of(call)
        if (known) return known
        const card = await this.#cards.find(call, this.#registration?.device ?? "")
        if (!card) return undefined
        this.change({})
        const parts = this.#tab.parts
        if (call.state === "ringing") parts.announce(parts.say("rings", { who: who(parts, call, card) }))
        return card
    }

    /** Shows the lead in the tab where the call was taken, and nowhere else. */
    #open(call: Call, card: Card): void {
        if (card.lead !== null) this.#tab.open(`/leads/${card.lead}`, this.#openers.get(call.id) ?? this.#tab.id)
    }

    // --- what is heard ---

    /** Somebody has clicked into the page: from now on the browser plays sounds. */
    touched(): void {
        if (!this.#tab.state.isSilent || !this.#tab.leads) return
        this.change({ isSilent: false })
        if (this.#line?.calls.some((call) => call.state === "ringing")) void this.#ring()
    }

    async #ring(): Promise<void> {
        this.change({ isSilent: !(await this.#bell?.ring()) })
    }

    #quiet(): void {
        if (!this.#line?.calls.some((call) => call.state === "ringing")) this.#bell?.quiet()
    }
}
