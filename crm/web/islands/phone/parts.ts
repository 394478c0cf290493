// What the server has written into the phone's element, by its data-part, and the words of the page.

export class Parts {
    readonly root: HTMLElement
    #words: Record<string, string> | undefined

    constructor(root: HTMLElement) {
        this.root = root
    }

    /** For screen readers. */
    announce(text: string): void {
        this.part("said").textContent = text
    }

    say(key: string, filled: Record<string, string> = {}): string {
        this.#words ??= JSON.parse(this.root.dataset["words"] ?? "{}") as Record<string, string>
        return (this.#words[key] ?? key).replace(/\{(\w+)\}/g, (_, name: string) => filled[name] ?? "")
    }

    part<Found extends HTMLElement = HTMLElement>(name: string): Found {
        const found = this.root.querySelector<Found>(`[data-part="${name}"]`)
        if (!found) throw new Error(`The phone has no part ${name}.`)
        return found
    }

    get panel(): HTMLElement {
        return this.part("panel")
    }

    /** A template's content, to be filled. */
    row(name: string): DocumentFragment {
        const found = this.root.querySelector<HTMLTemplateElement>(`template[data-part="${name}"]`)
        if (!found) throw new Error(`The phone has no template ${name}.`)
        return found.content.cloneNode(true) as DocumentFragment
    }
}
