// <lease-calendar data-first="2026-03-02" data-days="7" data-form="move">: tours in it can be dragged to another time, or moved by
// keyboard. Which times are free the server says when a tour is picked up, and decides again when it is put down.

import { announce, toast } from "../shared/say"

interface FreeTime {
    at: string
    day: string
    hour: number
    label: string
    ask: string
}

interface FreeTimes {
    version: number
    times: FreeTime[]
}

interface PickedUp {
    event: HTMLElement
    free: FreeTimes
    /** Which of the free times is chosen by keyboard; -1: none yet. */
    chosen: number
}

class Calendar extends HTMLElement {
    private picked: PickedUp | null = null

    connectedCallback(): void {
        if (!this.dataset.form) return
        this.addEventListener("dragstart", this.onDragStart)
        this.addEventListener("dragover", this.onDragOver)
        this.addEventListener("dragleave", this.onDragLeave)
        this.addEventListener("drop", this.onDrop)
        this.addEventListener("dragend", this.onDragEnd)
        this.addEventListener("keydown", this.onKey)
    }

    private readonly onDragStart = (event: DragEvent): void => {
        const tour = this.tourOf(event.target)
        if (!tour || !event.dataTransfer) return
        event.dataTransfer.effectAllowed = "move"
        event.dataTransfer.setData("text/plain", tour.dataset.tour ?? "")
        void this.pickUp(tour)
    }

    private readonly onDragOver = (event: DragEvent): void => {
        const cell = this.cellOf(event.target)
        if (!cell || !this.freeIn(cell)) return
        event.preventDefault()
        cell.classList.add("over")
    }

    private readonly onDragLeave = (event: DragEvent): void => {
        this.cellOf(event.target)?.classList.remove("over")
    }

    private readonly onDrop = (event: DragEvent): void => {
        const cell = this.cellOf(event.target)
        const time = cell && this.freeIn(cell)
        if (!time) return
        event.preventDefault()
        this.putDown(time)
    }

    private readonly onDragEnd = (): void => {
        this.letGo()
    }

    private readonly onKey = (event: KeyboardEvent): void => {
        const tour = this.tourOf(event.target)
        if (!tour || event.ctrlKey || event.metaKey || event.altKey) return
        const picked = this.picked?.event === tour ? this.picked : null
        if (!picked) {
            if (event.key.toLowerCase() !== "m") return
            event.preventDefault()
            void this.pickUp(tour).then(() => {
                const count = this.picked?.free.times.length ?? 0
                if (count) announce((this.dataset.picked ?? "").replace("{n}", String(count)))
            })
            return
        }
        if (event.key === "Escape") {
            event.preventDefault()
            this.letGo()
            announce(this.dataset.kept ?? "")
        } else if (event.key === "Enter") {
            const time = picked.free.times[picked.chosen]
            event.preventDefault()
            if (time) this.putDown(time)
        } else if (event.key.startsWith("Arrow")) {
            event.preventDefault()
            const forward = event.key === "ArrowRight" || event.key === "ArrowDown"
            const last = picked.free.times.length - 1
            picked.chosen = Math.min(Math.max(picked.chosen + (forward ? 1 : -1), 0), last)
            const time = picked.free.times[picked.chosen]
            for (const cell of this.cells()) cell.classList.toggle("over", !!time && isIn(time, cell))
            this.querySelector(".slot.over")?.scrollIntoView({ block: "nearest", inline: "nearest" })
            if (time) announce(time.label)
        }
    }

    private async pickUp(tour: HTMLElement): Promise<void> {
        this.letGo()
        const { first = "", days = "" } = this.dataset
        try {
            const answer = await fetch(`/tours/${tour.dataset.tour ?? ""}/times?first=${first}&days=${days}`)
            if (!answer.ok) throw new Error(String(answer.status))
            const free = (await answer.json()) as FreeTimes
            if (!this.isConnected) return
            this.picked = { event: tour, free, chosen: -1 }
            for (const cell of this.cells()) cell.classList.toggle("free", free.times.some((time) => isIn(time, cell)))
            if (!free.times.length) toast(this.dataset.none ?? "", "warn")
        } catch {
            toast(this.dataset.failed ?? "", "bad")
        }
    }

    private putDown(time: FreeTime): void {
        const form = document.getElementById(this.dataset.form ?? "")
        const picked = this.picked
        if (!(form instanceof HTMLFormElement) || !picked) return
        form.setAttribute("action", `/tours/${picked.event.dataset.tour ?? ""}/move`)
        form.dataset.confirm = time.ask
        for (const [name, value] of [["at", time.at], ["version", String(picked.free.version)]] as const) {
            const field = form.elements.namedItem(name)
            if (field instanceof HTMLInputElement) field.value = value
        }
        this.letGo()
        form.requestSubmit()
    }

    private letGo(): void {
        this.picked = null
        for (const cell of this.cells()) cell.classList.remove("free", "over")
    }

    private freeIn(cell: HTMLElement): FreeTime | undefined {
        return this.picked?.free.times.find((time) => isIn(time, cell))
    }

    private cells(): NodeListOf<HTMLElement> {
        return this.querySelectorAll<HTMLElement>(".slot")
    }

    private cellOf(target: EventTarget | null): HTMLElement | null {
        return target instanceof Element ? target.closest<HTMLElement>(".slot") : null
    }

    private tourOf(target: EventTarget | null): HTMLElement | null {
        return target instanceof Element ? target.closest<HTMLElement>("[data-tour]") : null
    }
}

function isIn(time: FreeTime, cell: HTMLElement): boolean {
    return cell.dataset.day === time.day && cell.dataset.hour === String(time.hour)
}

customElements.define("lease-calendar", Calendar)
