// What every page of the console needs beside htmx.

import "./frame/app"
import "./frame/confirming"
import "./frame/counts"
import "./frame/events"
import "./frame/keys"
import "./frame/navigation"
import "./frame/news"
import { load } from "./frame/elements"
import { label } from "./frame/tables"
import { tell } from "./frame/times"

function look(root: Element): void {
    load(root)
    label(root)
    tell(root)
}

new MutationObserver((changes) => {
    for (const { addedNodes } of changes) for (const node of addedNodes) if (node instanceof Element) look(node)
}).observe(document.documentElement, { childList: true, subtree: true })
look(document.documentElement)
// Tests, and whoever looks for the reason why a page does nothing, see by it that this ran.
document.documentElement.dataset.hasScripts = ""
