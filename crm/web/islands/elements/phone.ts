// <lease-phone>: the phone in the page, around what the server has written into it (templates/console/phone.html.j2). It stands
// outside <main>, so that a call goes on while pages come and go.
import { Leader } from "../phone/leader.ts"
import { Places } from "../phone/places.ts"
import { Presses } from "../phone/presses.ts"
import { Settings } from "../phone/settings.ts"
import { NOTHING } from "../phone/state.ts"
import { Tab } from "../phone/tab.ts"
import { listen } from "../shared/events"

class Phone extends HTMLElement {
    #tab: Tab | undefined

    connectedCallback(): void {
        if (this.#tab) return
        const tab = (this.#tab = new Tab(this))
        const places = new Places(tab.parts, tab.server)
        const leader = new Leader(tab, places)
        const settings = new Settings(tab.parts, tab.server, () => tab.ask({ do: "devices" }))
        new Presses(tab, leader, settings, places).listen()
        if (!("locks" in navigator) || !navigator.mediaDevices) {
            tab.parts.part("bell").toggleAttribute("disabled", true)
            tab.show({ ...NOTHING, trouble: tab.parts.say("insecure") })
            return
        }
        listen(({ kind, said }) => kind === "call" && leader.heardOf(String(said["id"]), said["html"] ? said["recorded"] === true : undefined))
        document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && leader.wake())
        // A tab that was frozen goes on, perhaps without being seen.
        document.addEventListener("resume", () => leader.wake())
        addEventListener("online", () => leader.wake())
        addEventListener("pageshow", (event) => event.persisted && leader.wake())
        navigator.mediaDevices.addEventListener("devicechange", () => void settings.listDevices().then(() => leader.devicesChanged()))
        tab.join(leader)
    }
}

customElements.define("lease-phone", Phone)
