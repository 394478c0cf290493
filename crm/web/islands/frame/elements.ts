// A custom element <lease-NAME> anywhere in the page, also in what htmx puts there later, is loaded from elements/NAME.ts when
// it first appears.

const PREFIX = "LEASE-"
const asked = new Set<string>()

export function load(root: Element): void {
    one(root)
    for (const element of root.querySelectorAll(":not(:defined)")) one(element)
}

function one(element: Element): void {
    const name = element.tagName
    if (!name.startsWith(PREFIX) || asked.has(name)) return
    asked.add(name)
    void import(`../elements/${name.slice(PREFIX.length).toLowerCase()}.ts`).catch((error: unknown) => {
        // Away from the network now, it may be there the next time.
        asked.delete(name)
        console.warn(error)
    })
}
