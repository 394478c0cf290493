// <lease-wave peaks="/path" position="Position"><audio …></lease-wave>: the sound as a picture in which one can jump, with
// the turns of a transcript beside it.
//
// It is a slider: arrows move by 5 seconds, Page Up and Page Down by 30, Home and End to the ends, space plays and pauses.
// Turns are <p data-at="seconds" data-of="recording"> in the element whose id `transcript` names; a click or Enter on one
// plays from there. Without this script, or without peaks, the browser's own player is all there is.

const NS = "http://www.w3.org/2000/svg"
const HEIGHT = 56
const STEP = 5
const FAR = 30
let made = 0

class Wave extends HTMLElement {
    private audio: HTMLAudioElement | null = null
    private slider: SVGSVGElement | null = null
    private seen: SVGRectElement | null = null
    private turns: HTMLElement[] = []
    private width = 0
    private leave = new AbortController()

    connectedCallback(): void {
        this.audio = this.querySelector("audio")
        if (!this.audio) return
        this.leave = new AbortController()
        const { signal } = this.leave
        for (const event of ["timeupdate", "seeked", "loadedmetadata", "ended"]) {
            this.audio.addEventListener(event, () => this.show(), { signal })
        }
        this.find(signal)
        void this.draw(signal)
    }

    disconnectedCallback(): void {
        this.leave.abort()
        this.audio?.pause()
    }

    private find(signal: AbortSignal): void {
        const transcript = document.getElementById(this.getAttribute("transcript") ?? "-")
        if (!transcript) return
        // Which of several recordings a turn is of is in the address of the recording.
        const here = (this.getAttribute("peaks") ?? "").split("/").map(decodeURIComponent)
        this.turns = [...transcript.querySelectorAll<HTMLElement>("[data-at]")].filter((turn) =>
            here.includes(turn.dataset.of ?? ""),
        )
        for (const turn of this.turns) {
            turn.tabIndex = 0
            const play = (): void => {
                this.seek(Number(turn.dataset.at))
                this.play()
            }
            turn.addEventListener("click", play, { signal })
            turn.addEventListener(
                "keydown",
                (event) => {
                    if (event.key !== "Enter") return
                    event.preventDefault()
                    play()
                },
                { signal },
            )
        }
    }

    private async draw(signal: AbortSignal): Promise<void> {
        let peaks: number[]
        try {
            const answer = await fetch(this.getAttribute("peaks") ?? "", { signal })
            if (!answer.ok) return
            peaks = (await answer.json()) as number[]
        } catch {
            return
        }
        if (!peaks.length || this.slider || signal.aborted) return
        this.width = peaks.length * 3
        const id = `wave-${++made}`
        const svg = document.createElementNS(NS, "svg")
        svg.classList.add("wave")
        svg.setAttribute("viewBox", `0 0 ${this.width} ${HEIGHT}`)
        svg.setAttribute("preserveAspectRatio", "none")
        const clip = document.createElementNS(NS, "clipPath")
        clip.id = id
        this.seen = document.createElementNS(NS, "rect")
        this.seen.setAttribute("height", String(HEIGHT))
        this.seen.setAttribute("width", "0")
        clip.append(this.seen)
        svg.append(clip, this.bars(peaks, "unplayed"), this.bars(peaks, "played", id))
        for (const [name, value] of Object.entries({
            role: "slider",
            tabindex: "0",
            "aria-label": this.getAttribute("position") ?? "",
            "aria-valuemin": "0",
        })) {
            svg.setAttribute(name, value)
        }
        svg.addEventListener("pointerdown", (event) => this.point(event), { signal })
        svg.addEventListener("keydown", (event) => this.press(event), { signal })
        this.slider = svg
        this.prepend(svg)
        this.show()
    }

    private bars(peaks: number[], kind: string, clip = ""): SVGPathElement {
        const path = document.createElementNS(NS, "path")
        path.classList.add(kind)
        path.setAttribute(
            "d",
            peaks
                .map((peak, place) => {
                    const height = Math.max(1, (peak / 100) * HEIGHT)
                    return `M${place * 3} ${(HEIGHT - height) / 2}h2v${height}h-2z`
                })
                .join(""),
        )
        if (clip) path.setAttribute("clip-path", `url(#${clip})`)
        return path
    }

    private get length(): number {
        const known = this.audio?.duration ?? 0
        return Number.isFinite(known) ? known : 0
    }

    private point(event: PointerEvent): void {
        const box = this.slider?.getBoundingClientRect()
        if (!box || !this.audio) return
        const share = Math.min(1, Math.max(0, (event.clientX - box.left) / box.width))
        if (this.length) {
            this.seek(share * this.length)
            return
        }
        // Nothing is loaded before somebody wants to hear it.
        const { audio } = this
        audio.addEventListener("loadedmetadata", () => this.seek(share * this.length), { once: true })
        this.play()
    }

    private press(event: KeyboardEvent): void {
        const { audio } = this
        if (!audio || event.ctrlKey || event.metaKey || event.altKey) return
        const now = audio.currentTime
        const places: Record<string, number> = {
            ArrowRight: now + STEP,
            ArrowUp: now + STEP,
            ArrowLeft: now - STEP,
            ArrowDown: now - STEP,
            PageUp: now + FAR,
            PageDown: now - FAR,
            Home: 0,
            End: this.length,
        }
        if (event.key === " ") {
            if (audio.paused) this.play()
            else audio.pause()
        } else if (event.key in places) {
            this.seek(places[event.key] ?? 0)
        } else return
        event.preventDefault()
        event.stopPropagation()
    }

    private play(): void {
        // Whoever stops it before it has begun knows that it did not play.
        this.audio?.play().catch(() => undefined)
    }

    private seek(second: number): void {
        if (!this.audio) return
        const wanted = Math.max(0, this.length ? Math.min(second, this.length) : second)
        this.audio.currentTime = wanted
        this.show()
    }

    private show(): void {
        const { audio } = this
        if (!audio) return
        const now = audio.currentTime
        if (this.slider && this.seen) {
            this.seen.setAttribute("width", String(this.length ? (now / this.length) * this.width : 0))
            this.slider.setAttribute("aria-valuemax", String(Math.round(this.length)))
            this.slider.setAttribute("aria-valuenow", String(Math.round(now)))
            this.slider.setAttribute("aria-valuetext", `${clock(now)} / ${clock(this.length)}`)
        }
        let current: HTMLElement | null = null
        for (const turn of this.turns) if (now > 0 && Number(turn.dataset.at) <= now + 0.05) current = turn
        for (const turn of this.turns) {
            if (turn === current) turn.setAttribute("aria-current", "true")
            else turn.removeAttribute("aria-current")
        }
    }
}

function clock(seconds: number): string {
    const whole = Math.floor(seconds)
    return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`
}

customElements.define("lease-wave", Wave)
