// How the console looks in this browser, and whether it has shortcuts: in the dialog that `?` opens.

const YEAR_SECONDS = 365 * 24 * 60 * 60
const OFF = "leaseline.shortcuts"

export function hasShortcuts(): boolean {
    return localStorage.getItem(OFF) !== "off"
}

export function open(): void {
    const dialog = document.getElementById("display")
    if (dialog instanceof HTMLDialogElement && !dialog.open) dialog.showModal()
}

for (const button of document.querySelectorAll<HTMLButtonElement>("[data-opens=display]")) {
    button.hidden = false
    button.addEventListener("click", open)
}

const form = document.querySelector<HTMLFormElement>("#display form")
if (form) {
    const keys = form.querySelector<HTMLInputElement>("[name=shortcuts]")
    if (keys) keys.checked = hasShortcuts()
    form.addEventListener("change", (event) => {
        const changed = event.target
        if (!(changed instanceof HTMLInputElement)) return
        if (changed.name === "shortcuts") {
            if (changed.checked) localStorage.removeItem(OFF)
            else localStorage.setItem(OFF, "off")
        } else if (changed.name === "theme") {
            const theme = changed.value
            if (theme) document.documentElement.dataset.theme = theme
            else delete document.documentElement.dataset.theme
            // A cookie, so that the next page comes in these colors at once.
            document.cookie = `theme=${theme}; path=/; max-age=${theme ? YEAR_SECONDS : 0}; samesite=lax`
        }
    })
}
