// The phone's settings: what it rings and talks with, and do not disturb.
import * as kept from "./kept.ts"
import type { Parts } from "./parts.ts"
import type { Device, Server } from "./server.ts"
import * as sounds from "./sounds.ts"

export class Settings {
    readonly #parts: Parts
    readonly #server: Server
    readonly #useDevices: () => void
    #mic: MediaStream | undefined
    #meter = 0

    /** `useDevices` is called when others were chosen. */
    constructor(parts: Parts, server: Server, useDevices: () => void) {
        this.#parts = parts
        this.#server = server
        this.#useDevices = useDevices
    }

    async open(): Promise<void> {
        this.#parts.part<HTMLDialogElement>("settings").showModal()
        await Promise.all([this.listDevices(), this.#listDnd(), this.#startMeter()])
    }

    async listDevices(): Promise<void> {
        const found = await navigator.mediaDevices.enumerateDevices()
        for (const use of ["ring", "talk", "mic"] as const) {
            const select = this.#parts.part<HTMLSelectElement>(use)
            const kind = use === "mic" ? "audioinput" : "audiooutput"
            const options = found.filter((one) => one.kind === kind && one.deviceId !== "default" && one.deviceId !== "")
            const known = options.some((one) => one.deviceId === sounds.chosen(use))
            select.replaceChildren(
                new Option(this.#parts.say("system_device"), "", false, !known),
                ...options.map((one, i) => new Option(one.label || `${i + 1}`, one.deviceId, false, one.deviceId === sounds.chosen(use))),
            )
        }
    }

    async changed(field: HTMLSelectElement): Promise<void> {
        const use = field.dataset["part"]
        if (use === "ring" || use === "talk" || use === "mic") {
            sounds.choose(use, field.value)
            this.#useDevices()
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
        const meter = this.#parts.part<HTMLMeterElement>("level")
        const dialog = this.#parts.part<HTMLDialogElement>("settings")
        dialog.addEventListener("close", () => this.#stopMeter(), { once: true })
        try {
            this.#mic = await sounds.microphone()
        } catch (error) {
            this.#parts.part("mic_told").textContent = this.#parts.say(error instanceof sounds.NoMicrophone ? error.trouble : "mic_missing")
            return
        }
        this.#parts.part("mic_told").textContent = ""
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
        const list = this.#parts.part("dnd")
        const rows = [{ device: "", kind: "all", dnd: found.length > 0 && found.every((one) => one.dnd), until: "" }, ...found]
        list.replaceChildren(
            ...rows.map((one) => {
                const item = this.#parts.row("dnd_row")
                const mine = one.device !== "" && one.device === kept.device()
                const name = item.querySelector("[data-part=name]")
                if (name) name.textContent = one.device ? `${this.#parts.say(mine ? "this_browser" : `kind_${one.kind}`)} (${one.device})` : this.#parts.say("kind_all")
                const state = item.querySelector("[data-part=state]")
                if (state) state.textContent = one.dnd ? (one.until ? this.#parts.say("dnd_until", { until: one.until }) : this.#parts.say("dnd_on")) : ""
                const select = item.querySelector("select")
                if (select) {
                    select.dataset["device"] = one.device
                    select.value = ""
                }
                return item
            }),
        )
    }
}
