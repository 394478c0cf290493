// What has come in, in a corner of every page: what is mine, and what is nobody's yet.

import { listen } from "../shared/events"
import { toast } from "../shared/say"

const mine = document.documentElement.dataset.agent ?? ""

listen(({ kind, said }) => {
    if (kind !== "news" || typeof said.said !== "string") return
    if (said.owner && said.owner !== mine) return
    toast(said.said, said.kind === "missed" ? "warn" : "info")
})
