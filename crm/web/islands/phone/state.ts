// What the tab that is the phone tells the others, and what they ask of it.
import type { Call, LineState } from "./line.ts"
import type { Card } from "./server.ts"

export interface Shown extends Call {
    card: Card | null
    /** A key of the page's words: what became of the last thing asked of the call. */
    told: string
    isRecording: boolean
}

/** What all tabs show. */
export interface State {
    line: LineState
    calls: Shown[]
    /** Ringing would be heard by nobody yet. */
    isSilent: boolean
    /** Nobody has said where the person is, in this network. */
    isLost: boolean
    place: string
    /** What went wrong last, in words. */
    trouble: string
}

export type Command =
    | { do: "answer" | "hang_up" | "park" | "record"; id: string; tab: string }
    | { do: "hold" | "mute"; id: string; on: boolean }
    | { do: "keys"; id: string; keys: string }
    | { do: "transfer"; id: string; to: string; consult?: string }
    | { do: "consult"; id: string; to: string }
    | { do: "dial"; to: string }
    | { do: "off" | "take" | "devices" | "located" }

export const NOTHING: State = { line: "off", calls: [], isSilent: false, isLost: false, place: "", trouble: "" }
