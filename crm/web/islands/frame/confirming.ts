// <form data-confirm="Delete this?" data-confirm-yes="Delete">, or the same on one of its buttons: asks before it is sent.

const agreed = new WeakSet<HTMLFormElement>()

/** Asks in the page's dialog; true if they agree. */
export function ask(question: string, yes = ""): Promise<boolean> {
    const dialog = document.getElementById("confirm")
    if (!(dialog instanceof HTMLDialogElement)) return Promise.resolve(window.confirm(question))
    const text = dialog.querySelector("p")
    const button = dialog.querySelector<HTMLButtonElement>("button[value=yes]")
    if (text) text.textContent = question
    if (button) button.textContent = yes || (button.dataset.plain ?? "")
    dialog.returnValue = ""
    dialog.showModal()
    return new Promise((resolve) => {
        dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true })
    })
}

// Before htmx, which listens to the form itself.
document.addEventListener(
    "submit",
    (event) => {
        const form = event.target
        if (!(form instanceof HTMLFormElement) || agreed.delete(form)) return
        const asker = event.submitter?.hasAttribute("data-confirm") ? event.submitter : form
        const question = asker.getAttribute("data-confirm")
        if (!question) return
        event.preventDefault()
        event.stopImmediatePropagation()
        void ask(question, asker.getAttribute("data-confirm-yes") ?? "").then((yes) => {
            if (!yes) return
            agreed.add(form)
            form.requestSubmit(event.submitter)
        })
    },
    { capture: true },
)
