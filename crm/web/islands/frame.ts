// What every page of the console needs beside htmx. A custom element <lease-NAME> anywhere in the page, also in what htmx puts
// there later, is loaded from elements/NAME.ts when it first appears.

const PREFIX = "LEASE-"
const asked = new Set<string>()

function load(element: Element): void {
    const name = element.tagName
    if (!name.startsWith(PREFIX) || asked.has(name)) return
    asked.add(name)
    void import(`./elements/${name.slice(PREFIX.length).toLowerCase()}.ts`).catch((error: unknown) => {
        // Away from the network, it may be there the next time.
        asked.delete(name)
        console.warn(error)
    })
}

function look(root: Element): void {
    load(root)
    for (const element of root.querySelectorAll(":not(:defined)")) load(element)
}

new MutationObserver((changes) => {
    for (const { addedNodes } of changes) for (const node of addedNodes) if (node instanceof Element) look(node)
}).observe(document.documentElement, { childList: true, subtree: true })
look(document.documentElement)
