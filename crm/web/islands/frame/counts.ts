// What waits, as numbers beside the sections. They change in silence: what has come in is announced as such (news.ts).

import { listen } from "../shared/events"

listen(({ kind, said }) => {
    if (kind !== "counts") return
    for (const [section, count] of Object.entries(said)) {
        const place = document.getElementById(`count-${section}`)
        const number = place?.querySelector("b")
        if (!place || !number || typeof count !== "number") continue
        const most = Number(place.dataset.most)
        number.textContent = count < most ? String(count) : `${most - 1}+`
        place.hidden = count === 0
    }
})
