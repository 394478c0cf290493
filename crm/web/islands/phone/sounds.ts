// What is heard, and where: the ringing, the talk, and which microphone speaks. Each has a device that the person chose, as long as
// it is there.

export type Use = "ring" | "talk" | "mic"

/** Why there is no microphone; keys of the page's words. */
export type MicTrouble = "mic_blocked" | "mic_missing" | "mic_busy"

export class NoMicrophone extends Error {
    readonly trouble: MicTrouble

    constructor(error: unknown) {
        super(String(error))
        const name = error instanceof DOMException ? error.name : ""
        this.trouble =
            name === "NotAllowedError" || name === "SecurityError"
                ? "mic_blocked"
                : name === "NotReadableError" || name === "AbortError"
                  ? "mic_busy"
                  : "mic_missing"
    }
}

const KEPT = "leaseline-phone-"
const RATE = 8000

/** The device that was chosen; empty: the system's own. */
export function chosen(use: Use): string {
    return localStorage.getItem(KEPT + use) ?? ""
}

export function choose(use: Use, id: string): void {
    localStorage.setItem(KEPT + use, id)
}

/** Opens the microphone that was chosen, or another one if that is gone. */
export async function microphone(): Promise<MediaStream> {
    const clean = { echoCancellation: true, noiseSuppression: true, autoGainControl: true }
    const id = chosen("mic")
    try {
        const audio = id ? { ...clean, deviceId: { ideal: id } } : clean
        return await navigator.mediaDevices.getUserMedia({ audio })
    } catch (error) {
        throw new NoMicrophone(error)
    }
}

export function close(stream: MediaStream | undefined): void {
    for (const track of stream?.getTracks() ?? []) track.stop()
}

/** Sends an element's sound where it was chosen to go. False: that device is gone, and the system's own plays. */
export async function send(element: HTMLAudioElement, use: Use): Promise<boolean> {
    const id = chosen(use)
    if (!("setSinkId" in element) || element.sinkId === id) return true
    try {
        await element.setSinkId(id)
        return true
    } catch {
        await element.setSinkId("").catch(() => undefined)
        return false
    }
}

/** The ringing, over and over. */
export class Ringing {
    readonly #element = new Audio()

    constructor() {
        this.#element.loop = true
        this.#element.src = URL.createObjectURL(new Blob([ring()], { type: "audio/wav" }))
    }

    /** False: the browser plays nothing before somebody has clicked into the page. */
    async start(): Promise<boolean> {
        await send(this.#element, "ring")
        try {
            await this.#element.play()
            return true
        } catch {
            return false
        }
    }

    stop(): void {
        this.#element.pause()
        this.#element.currentTime = 0
    }

    get plays(): boolean {
        return !this.#element.paused
    }

    /** Where it plays now; empty: the system's own device. */
    get sink(): string {
        return "sinkId" in this.#element ? this.#element.sinkId : ""
    }
}

/** Whether a page may play sounds before somebody clicks into it. */
export async function isAudible(): Promise<boolean> {
    if (navigator.userActivation?.hasBeenActive) return true
    // An AudioContext would say so as well, and complain in the browser's console.
    const element = new Audio(URL.createObjectURL(new Blob([wav(0.1)], { type: "audio/wav" })))
    try {
        await element.play()
        return true
    } catch {
        return false
    }
}

/** Two seconds of the North American ringing tone and four of silence, as a WAV file. */
function ring(): ArrayBuffer {
    const bytes = wav(6)
    const view = new DataView(bytes)
    for (let i = 0; i < 2 * RATE; i += 1) {
        const at = (2 * Math.PI * i) / RATE
        view.setInt16(44 + 2 * i, 7000 * (Math.sin(440 * at) + Math.sin(480 * at)), true)
    }
    return bytes
}

/** Silence as a WAV file. */
function wav(seconds: number): ArrayBuffer {
    const bytes = new ArrayBuffer(44 + 2 * Math.round(RATE * seconds))
    const view = new DataView(bytes)
    const text = (at: number, value: string): void => [...value].forEach((one, i) => view.setUint8(at + i, one.charCodeAt(0)))
    text(0, "RIFF")
    view.setUint32(4, bytes.byteLength - 8, true)
    text(8, "WAVEfmt ")
    view.setUint32(16, 16, true)
    view.setUint16(20, 1, true)
    view.setUint16(22, 1, true)
    view.setUint32(24, RATE, true)
    view.setUint32(28, 2 * RATE, true)
    view.setUint16(32, 2, true)
    view.setUint16(34, 16, true)
    text(36, "data")
    view.setUint32(40, bytes.byteLength - 44, true)
    return bytes
}
