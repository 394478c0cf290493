// The phone itself: SIP over the server's WebSocket, and the calls.
import { C, UA, WebSocketInterface } from "jssip"
import type { RTCSession } from "jssip/lib/RTCSession"
import type { IncomingRequest } from "jssip/lib/SIPMessage"
import type { RTCSessionEvent } from "jssip/lib/UA"
import { Elsewhere, type Registration, SignedOut } from "./server.ts"
import * as kept from "./kept.ts"
import * as sounds from "./sounds.ts"

/** Why the server closes the connection for good (crm/web/console/phone.py). */
const SIGNED_OUT = 4401
const ELSEWHERE = 4409

const EXPIRES = 120
/** How long ICE may look for further addresses before an offer or an answer is sent. */
const GATHER_MS = 300
/** After this long without sound both ways, the person is told. */
const NO_SOUND_MS = 4000
const LOOK_MS = 1000
/** A connection that does not answer a registration within this time is closed, and another one opened. */
const DEAD_MS = 1500
/** How soon the way of the sound is asked for again, if it could not be; each time twice as long, up to the latter. */
const AGAIN_MS = 500
const AT_LAST_MS = 8000

/** If new passwords for TURN are not to be had, they are asked for again after this long. */
const RENEW_MS = 60_000

const { causes } = C
/** Why JsSIP would end a talk whose network has a gap. */
const SURVIVED: string[] = [causes.RTP_TIMEOUT, causes.WEBRTC_ERROR, causes.CONNECTION_ERROR, causes.REQUEST_TIMEOUT]

/** Why a call that was dialed came to nothing, as a key of the page's words. */
const FAILED: Record<string, string> = {
    [causes.BUSY]: "failed_busy",
    [causes.NOT_FOUND]: "failed_unknown",
    [causes.ADDRESS_INCOMPLETE]: "failed_unknown",
    [causes.REJECTED]: "failed_refused",
    [causes.UNAVAILABLE]: "failed_away",
    [causes.NO_ANSWER]: "failed_away",
    [causes.CONNECTION_ERROR]: "failed_cut",
    [causes.REQUEST_TIMEOUT]: "failed_cut",
}

export type LineState = "off" | "connecting" | "ready" | "away" | "signed_out" | "elsewhere"

export interface Call {
    id: string
    /** The server's id of the call; empty: not known. */
    call: string
    way: "in" | "out"
    state: "ringing" | "dialing" | "talking"
    /** What was dialed, or who calls as SIP says it. */
    number: string
    since: number
    held: boolean
    muted: boolean
    /** A key of the page's words; empty: all is well. */
    trouble: string
    /** A call that this phone answered by itself, because it was in it before the page was loaded anew. */
    isBack: boolean
    isConsult: boolean
}

interface Live extends Call {
    session: RTCSession
    audio: HTMLAudioElement
    stream?: MediaStream | undefined
    received: number
    quietSince: number
    asking: number
    /** How often in a row a question about the way of the sound has failed. */
    failures: number
    /** Whether this phone has ever asked for another way of the sound, which needs an ACK of its own. */
    hasOffered: boolean
    /** Hung up while there was no connection to say so. */
    isLeft: boolean
    /** Why JsSIP gave it up before anybody had answered, of SURVIVED; empty: it did not. */
    lostBy: string
}

type Event = "changed" | "ringing" | "answered" | "ended" | "mic_changed" | "failed"

export class Line {
    state: LineState = "off"
    readonly #calls = new Map<string, Live>()
    readonly #tell: (event: Event, call?: Call, why?: string) => void
    readonly #renew: () => Promise<Registration>
    #registration: Registration | undefined
    #ua: UA | undefined
    #looking = 0
    #renewing = 0
    #retry = 0
    #tries = 0

    constructor(tell: (event: Event, call?: Call, why?: string) => void, renew: () => Promise<Registration>) {
        this.#tell = tell
        this.#renew = renew
    }

    get calls(): Call[] {
        return [...this.#calls.values()].map(
            ({ id, call, way, state, number, since, held, muted, trouble, isBack, isConsult }) =>
                ({ id, call, way, state, number, since, held, muted, trouble, isBack, isConsult }),
        )
    }

    // --- registering ---

