// <lease-phone>: the phone in the page, around what the server has written into it (templates/console/phone.html.j2). It stands
// outside <main>, so that a call goes on while pages come and go.
import type { Call, Line, LineState } from "../phone/line.ts"
import * as kept from "../phone/kept.ts"
import { type Card, type Colleague, type Device, Elsewhere, type Place, Refused, type Registration, Server } from "../phone/server.ts"
import * as sounds from "../phone/sounds.ts"
import { Tabs, type Told } from "../phone/tabs.ts"

const ON = "leaseline-phone-on"
const DEVICE = "leaseline-phone-device"
const ASKED = "leaseline-phone-asked"
const TITLE_MS = 1000

interface Shown extends Call {
    card: Card | null
    /** A key of the page's words: what became of the last thing asked of the call. */
    told: string
    isRecording: boolean
}

/** What all tabs show. */
interface State {
    line: LineState
    calls: Shown[]
    /** Ringing would be heard by nobody yet. */
    isSilent: boolean
    /** Nobody has said where the person is, in this network. */
    isLost: boolean
    place: string
    /** What went wrong last, in words. */
    trouble: string
}

type Command =
    | { do: "answer" | "hang_up" | "park" | "record"; id: string; tab: string }
    | { do: "hold" | "mute"; id: string; on: boolean }
    | { do: "keys"; id: string; keys: string }
    | { do: "transfer"; id: string; to: string; consult?: string }
    | { do: "consult"; id: string; to: string }
    | { do: "dial"; to: string }
    | { do: "off" | "take" | "devices" | "located" }

const NOTHING: State = { line: "off", calls: [], isSilent: false, isLost: false, place: "", trouble: "" }

class Phone extends HTMLElement {
    #state: State = NOTHING
    #words: Record<string, string> = {}
    #server = new Server("")
    #tabs: Tabs<State, Command> | undefined
    #line: Line | undefined
    #registration: Registration | undefined
    readonly #tab = crypto.randomUUID()
    readonly #cards = new Map<string, Card>()
    readonly #told = new Map<string, string>()
    readonly #recording = new Set<string>()
    readonly #openers = new Map<string, string>()
    readonly #opening = new BroadcastChannel("leaseline-phone-open")
    #ringing: sounds.Ringing | undefined
    #mic: MediaStream | undefined
    #meter = 0
    #title = 0
    #takes = false

