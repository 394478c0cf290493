// What every tab has of the phone, whether it is the one that is the phone or one of the others: what it shows, and its
// way to the other tabs.
import * as kept from "./kept.ts"
import { Parts } from "./parts.ts"
import { Screen } from "./screen.ts"
import { Server } from "./server.ts"
import { type Command, NOTHING, type State } from "./state.ts"
import { Tabs, type Told } from "./tabs.ts"

/** What the tab does that is the phone. */
export interface Leading {
    lead(): Promise<void>
    obey(command: Command): void
}

export class Tab {
    readonly id = crypto.randomUUID()
    readonly parts: Parts
    readonly server: Server
    readonly #screen: Screen
    readonly #tabs: Tabs<State, Command>
    readonly #opening = new BroadcastChannel("leaseline-phone-open")
    #state: State = NOTHING
    #leading: Leading | undefined

    constructor(root: HTMLElement) {
        this.parts = new Parts(root)
        this.server = new Server(() => root.dataset["csrf"] ?? "")
        this.#screen = new Screen(this.parts)
        this.#tabs = new Tabs((told) => this.#hear(told))
        this.#opening.onmessage = ({ data }: MessageEvent<{ tab: string; path: string }>) => {
            if (data.tab === this.id) this.#go(data.path)
        }
    }

    get state(): State {
        return this.#state
    }

    get leads(): boolean {
        return this.#tabs.leads
    }

    /** Learns what the phone is doing, in whichever tab it is, and becomes the phone if none is and it is switched on. */
    join(leading: Leading): void {
        this.#leading = leading
        this.#tabs.tell({ hello: true })
        if (kept.isOn()) this.stand()
        this.show(this.#state)
    }

    /** Becomes the phone as soon as no other tab is. */
    stand(): void {
        this.#tabs.stand(() => void this.#leading?.lead())
    }

    stepDown(): void {
        this.#tabs.stepDown()
    }

    show(state: State = this.#state): void {
        this.#state = state
        this.#screen.show(state, kept.isOn())
    }

    /** Shows it in all tabs; of the tab that is the phone alone. */
    tell(state: State): void {
        this.#tabs.tell({ state })
        this.show(state)
    }

    /** Has the tab do it that is the phone. */
    ask(command: Command): void {
        if (this.leads) this.#leading?.obey(command)
        else this.#tabs.tell({ command })
    }

    /** Shows a page in one of the tabs. */
    open(path: string, tab: string): void {
        if (tab === this.id) this.#go(path)
        else this.#opening.postMessage({ tab, path })
    }

    #hear(told: Told<State, Command>): void {
        if ("hello" in told) {
            if (this.leads) this.#tabs.tell({ state: this.#state })
        } else if ("state" in told) {
            if (!this.leads) this.show(told.state)
        } else if (this.leads) {
            this.#leading?.obey(told.command)
        } else if (told.command.do === "off") {
            this.stepDown()
        }
    }

    #go(path: string): void {
        const link = this.parts.part<HTMLAnchorElement>("go")
        link.href = path
        link.click()
    }
}
