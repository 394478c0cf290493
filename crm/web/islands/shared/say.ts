// What a page says by itself: to screen readers, and in a corner of the screen.

export type Kind = "info" | "good" | "warn" | "bad"
const SECONDS = 8

/** Reads something out after what a screen reader is saying; `at once` interrupts it, for what can't wait, such as a call. */
export function announce(text: string, when: "politely" | "at once" = "politely"): void {
    const region = document.getElementById("announcer")
    if (!region || !text) return
    const line = document.createElement("p")
    if (when === "at once") line.setAttribute("role", "alert")
    line.textContent = text
    region.append(line)
    // Long enough to be read; what stays would be found by whoever reads the page to its end.
    setTimeout(() => line.remove(), 10_000)
}

/** Shows a few words in the corner, and reads them out. What went wrong stays until it is closed. */
export function toast(text: string, kind: Kind = "info"): void {
    const corner = document.getElementById("toasts")
    if (!corner) return
    announce(text, kind === "bad" ? "at once" : "politely")
    const box = document.createElement("div")
    box.className = `toast ${kind}`
    const words = document.createElement("span")
    words.textContent = text
    const close = document.createElement("button")
    close.type = "button"
    close.className = "quiet small"
    close.textContent = corner.dataset.close ?? "×"
    close.addEventListener("click", () => box.remove())
    box.append(words, close)
    corner.append(box)
    if (kind === "bad") return
    const leave = (): void => {
        // Whoever is at it reads on.
        if (box.matches(":hover, :focus-within")) setTimeout(leave, 1000)
        else box.remove()
    }
    setTimeout(leave, SECONDS * 1000)
}
