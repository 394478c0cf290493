// The server's time. Pages count from it, because an office's computers do not all know what time it is.

const told = Date.parse(document.documentElement.dataset.now ?? "")
const skew = Number.isNaN(told) ? 0 : told - Date.now()

export function now(): number {
    return Date.now() + skew
}