    async start(): Promise<void> {
        this.#set("connecting")
        let registration: Registration
        try {
            registration = await this.#renew()
        } catch (error) {
            if (this.#over(error)) return
            clearTimeout(this.#retry)
            this.#retry = setTimeout(() => void this.start(), this.#pause())
            return
        }
        this.#keep(registration)
        const scheme = location.protocol === "https:" ? "wss" : "ws"
        const ua = new UA({
            sockets: [new WebSocketInterface(`${scheme}://${location.host}${registration.path}`)],
            uri: `sip:${registration.user}@${registration.realm}`,
            password: registration.password,
            register_expires: EXPIRES,
            connection_recovery_min_interval: 1,
            connection_recovery_max_interval: 5,
            user_agent: "Leaseline",
        })
        this.#ua = ua
        ua.on("connecting", ({ attempts }) => {
            // A browser is not told why its WebSocket was refused, so the server is asked now and then.
            if (attempts % 5 === 2) void this.#reassure(ua)
        })
        ua.on("disconnected", ({ code }) => {
            if (this.#ua !== ua) return
            // What rang over this connection can't be answered over another one; the app rings the phone again once it is back.
            for (const live of [...this.#calls.values()]) if (live.state === "ringing" && !live.session.isEstablished()) live.session.terminate()
            if (code === SIGNED_OUT || code === ELSEWHERE) this.stop(code === SIGNED_OUT ? "signed_out" : "elsewhere")
            else this.#set("connecting")
        })
        ua.on("registered", () => {
            this.#tries = 0
            this.#set("ready")
            for (const live of [...this.#calls.values()]) if (live.session.isEstablished()) this.#takeUp(live)
        })
        ua.on("registrationFailed", () => {
            if (this.#ua !== ua || !ua.isConnected()) return
            this.#set("connecting")
            clearTimeout(this.#retry)
            this.#retry = setTimeout(() => void this.#reassure(ua).then(() => this.#ua === ua && ua.register()), this.#pause())
        })
        ua.on("newRTCSession", (event: RTCSessionEvent) => {
            if (event.originator === "remote") this.#rung(event.session, event.request as IncomingRequest)
        })
        ua.start()
    }

    stop(state: LineState = "off"): void {
        this.#letGo()
        this.#set(state)
    }

    /** Looks whether the connection is still one, when the page is shown again or the network has come back. */
    wake(): void {
        const ua = this.#ua
        if (!ua) {
            if (this.state === "connecting") void this.start()
            return
        }
        if (!ua.isConnected()) {
            transport(ua).connect()
            return
        }
        const registered = new Promise<boolean>((resolve) => {
            const timer = setTimeout(() => resolve(false), DEAD_MS)
            // JsSIP tells of the first registration alone, so what comes over the connection is listened to.
            const heard = transport(ua).socket
            const former = heard.ondata
            heard.ondata = (data: unknown) => {
                clearTimeout(timer)
                heard.ondata = former
                resolve(true)
                former(data)
            }
        })
        ua.register()
        void registered.then((alive) => {
            if (alive || this.#ua !== ua || !ua.isConnected()) return
            transport(ua).socket.disconnect()
            transport(ua)._onDisconnect(true, 1006, "dead")
            transport(ua).connect()
        })
    }

    /** Asks the server anew what to register with, and whether the session is still one. */
    async #reassure(ua: UA): Promise<void> {
        try {
            const registration = await this.#renew()
            ua.set("password", registration.password)
            if (this.#ua === ua) this.#keep(registration)
        } catch (error) {
            if (this.#ua === ua) this.#over(error)
        }
    }

    /** Its passwords for TURN do not last. */
    #keep(registration: Registration): void {
        this.#registration = registration
        clearTimeout(this.#renewing)
        const again = (): void => {
            const ua = this.#ua
            if (!ua) return
            this.#renewing = setTimeout(again, RENEW_MS)
            void this.#reassure(ua)
        }
        this.#renewing = setTimeout(again, registration.ice_seconds * 1000)
    }

    #over(error: unknown): boolean {
        if (!(error instanceof SignedOut) && !(error instanceof Elsewhere)) return false
        this.stop(error instanceof SignedOut ? "signed_out" : "elsewhere")
        return true
    }

    #pause(): number {
        this.#tries += 1
        return Math.min(10_000, 250 * 2 ** Math.min(this.#tries, 6))
    }

    #letGo(): void {
        clearTimeout(this.#retry)
        clearTimeout(this.#renewing)
        const ua = this.#ua
        this.#ua = undefined
        ua?.stop()
    }

    #set(state: LineState): void {
        this.state = state
        this.#tell("changed")
    }

    // --- calls ---

    #rung(session: RTCSession, request: IncomingRequest): void {
        const call = request.getHeader("X-Leaseline-Call") ?? ""
        const live = this.#add(session, "in", session.remote_identity.uri.user, call)
        if (this.#wasIn(call, request)) {
            live.isBack = true
            void this.answer(live.id)
        } else {
            this.#tell("ringing", live)
        }
    }

    /** Whether this is the call that the page was in when it was loaded anew. */
    #wasIn(call: string, request: IncomingRequest): boolean {
        if (!request.getHeader("X-Leaseline-Rejoin")) return false
        const before = kept.lately((this.#registration?.return_seconds ?? 20) + 5)
        return before !== undefined && (!before || !call || before === call)
    }

    async dial(number: string, isConsult = false): Promise<void> {
        const ua = this.#ua
        if (!ua) return
        let stream: MediaStream
        try {
            stream = await sounds.microphone()
        } catch (error) {
            this.#tell("failed", undefined, error instanceof sounds.NoMicrophone ? error.trouble : "mic_missing")
            return
        }
        const session = ua.call(`sip:${encodeURIComponent(number).replace("%2B", "+").replace(/%2A/g, "*")}@${this.#realm}`, {
            mediaStream: stream,
            pcConfig: this.#pcConfig,
            rtcOfferConstraints: { offerToReceiveAudio: true },
        })
        const live = this.#add(session, "out", number, "", stream)
        live.isConsult = isConsult
        this.#tell("changed", live)
    }

    async answer(id: string): Promise<void> {
        const live = this.#calls.get(id)
        if (!live || live.state !== "ringing" || live.stream) return
        try {
            live.stream = await sounds.microphone()
        } catch (error) {
            live.trouble = error instanceof sounds.NoMicrophone ? error.trouble : "mic_missing"
            this.#tell("changed", live)
            return
        }
        if (live.session.isEnded()) {
            sounds.close(live.stream)
            return
        }
        // Two people cannot be talked to at once.
        for (const other of this.#calls.values()) if (other !== live && other.state === "talking") this.hold(other.id, true)
        live.session.answer({ mediaStream: live.stream, pcConfig: this.#pcConfig })
    }

    hangUp(id: string): void {
        const live = this.#calls.get(id)
        const session = live?.session
        if (!session || session.isEnded()) return
        // Whatever else ends a talk here, Asterisk may call the page back into it, as after a sleep.
        if (this.#calls.size === 1) kept.forget()
        if (session.isEstablished() && this.state === "connecting") {
            live.isLeft = true
            live.audio.muted = true
            session.mute({ audio: true })
            return
        }
        session.terminate(session.isEstablished() || session.direction === "outgoing" ? {} : { status_code: 486 })
    }

    hold(id: string, on: boolean): void {
        const session = this.#calls.get(id)?.session
        if (on) session?.hold()
        else session?.unhold()
    }

    mute(id: string, on: boolean): void {
        const session = this.#calls.get(id)?.session
        if (on) session?.mute({ audio: true })
        else session?.unmute({ audio: true })
    }

    keys(id: string, digits: string): void {
        this.#calls.get(id)?.session.sendDTMF(digits, {
            duration: 120,
            interToneGap: 80,
            transportType: "RFC2833" as never,
        })
    }

    /** Passes a call on: at once, or with `consult` to whoever was asked first. */
    transfer(id: string, target: string, consult?: string): void {
        const live = this.#calls.get(id)
        const asked = consult ? this.#calls.get(consult) : undefined
        if (!live) return
        const to = asked ? asked.session.remote_identity.uri.toString() : `sip:${target}@${this.#realm}`
        live.session.refer(to, {
            ...(asked ? { replaces: asked.session } : {}),
            eventHandlers: {
                accepted: () => this.hangUp(live.id),
                requestFailed: () => this.#tell("failed", live, "transfer_failed"),
                failed: () => this.#tell("failed", live, "transfer_failed"),
            },
        })
    }

    /** Takes the microphone and the loudspeaker that are chosen now, in all calls. */
    async useDevices(): Promise<void> {
        for (const live of this.#calls.values()) {
            void sounds.send(live.audio, "talk")
            if (live.stream) await this.#changeMicrophone(live)
        }
    }

    async #changeMicrophone(live: Live): Promise<void> {
        let stream: MediaStream
        try {
            stream = await sounds.microphone()
        } catch (error) {
            live.trouble = error instanceof sounds.NoMicrophone ? error.trouble : "mic_missing"
            this.#tell("changed", live)
            return
        }
        const [track] = stream.getAudioTracks()
        const sender = live.session.connection?.getSenders().find((one) => one.track?.kind === "audio" || one.track === null)
        if (!track || !sender) {
            sounds.close(stream)
            return
        }
        track.enabled = !live.muted && !live.held
        await sender.replaceTrack(track)
        sounds.close(live.stream)
        live.stream = stream
        this.#watch(live, track)
        if (live.trouble.startsWith("mic_")) live.trouble = ""
        this.#tell("changed", live)
    }

    /** The microphone may be pulled out, or be taken by another program. */
    #watch(live: Live, track: MediaStreamTrack): void {
        track.onended = () => {
            if (!live.stream?.getTracks().includes(track)) return
            void this.#changeMicrophone(live).then(() => this.#tell("mic_changed", live))
        }
        track.onmute = () => {
            live.trouble = "mic_silent"
            this.#tell("changed", live)
        }
        track.onunmute = () => {
            if (live.trouble === "mic_silent") live.trouble = ""
            this.#tell("changed", live)
        }
    }

    #add(session: RTCSession, way: "in" | "out", number: string, call: string, stream?: MediaStream): Live {
        const audio = new Audio()
        audio.autoplay = true
        const live: Live = {
            id: session.id || crypto.randomUUID(),
            call,
            way,
            state: way === "in" ? "ringing" : "dialing",
            number,
            since: Date.now(),
            held: false,
            muted: false,
            trouble: "",
            isBack: false,
            isConsult: false,
            session,
            audio,
            stream,
            received: 0,
            quietSince: Date.now(),
            asking: 0,
            failures: 0,
            hasOffered: false,
            isLeft: false,
            lostBy: "",
        }
        keepThroughLosses(
            session,
            () => this.#askAgain(live),
            (cause) => (live.lostBy = cause),
        )
        this.#calls.set(live.id, live)
        session.on("peerconnection", ({ peerconnection }) => this.#hear(live, peerconnection))
        if (session.connection) this.#hear(live, session.connection)
        let gathering = 0
        let described: unknown
        session.on("icecandidate", ({ ready }) => {
            if (ready === described) return
            described = ready
            clearTimeout(gathering)
            gathering = setTimeout(ready, GATHER_MS)
        })
        session.on("sdp", ({ originator, type }) => {
            if (originator === "local" && type === "offer" && session.isEstablished()) live.hasOffered = true
        })
        session.on("confirmed", () => {
            if (live.state === "talking") return
            live.state = "talking"
            live.since = live.quietSince = Date.now()
            if (live.stream) for (const track of live.stream.getAudioTracks()) this.#watch(live, track)
            kept.keep(live.call)
            this.#tell("answered", live)
            this.#look()
        })
        session.on("hold", ({ originator }) => originator === "local" && this.#held(live, true))
        session.on("unhold", ({ originator }) => originator === "local" && this.#held(live, false))
        session.on("muted", () => this.#muted(live, true))
        session.on("unmuted", () => this.#muted(live, false))
        const over = ({ originator, cause }: { originator: string; cause: string }): void => {
            clearTimeout(gathering)
            clearTimeout(live.asking)
            this.#calls.delete(live.id)
            sounds.close(live.stream)
            audio.srcObject = null
            const why = live.lostBy || (originator === "remote" ? cause : "")
            const hasFailed = live.way === "out" && live.state === "dialing" && why !== ""
            this.#tell("ended", live, hasFailed ? (FAILED[why] ?? "failed_otherwise") : "")
        }
        session.on("ended", over)
        session.on("failed", over)
        return live
    }

    #hear(live: Live, connection: RTCPeerConnection): void {
        connection.addEventListener("track", ({ streams, track }) => {
            live.audio.srcObject = streams[0] ?? new MediaStream([track])
            void sounds.send(live.audio, "talk")
            void live.audio.play().catch(() => undefined)
        })
        connection.addEventListener("iceconnectionstatechange", () => {
            const state = connection.iceConnectionState
            if (state === "connected" || state === "completed") {
                live.quietSince = Date.now()
                if (live.trouble === "no_way" || live.trouble === "cut") live.trouble = ""
            } else if (state === "disconnected" || state === "failed") {
                live.trouble = state === "failed" ? "no_way" : "cut"
                if (this.state === "ready" && live.session.isEstablished()) this.#renegotiate(live)
            } else return
            this.#tell("changed", live)
        })
    }

    /** Goes on over another connection: Asterisk learns where requests within the call go from now on, such as a hangup.
     *  An answer of its own may have been lost with the former connection. Until that has its ACK, it answers no further
     *  question and ends no call, for half a minute. */
    #takeUp(live: Live): void {
        if (live.isLeft) {
            live.session.terminate({})
            return
        }
        if (live.hasOffered) (live.session as RTCSession & Requests).sendRequest(C.ACK)
        live.failures = 0
        this.#renegotiate(live)
    }

    /** Looks for the way of the sound anew, until that was answered. */
    #renegotiate(live: Live): void {
        clearTimeout(live.asking)
        if (this.state !== "ready" || !live.session.isEstablished()) return
        const options = { rtcOfferConstraints: { iceRestart: true } }
        if (!live.session.renegotiate(options, () => (live.failures = 0))) this.#askAgain(live)
    }

    #askAgain(live: Live): void {
        clearTimeout(live.asking)
        live.asking = setTimeout(() => this.#renegotiate(live), Math.min(AT_LAST_MS, AGAIN_MS * 2 ** live.failures))
        live.failures += 1
    }

    /** Asks Asterisk whether it still has a call. If not, it says so, or its hangup, which was lost, comes once more. */
    ask(id: string): void {
        const live = this.#calls.get(id)
        if (live) this.#renegotiate(live)
    }

    #held(live: Live, on: boolean): void {
        live.held = on
        live.quietSince = Date.now()
        this.#tell("changed", live)
    }

    #muted(live: Live, on: boolean): void {
        live.muted = on
        this.#tell("changed", live)
    }

    /** Says so when no sound comes, or none ever came. */
    #look(): void {
        clearInterval(this.#looking)
        this.#looking = setInterval(() => {
            const talking = [...this.#calls.values()].filter((live) => live.state === "talking")
            if (!talking.length) {
                clearInterval(this.#looking)
                return
            }
            const [first] = talking
            if (first && !first.isLeft) kept.keep(first.call)
            for (const live of talking) void this.#lookAt(live)
        }, LOOK_MS)
    }

    async #lookAt(live: Live): Promise<void> {
        const connection = live.session.connection
        if (!connection) return
        let received = 0
        for (const one of (await connection.getStats()).values()) if (one.type === "inbound-rtp") received += Number(one.packetsReceived ?? 0)
        const now = Date.now()
        const before = live.trouble
        if (received !== live.received || live.held) {
            live.received = received
            live.quietSince = now
            if (live.trouble === "no_way" || live.trouble === "no_sound") live.trouble = ""
        } else if (now - live.quietSince >= NO_SOUND_MS && !live.trouble) {
            const state = connection.iceConnectionState
            live.trouble = state === "connected" || state === "completed" ? "no_sound" : "no_way"
            // Perhaps the connection for SIP is none any more either, or the call is over.
            this.wake()
            this.ask(live.id)
        }
        if (before !== live.trouble) this.#tell("changed", live)
    }

    get #realm(): string {
        return this.#registration?.realm ?? "leaseline.invalid"
    }

    get #pcConfig(): RTCConfiguration {
        return { iceServers: this.#registration?.ice_servers ?? [] }
    }
}

/** JsSIP ends a talk once its sound has found no way, or a question about it was lost. The network may be another one a moment later.
 *  Whether the talk is over, Asterisk says, which hears nothing of it either (talk.lost_seconds), or knows it no longer. What nobody
 *  has answered yet cannot go on over another connection; JsSIP counts it as hung up here. */
function keepThroughLosses(session: RTCSession, kept: () => void, lost: (cause: string) => void): void {
    const terminate = session.terminate.bind(session)
    session.terminate = (options) => {
        const cause = options?.cause
        const isLost = cause !== undefined && SURVIVED.includes(cause)
        if (isLost && session.isEstablished()) {
            kept()
            return
        }
        if (isLost) lost(cause)
        terminate(options)
    }
}

/** What JsSIP says of itself, but not to TypeScript. */
interface Requests {
    sendRequest(method: string): void
}

/** The parts of JsSIP's connection that it shows nobody. */
interface Transport {
    connect(): void
    _onDisconnect(error: boolean, code: number, reason: string): void
    socket: { ondata: (data: unknown) => void; disconnect(): void }
}

function transport(ua: UA): Transport {
    return (ua as unknown as { transport: Transport }).transport
}
