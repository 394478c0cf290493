"""Settings: which calls are recorded."""

from __future__ import annotations

from crm.words.console import Words

WORDS: Words = {
    "en": {
        "which": "Which calls are recorded",
        "law": (
            "Many states require that everybody in a talk agrees to its being recorded. So nothing is recorded before "
            "everyone in it has heard the announcement; when each did is on record."
        ),
        "mode": "Recording",
        "mode_of": "Recording of {property}",
        "mode_off": "never",
        "mode_announced": "every call, after the announcement",
        "mode_demand": "when an agent asks for it, after the announcement",
        "mode_set": "Calls about {property} are recorded like this from the next one on.",
        "no_property": "There is no property yet, and each property says whether its calls are recorded.",
        "kept": "How long recordings are kept",
        "kept_days": "Recordings are deleted after {days} days, unless they are held.",
        "kept_always": "Recordings are kept until somebody deletes them.",
        "listen_off": "Nobody can listen in on talks.",
        "listen_announced": "Managers can listen in on a talk while it is recorded and everybody in it was told.",
        "listen_always": "Managers can listen in on any talk.",
        "kept_where": "Both are set in the file, under recordings.keep_days and console.listen_in:",
        "holds": "Held recordings",
        "holds_why": "While the audio of a call is held, nothing deletes it, and its person cannot be erased.",
        "call": "Call",
        "call_hint": "The id of the call or of a recording, as its page shows it.",
        "at": "At",
        "person": "Person",
        "why": "Why",
        "why_hint": "The reason and your name stay on record.",
        "hold": "Hold",
        "new_hold": "Hold the audio of a call",
        "held_now": "The audio of call {call} is held.",
        "release": "Release",
        "why_of": "Why the audio of {call} may be deleted again",
        "released": "The audio of call {call} is no longer held.",
        "no_holds": "Nothing is held.",
    },
    "es": {
        "which": "Qué llamadas se graban",
        "law": (
            "Muchos estados exigen que todos los que participan consientan la grabación. Por eso no se graba nada "
            "antes de que todos hayan oído el aviso; cuándo lo oyó cada uno queda registrado."
        ),
        "mode": "Grabación",
        "mode_of": "Grabación de {property}",
        "mode_off": "nunca",
        "mode_announced": "todas las llamadas, después del aviso",
        "mode_demand": "cuando un agente lo pide, después del aviso",
        "mode_set": "Las llamadas sobre {property} se graban así desde la próxima.",
        "no_property": "Todavía no hay propiedades, y cada una dice si se graban sus llamadas.",
        "kept": "Cuánto se conservan las grabaciones",
        "kept_days": "Las grabaciones se borran después de {days} días, salvo las retenidas.",
        "kept_always": "Las grabaciones se conservan hasta que alguien las borra.",
        "listen_off": "Nadie puede escuchar conversaciones en curso.",
        "listen_announced": "Los gerentes pueden escuchar una conversación que se graba si se avisó a todos.",
        "listen_always": "Los gerentes pueden escuchar cualquier conversación.",
        "kept_where": "Ambas cosas se definen en el archivo, en recordings.keep_days y console.listen_in:",
        "holds": "Grabaciones retenidas",
        "holds_why": (
            "Mientras el audio de una llamada está retenido, nada lo borra, y no se pueden borrar los datos de su "
            "persona."
        ),
        "call": "Llamada",
        "call_hint": "El id de la llamada o de una grabación, como en su página.",
        "at": "Cuándo",
        "person": "Persona",
        "why": "Por qué",
        "why_hint": "El motivo y su nombre quedan registrados.",
        "hold": "Retener",
        "new_hold": "Retener el audio de una llamada",
        "held_now": "El audio de la llamada {call} está retenido.",
        "release": "Liberar",
        "why_of": "Por qué se puede volver a borrar el audio de {call}",
        "released": "El audio de la llamada {call} ya no está retenido.",
        "no_holds": "No hay nada retenido.",
    },
}