    connectedCallback(): void {
        if (this.#tabs) return
        this.#words = JSON.parse(this.dataset["words"] ?? "{}") as Record<string, string>
        this.#server = new Server(this.dataset["csrf"] ?? "")
        this.#tabs = new Tabs((told) => this.#hear(told))
        this.#opening.onmessage = ({ data }: MessageEvent<{ tab: string; path: string }>) => {
            if (data.tab === this.#tab) this.#go(data.path)
        }
        this.addEventListener("click", (event) => this.#pressed(event))
        this.#panel.addEventListener("toggle", () => this.#show(this.#state))
        this.addEventListener("submit", (event) => this.#sent(event))
        this.addEventListener("input", (event) => this.#typed(event))
        this.addEventListener("change", (event) => void this.#changed(event))
        document.addEventListener("click", (event) => this.#clicked(event))
        document.addEventListener("keydown", (event) => this.#keyed(event))
        for (const kind of ["pointerdown", "keydown"]) document.addEventListener(kind, () => this.#touched(), { capture: true })
        document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && this.#line?.wake())
        addEventListener("online", () => this.#line?.wake())
        addEventListener("pageshow", (event) => event.persisted && this.#line?.wake())
        navigator.mediaDevices?.addEventListener("devicechange", () => void this.#devicesChanged())
        if (!("locks" in navigator) || !navigator.mediaDevices) {
            this.#part("bell").toggleAttribute("disabled", true)
            this.#show({ ...NOTHING, trouble: this.#say("insecure") })
            return
        }
        this.#tabs.tell({ hello: true })
        if (localStorage.getItem(ON)) this.#tabs.stand(() => void this.#lead())
        this.#show(this.#state)
    }

    // --- one phone for all tabs ---

    async #lead(): Promise<void> {
        this.#ringing ??= new sounds.Ringing()
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
            device: localStorage.getItem(DEVICE) ?? "",
            app: isApp ? "yes" : "",
            take: this.#takes ? "yes" : "",
        })
        if ("elsewhere" in found) throw new Elsewhere()
        this.#takes = true
        localStorage.setItem(DEVICE, found.device)
        this.#registration = found
        this.#change({ isLost: !found.is_located, place: found.location ?? "" })
        // Once a visit; nothing stands in the way of a call, nor of one that is about to come back.
        if (!found.is_located && !sessionStorage.getItem(ASKED) && !this.#line?.calls.length && kept.lately(found.return_seconds) === undefined) {
            sessionStorage.setItem(ASKED, "yes")
            void this.#askForPlace()
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
                line.keys(command.id, this.#registration?.codes["record"] ?? "")
                if (!this.#recording.delete(command.id)) this.#recording.add(command.id)
                return this.#change({})
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
                this.#ringing?.stop()
                this.#change({ ...NOTHING })
                return this.#tabs?.stepDown()
        }
    }

    #happened(event: string, call?: Call, why = ""): void {
        switch (event) {
            case "ringing":
                void this.#ring()
                void this.#find(call!)
                this.#announce(this.#say("rings", { who: this.#who(call!, null) }))
                break
            case "answered":
                this.#quiet()
                void this.#find(call!).then((card) => card && !call!.isBack && call!.way === "in" && this.#open(call!, card))
                this.#announce(this.#say(call!.isBack ? "is_back" : "talks"))
                break
            case "ended":
                this.#quiet()
                this.#told.delete(call!.id)
                this.#recording.delete(call!.id)
                this.#announce(this.#say("is_over"))
                if (why) this.#change({ trouble: this.#say("not_reached", { why }) })
                break
            case "mic_changed":
                this.#sayOf(call!, "mic_changed")
                break
            case "failed":
                if (call) this.#sayOf(call, why)
                else this.#change({ trouble: this.#say(why) })
                break
        }
        this.#change({})
    }

    #sayOf(call: Call, key: string): void {
        this.#told.set(call.id, key)
        this.#announce(this.#say(key))
    }

    #change(changed: Partial<State>): void {
        if (!this.#tabs?.leads) return
        const line = this.#line
        const calls = (line?.calls ?? []).map((call) => ({
            ...call,
            card: this.#cards.get(call.id) ?? null,
            told: this.#told.get(call.id) ?? "",
            isRecording: this.#recording.has(call.id),
        }))
        this.#state = { ...this.#state, line: line?.state ?? "off", calls, ...changed }
        this.#tabs.tell({ state: this.#state })
        this.#show(this.#state)
    }

    async #find(call: Call): Promise<Card | undefined> {
        const known = this.#cards.get(call.id)
        if (known) return known
        const path = call.call ? `/phone/call/${encodeURIComponent(call.call)}` : `/phone/call?device=${this.#registration?.device ?? ""}`
        // The record of a call is written while it rings, and may be a moment late.
        for (const pause of [0, 150, 400, 1000, 2000]) {
            await new Promise((resolve) => setTimeout(resolve, pause))
            const card = await this.#server.get<Card | null>(path).catch(() => null)
            if (!card) continue
            this.#cards.set(call.id, card)
            this.#change({})
            if (call.state === "ringing") this.#announce(this.#say("rings", { who: this.#who(call, card) }))
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
        const link = this.#part<HTMLAnchorElement>("go")
        link.href = path
        link.click()
    }

    // --- what is heard ---

    async #ring(): Promise<void> {
        const isHeard = (await this.#ringing?.start()) ?? false
        this.#change({ isSilent: !isHeard })
        clearInterval(this.#title)
        const title = document.title
        let on = false
        this.#title = setInterval(() => {
            on = !on
            document.title = on ? this.#say("ringing_title") : title
        }, TITLE_MS)
    }

    #quiet(): void {
        if (this.#line?.calls.some((call) => call.state === "ringing")) return
        this.#ringing?.stop()
        if (this.#title) {
            clearInterval(this.#title)
            this.#title = 0
            const heading = document.querySelector("#main h1")?.textContent
            if (document.title === this.#say("ringing_title") && heading) document.title = heading
        }
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
        await this.#listDevices()
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
                return void this.#bell()
            case "close":
                return this.#panel.hidePopover()
            case "off":
                localStorage.removeItem(ON)
                this.#ask({ do: "off" })
                this.#panel.hidePopover()
                return this.#part("bell").focus()
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
                const keypad = this.#part("keypad")
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
                return void this.#openSettings()
            case "echo":
                this.#part<HTMLDialogElement>("settings").close()
                return this.#ask({ do: "dial", to: this.dataset["echo"] ?? "*43" })
            case "place":
                return void this.#askForPlace()
            case "shut":
                return button.closest("dialog")?.close()
        }
    }

    async #bell(): Promise<void> {
        if (!localStorage.getItem(ON)) {
            try {
                sounds.close(await sounds.microphone())
            } catch (error) {
                this.#show({ ...this.#state, trouble: this.#say(error instanceof sounds.NoMicrophone ? error.trouble : "mic_missing") })
                this.#panel.showPopover()
                return
            }
            localStorage.setItem(ON, "on")
            this.#tabs?.stand(() => void this.#lead())
            this.#panel.showPopover()
            return
        }
        this.#panel.togglePopover()
    }

    #key(key: string): void {
        const talking = this.#state.calls.find((call) => call.state === "talking" && !call.held)
        if (talking) this.#ask({ do: "keys", id: talking.id, keys: key })
        else this.#part<HTMLInputElement>("to").value += key
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
        this.#panel.showPopover()
        if (this.#state.line === "ready" || this.#state.calls.length) {
            this.#ask({ do: "dial", to: number })
            return
        }
        try {
            await this.#server.post("/phone/dial", { to: number })
            this.#toTrouble(this.#say("ordered"))
        } catch (error) {
            this.#toTrouble(error instanceof Refused ? error.message : this.#say("no_server"))
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
            void this.#savePlace(form, String(fields.get("location") ?? ""))
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
            if (told) told.textContent = this.#say("noted")
        } catch (error) {
            if (told) told.textContent = error instanceof Refused ? error.message : this.#say("no_server")
        }
    }

    #typed(event: Event): void {
        const field = event.target as HTMLInputElement
        if (field.name === "to" && field.form?.dataset["do"] === "transfer") void this.#listColleagues(field)
    }

    async #listColleagues(field: HTMLInputElement): Promise<void> {
        const list = field.form?.querySelector<HTMLElement>("[data-part=colleagues]")
        const row = this.querySelector<HTMLTemplateElement>("template[data-part=colleague]")
        if (!list || !row) return
        const asked = field.value
        const found = await this.#server.get<Colleague[]>(`/phone/colleagues?q=${encodeURIComponent(asked)}`).catch(() => [])
        if (field.value !== asked) return
        list.replaceChildren(
            ...found.map((one) => {
                const item = row.content.cloneNode(true) as DocumentFragment
                const name = item.querySelector("[data-part=name]")
                if (name) name.textContent = `${one.name} (${one.extension})`
                const state = item.querySelector("[data-part=state]")
                if (state) state.textContent = this.#say(`colleague_${one.state}`)
                item.querySelector("[data-part=mark]")?.classList.add(one.state === "free" ? "good" : one.state === "busy" ? "warn" : "bad")
                for (const button of item.querySelectorAll<HTMLElement>("[data-to]")) {
                    button.dataset["to"] = one.extension
                    button.setAttribute("aria-label", `${button.textContent?.trim() ?? ""}: ${one.name}`)
                }
                return item
            }),
        )
    }

    // --- settings, and where the person is ---

    async #openSettings(): Promise<void> {
        this.#part<HTMLDialogElement>("settings").showModal()
        await Promise.all([this.#listDevices(), this.#listDnd(), this.#startMeter()])
    }

    async #listDevices(): Promise<void> {
        const found = await navigator.mediaDevices.enumerateDevices()
        for (const use of ["ring", "talk", "mic"] as const) {
            const select = this.#part<HTMLSelectElement>(use)
            const kind = use === "mic" ? "audioinput" : "audiooutput"
            const options = found.filter((one) => one.kind === kind && one.deviceId !== "default" && one.deviceId !== "")
            const known = options.some((one) => one.deviceId === sounds.chosen(use))
            select.replaceChildren(
                new Option(this.#say("system_device"), "", false, !known),
                ...options.map((one, i) => new Option(one.label || `${i + 1}`, one.deviceId, false, one.deviceId === sounds.chosen(use))),
            )
        }
    }

    async #changed(event: Event): Promise<void> {
        const field = event.target as HTMLSelectElement
        const use = field.dataset["part"]
        if (use === "ring" || use === "talk" || use === "mic") {
            sounds.choose(use, field.value)
            this.#ask({ do: "devices" })
            if (use === "mic") await this.#startMeter()
        } else if (field.name === "dnd") {
            const found = await this.#server
                .post<Device[]>("/phone/dnd", { device: field.dataset["device"] ?? "", minutes: field.value })
                .catch(() => undefined)
            if (found) this.#showDnd(found)
        }
    }

    async #startMeter(): Promise<void> {
        this.#stopMeter()
        const meter = this.#part<HTMLMeterElement>("level")
        const dialog = this.#part<HTMLDialogElement>("settings")
        dialog.addEventListener("close", () => this.#stopMeter(), { once: true })
        try {
            this.#mic = await sounds.microphone()
        } catch (error) {
            this.#part("mic_told").textContent = this.#say(error instanceof sounds.NoMicrophone ? error.trouble : "mic_missing")
            return
        }
        this.#part("mic_told").textContent = ""
        const context = new AudioContext()
        const analyser = context.createAnalyser()
        context.createMediaStreamSource(this.#mic).connect(analyser)
        const values = new Float32Array(analyser.fftSize)
        this.#meter = setInterval(() => {
            analyser.getFloatTimeDomainData(values)
            meter.value = Math.min(1, 4 * Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length))
        }, 100)
        this.#mic.getAudioTracks()[0]?.addEventListener("ended", () => void context.close())
    }

    #stopMeter(): void {
        clearInterval(this.#meter)
        sounds.close(this.#mic)
        this.#mic = undefined
    }

    async #listDnd(): Promise<void> {
        const found = await this.#server.get<Device[]>("/phone/devices").catch(() => undefined)
        if (found) this.#showDnd(found)
    }

    #showDnd(found: Device[]): void {
        const list = this.#part("dnd")
        const row = this.querySelector<HTMLTemplateElement>("template[data-part=dnd_row]")
        if (!row) return
        const rows = [{ device: "", kind: "all", dnd: found.length > 0 && found.every((one) => one.dnd), until: "" }, ...found]
        list.replaceChildren(
            ...rows.map((one) => {
                const item = row.content.cloneNode(true) as DocumentFragment
                const mine = one.device !== "" && one.device === localStorage.getItem(DEVICE)
                const name = item.querySelector("[data-part=name]")
                if (name) name.textContent = one.device ? `${this.#say(mine ? "this_browser" : `kind_${one.kind}`)} (${one.device})` : this.#say("kind_all")
                const state = item.querySelector("[data-part=state]")
                if (state) state.textContent = one.dnd ? (one.until ? this.#say("dnd_until", { until: one.until }) : this.#say("dnd_on")) : ""
                const select = item.querySelector("select")
                if (select) {
                    select.dataset["device"] = one.device
                    select.value = ""
                }
                return item
            }),
        )
    }

    async #askForPlace(): Promise<void> {
        const dialog = this.#part<HTMLDialogElement>("place")
        const select = dialog.querySelector("select")
        const places = await this.#server.get<Place[]>("/phone/location").catch(() => [])
        select?.replaceChildren(
            new Option(this.#say("nowhere"), ""),
            ...places.map((one) => new Option(one.address, one.slug, false, one.slug === this.#state.place)),
        )
        if (!dialog.open) dialog.showModal()
    }

    async #savePlace(form: HTMLFormElement, location: string): Promise<void> {
        const told = form.querySelector<HTMLElement>("[data-part=place_told]")
        try {
            await this.#server.post("/phone/location", { device: localStorage.getItem(DEVICE) ?? "", location })
        } catch (error) {
            if (told) told.textContent = error instanceof Refused ? error.message : this.#say("no_server")
            return
        }
        if (this.#tabs?.leads) this.#change({ isLost: false, place: location })
        else this.#ask({ do: "located" })
        form.closest("dialog")?.close()
    }

    // --- what is shown ---

    #show(state: State): void {
        const before = this.#state
        this.#state = state
        const isOn = localStorage.getItem(ON) !== null
        const rings = state.calls.some((call) => call.state === "ringing")
        const line = this.#say(isOn ? `line_${state.line}` : "line_off")
        this.dataset["line"] = isOn ? state.line : "off"
        this.#part("line").textContent = line
        const bell = this.#part("bell")
        bell.setAttribute("aria-expanded", String(this.#panel.matches(":popover-open")))
        const dot = this.#part("dot")
        dot.className = `dot ${!isOn ? "" : state.line === "ready" ? "good" : state.line === "connecting" ? "warn" : "bad"}`
        this.#part("state").textContent = rings ? this.#say("line_rings") : line
        const trouble = this.#part("trouble")
        if (trouble.textContent !== state.trouble) trouble.textContent = state.trouble
        trouble.hidden = !state.trouble
        this.#part("silent").hidden = !isOn || !state.isSilent
        this.#part("lost").hidden = !isOn || !state.isLost
        this.#part("take").hidden = state.line !== "elsewhere"
        this.#part("sign_in").hidden = state.line !== "signed_out"
        this.#part("off").hidden = !isOn
        this.#panel.classList.toggle("ringing", rings)
        this.#panel.classList.toggle("talking", !rings && state.calls.length > 0)
        this.#showCalls(state.calls)
        const had = before.calls.length
        if (state.calls.length > had && !this.#panel.matches(":popover-open")) this.#panel.showPopover()
    }

    #showCalls(calls: Shown[]): void {
        const place = this.#part("calls")
        for (const old of [...place.querySelectorAll<HTMLElement>("[data-call]")])
            if (!calls.some((call) => call.id === old.dataset["call"])) old.remove()
        for (const call of calls) {
            let shown = place.querySelector<HTMLElement>(`[data-call="${CSS.escape(call.id)}"]`)
            if (!shown) {
                const made = this.querySelector<HTMLTemplateElement>("template[data-part=call]")?.content.cloneNode(true) as DocumentFragment
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
        text("who", this.#who(call, card))
        text("about", [card?.property, card?.source && this.#say("by_source", { source: card.source })].filter(Boolean).join(" · "))
        text("known", card ? this.#say(card.is_known ? `is_${card.kind}` : "is_new") : "")
        text("step", this.#say(call.held ? "held" : call.state))
        text("told", call.trouble ? this.#say(call.trouble) : call.told ? this.#say(call.told) : "")
        part("told").hidden = !call.trouble && !call.told
        const clock = part("since")
        clock.setAttribute("since", new Date(call.since).toISOString())
        clock.hidden = !talks
        part("answer").hidden = call.state !== "ringing"
        text("hang_up", this.#say(call.state === "ringing" ? "decline" : "hang_up"))
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

    #who(call: Call, card: Card | null): string {
        return card?.name || card?.shown || (call.number === "anonymous" ? this.#say("withheld") : call.number) || this.#say("withheld")
    }

    #announce(text: string): void {
        this.#part("said").textContent = text
    }

    #say(key: string, filled: Record<string, string> = {}): string {
        return (this.#words[key] ?? key).replace(/\{(\w+)\}/g, (_, name: string) => filled[name] ?? "")
    }

    #part<Found extends HTMLElement = HTMLElement>(name: string): Found {
        const found = this.querySelector<Found>(`[data-part="${name}"]`)
        if (!found) throw new Error(`The phone has no part ${name}.`)
        return found
    }

    get #panel(): HTMLElement {
        return this.#part("panel")
    }
}

customElements.define("lease-phone", Phone)
