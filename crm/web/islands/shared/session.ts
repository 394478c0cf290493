// Whether the session of this page is still one. Streams and sockets that are refused do not say why.

/** Whether the server says that nobody is signed in here; if it cannot be reached, it does not say so. */
export async function isSignedOut(): Promise<boolean> {
    const answer = await fetch("/signed-in", { redirect: "manual", cache: "no-store" }).catch(() => null)
    return answer !== null && (answer.status === 401 || answer.type === "opaqueredirect")
}

let isLeaving = false

/** Leads to where one signs in, which then leads back here. The stream and the phone may both say that it is time. */
export function leave(): void {
    if (isLeaving) return
    isLeaving = true
    location.reload()
}

export async function leaveIfSignedOut(): Promise<void> {
    if (await isSignedOut()) leave()
}
