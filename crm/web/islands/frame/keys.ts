// Shortcuts: g and a letter opens a section, / goes to the search, n to the rest of a list, ? shows them all. None of them acts while somebody types.

import { hasShortcuts, open } from "./display"

const WAIT_MILLISECONDS = 1500
let after = -Infinity

function isTyping(target: EventTarget | null): boolean {
    return (
        target instanceof HTMLElement &&
        (target.isContentEditable || target.matches("input:not([type=checkbox], [type=radio], [type=button]), textarea, select"))
    )
}

function search(): boolean {
    const field = document.querySelector<HTMLInputElement>("main input[type=search], main .search input, header.top input[type=search]")
    field?.focus()
    field?.select()
    return field !== null
}

function goOn(): boolean {
    const link = document.querySelector<HTMLAnchorElement>("main a[rel=next]")
    link?.click()
    return link !== null
}

function act(key: string): boolean {
    const isAfterG = performance.now() - after < WAIT_MILLISECONDS
    after = -Infinity
    if (isAfterG) {
        const link = document.querySelector<HTMLAnchorElement>(`#sections a[data-key="${CSS.escape(key)}"]`)
        link?.click()
        return link !== null
    }
    if (key === "g") after = performance.now()
    else if (key === "/") return search()
    else if (key === "n") return goOn()
    else if (key === "?") open()
    else return false
    return true
}

document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return
    if (!hasShortcuts() || isTyping(event.target) || document.querySelector("dialog[open]")) return
    if (act(event.key)) event.preventDefault()
})
