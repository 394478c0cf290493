// <lease-bell key="…" data-on="…" data-off="…" data-denied="…">: whether this browser rings and shows notices while the console is
// closed. Without JavaScript, or where browsers can't, there is nothing of it.

const WANTED = "leaseline.push"
const DAY_MILLISECONDS = 24 * 60 * 60 * 1000

function bytes(text: string): Uint8Array<ArrayBuffer> {
    const raw = atob(text.replace(/-/g, "+").replace(/_/g, "/"))
    return Uint8Array.from(raw, (character) => character.charCodeAt(0))
}

async function tell(path: string, subscription: PushSubscription, insteadOf = ""): Promise<void> {
    const { endpoint, keys } = subscription.toJSON()
    const answer = await fetch(path, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ endpoint, public_key: keys?.p256dh ?? "", auth: keys?.auth ?? "", instead_of: insteadOf }),
    })
    if (!answer.ok) throw new Error(`${path}: ${answer.status}`)
}

class Bell extends HTMLElement {
    #button = document.createElement("button")
    #failed = document.createElement("small")

    connectedCallback(): void {
        if (!("PushManager" in window) || !("serviceWorker" in navigator)) return
        this.#button.type = "button"
        this.#button.className = "link"
        this.#button.addEventListener("click", () => void this.#toggle())
        this.#failed.setAttribute("role", "status")
        this.replaceChildren(this.#button, this.#failed)
        void this.#keep().then(() => this.#show())
    }

    get #options(): PushSubscriptionOptionsInit {
        return { userVisibleOnly: true, applicationServerKey: bytes(this.getAttribute("key") ?? "") }
    }

    async #manager(): Promise<PushManager> {
        return (await navigator.serviceWorker.ready).pushManager
    }

    /** Browsers give a subscription up by themselves, and its session may have ended: once a day, and after signing in, what was
     *  asked for here is asked for again. */
    async #keep(): Promise<void> {
        const known = JSON.parse(localStorage.getItem(WANTED) ?? "null") as { session: string; at: number } | null
        if (!known || Notification.permission !== "granted") return
        const session = this.getAttribute("session") ?? ""
        const manager = await this.#manager()
        const there = await manager.getSubscription()
        if (there && known.session === session && Date.now() - known.at < DAY_MILLISECONDS) return
        await this.#subscribe().catch((error: unknown) => console.info(error))
    }

    async #subscribe(): Promise<void> {
        const manager = await this.#manager()
        const former = await manager.getSubscription()
        const own = new Uint8Array(former?.options.applicationServerKey ?? new ArrayBuffer(0))
        const wanted = bytes(this.getAttribute("key") ?? "")
        // One that was made for another office's key, such as before a home was made anew, can't be sent to.
        if (former && own.join() !== wanted.join()) await former.unsubscribe()
        await tell("/push", await manager.subscribe(this.#options), former?.endpoint ?? "")
        const session = this.getAttribute("session") ?? ""
        localStorage.setItem(WANTED, JSON.stringify({ session, at: Date.now() }))
    }

    async #toggle(): Promise<void> {
        this.#button.disabled = true
        this.#failed.textContent = ""
        try {
            const there = await (await this.#manager()).getSubscription()
            if (there && localStorage.getItem(WANTED)) {
                localStorage.removeItem(WANTED)
                await tell("/push/end", there)
                await there.unsubscribe()
            } else if ((await Notification.requestPermission()) === "granted") await this.#subscribe()
        } catch (error) {
            console.info(error)
            this.#failed.textContent = this.dataset.failed ?? ""
        }
        this.#button.disabled = false
        await this.#show()
    }

    async #show(): Promise<void> {
        const there = await (await this.#manager()).getSubscription()
        const isOn = there !== null && localStorage.getItem(WANTED) !== null
        const isDenied = Notification.permission === "denied"
        this.#button.setAttribute("aria-pressed", String(isOn))
        this.#button.disabled = isDenied
        this.#button.textContent = (isDenied ? this.dataset.denied : isOn ? this.dataset.on : this.dataset.off) ?? ""
        this.dataset.is = isDenied ? "denied" : isOn ? "on" : "off"
    }
}

customElements.define("lease-bell", Bell)
