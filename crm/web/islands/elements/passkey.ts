// <lease-passkey begin="/sign-in/passkey/begin" failed="…" hidden><form>…</form></lease-passkey>: before its form is sent, the
// browser asks for a passkey. It stays hidden in browsers that have none to ask for.

interface Begun {
    /** The challenge, signed by the server. */
    sealed: string
    asked: PublicKeyCredentialCreationOptionsJSON & PublicKeyCredentialRequestOptionsJSON
    is_new?: boolean
}

class Passkey extends HTMLElement {
    private isAsking = false

    connectedCallback(): void {
        const form = this.querySelector("form")
        if (!form || typeof PublicKeyCredential === "undefined") return
        if (!("parseRequestOptionsFromJSON" in PublicKeyCredential)) return
        this.hidden = false
        form.addEventListener("submit", (event) => {
            event.preventDefault()
            void this.ask(form)
        })
    }

    private async ask(form: HTMLFormElement): Promise<void> {
        if (this.isAsking) return
        this.isAsking = true
        this.say("")
        try {
            const begun = await this.begin(form)
            if (!begun) return
            const credential = await credentialFor(begun)
            fill(form, "sealed", begun.sealed)
            fill(form, "credential", JSON.stringify(credential))
            fill(form, "old", "")
            form.submit()
        } catch (error) {
            // Cancelled, too late, or there is none for this office: browsers do not say which.
            console.info(error)
            this.say(this.getAttribute("failed") ?? "")
        } finally {
            this.isAsking = false
        }
    }

    private async begin(form: HTMLFormElement): Promise<Begun | undefined> {
        const fields = new URLSearchParams()
        for (const [name, value] of new FormData(form)) if (typeof value === "string") fields.append(name, value)
        const answer = await fetch(this.getAttribute("begin") ?? "", { method: "POST", body: fields })
        const told = (await answer.json()) as Begun & { wrong?: string }
        if (answer.ok) return told
        this.say(told.wrong ?? this.getAttribute("failed") ?? "")
        return undefined
    }

    private say(text: string): void {
        const place = this.querySelector("[role=alert]")
        if (place) place.textContent = text
    }
}

async function credentialFor(begun: Begun): Promise<unknown> {
    const found = begun.is_new
        ? await navigator.credentials.create({
              publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(begun.asked),
          })
        : await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(begun.asked) })
    if (!(found instanceof PublicKeyCredential)) throw new Error("no passkey")
    return found.toJSON()
}

function fill(form: HTMLFormElement, name: string, value: string): void {
    const field = form.elements.namedItem(name)
    if (field instanceof HTMLInputElement) field.value = value
}

customElements.define("lease-passkey", Passkey)
