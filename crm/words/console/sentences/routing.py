"""What the routing decision writes, and why a call counts as lost."""

from __future__ import annotations

ROUTING = {
    # --- language, and who calls ---
    "The caller chose {language} in an earlier call.": "Quien llama eligió {language} en una llamada anterior.",
    "The line's language is {language}.": "El idioma de la línea es {language}.",
    "The number dialed is not one of the lines.": "El número marcado no es una de las líneas.",
    "The caller has not chosen anything yet.": "Quien llama aún no ha elegido nada.",
    "The caller is not a prospect, and has not said what else they are.": (
        "Quien llama no busca vivienda, y no ha dicho qué otra cosa es."
    ),
    "The caller's number belongs to {kind}.": "El número es de un {kind}.",
    "The caller keyed that they are {kind}.": "Quien llama indicó con una tecla que es {kind}.",
    "Nothing indicates that the caller is not a prospect.": "Nada indica que quien llama no busque vivienda.",
    "Though {kind}, the caller wants to rent.": "Aunque es {kind}, quien llama quiere alquilar.",
    # --- the voice agent ---
    "The voice agent answered first.": "El agente de voz ya contestó.",
    "The caller is past the voice agent: {standing}.": "Quien llama ya no necesita al agente de voz: {standing}.",
    "The voice agent answers {hours}.": "El agente de voz contesta {hours}.",
    "The voice agent answers only {hours}.": "El agente de voz solo contesta {hours}.",
    # --- emergencies ---
    "{device} has just called the emergency service, which may be calling back.": (
        "{device} acaba de llamar a emergencias, que quizá devuelve la llamada."
    ),
    "{device} rings, and so do {agents}.": "Suena {device}, y también {agents}.",
    "{device} rings.": "Suena {device}.",
    "The call comes from {who}'s mobile, not from the emergency service.": (
        "La llamada viene del móvil de {who}, no de emergencias."
    ),
    "The caller is a known {kind}, not the emergency service.": "Quien llama es un {kind} conocido, no emergencias.",
    "The caller was a lead before the emergency call, so this is not the emergency service.": (
        "Quien llama ya era un prospecto antes de la llamada de emergencia, así que no es emergencias."
    ),
    "The caller dialed {number}, which is forwarded here, and not the callback number.": (
        "Quien llama marcó {number}, que se desvía aquí, y no el número para devolver la llamada."
    ),
    # --- other than leasing ---
    "It may be an emergency, or leasing.": "Puede ser una emergencia, o algo sobre alquiler.",
    "The caller says there is an emergency in their home.": "Quien llama dice que hay una emergencia en su vivienda.",
    "There is no desk for {kind}: the team has to help.": (
        "No hay mostrador para un {kind}: tiene que ayudar el equipo."
    ),
    "The caller has a concern, which is for a person, never for a machine.": (
        "Quien llama tiene una queja, que es para una persona, nunca para una máquina."
    ),
    "The call is for the {desk} desk.": "La llamada es para el mostrador de {desk}.",
    "The {desk} desk is closed.": "El mostrador de {desk} está cerrado.",
    "Calls for {desk} go to {number}, but this call comes from that number.": (
        "Las llamadas de {desk} van al {number}, pero esta viene de ese número."
    ),
    "Calls for {desk} go to {number}.": "Las llamadas de {desk} van al {number}.",
    "Calls for {desk} ring {agents} ({strategy}).": "Las llamadas de {desk} suenan a {agents} ({strategy}).",
    "Nobody at the {desk} desk can be rung now.": "A nadie del mostrador de {desk} se le puede llamar ahora.",
    # --- leasing ---
    "The caller wants the listings by text.": "Quien llama quiere las viviendas por texto.",
    "{why} They are not transferred blindly: what they want is recorded.": (
        "{why} No se le pasa a ciegas: se graba lo que desea."
    ),
    "The caller wants a tour, and there are times for one.": "Quien llama quiere una visita, y hay horas para ella.",
    "It comes from that number.": "Viene de ese número.",
    "All calls are to go to {number}, but not this one: {why}": (
        "Todas las llamadas van al {number}, pero esta no: {why}"
    ),
    "All calls go to {number} ({way}).": "Todas las llamadas van al {number} ({way}).",
    "Closed: {day}.": "Cerrado: {day}.",
    "The office is closed.": "La oficina está cerrada.",
    "The office is open.": "La oficina está abierta.",
    "By their own hours, they still answer now.": "Según su propio horario, todavía contestan.",
    "There is nobody to ring.": "No hay a quién llamar.",
    "One caller waits already.": "Ya espera una persona.",
    "{count} callers wait already.": "Ya esperan {count} personas.",
    "One caller waits for the next free agent.": "Una persona espera al próximo agente libre.",
    "{count} callers wait for the next free agent.": "{count} personas esperan al próximo agente libre.",
    "All of the property's people are on calls.": "Todos los de la propiedad están en llamadas.",
    # --- who rings ---
    "Stage {stage} is set to 0 seconds.": "La etapa «{stage}» está fijada en 0 segundos.",
    "The caller has no assigned agent.": "Quien llama no tiene agente asignado.",
    "The caller's assigned agent is {agents}.": "El agente asignado es {agents}.",
    "The caller's agent is {agent}, who is not here now.": "El agente de quien llama es {agent}, que ahora no está.",
    "Nobody in the property's subteam is here now.": "Nadie del equipo de la propiedad está ahora.",
    "No subteam leases it.": "Ningún equipo la alquila.",
    "The subteam leases the property: {agents} ({strategy}).": "El equipo alquila la propiedad: {agents} ({strategy}).",
    "Sister subteams help out: {agents} ({strategy}).": "Ayudan otros equipos: {agents} ({strategy}).",
    "Nobody in the sister subteams is here now.": "Nadie de los equipos que ayudan está ahora.",
    "Then everyone who is available: {agents}.": "Después, todos los que están: {agents}.",
    "Nobody else is here now.": "Nadie más está ahora.",
    "The call comes from the answering service itself.": "La llamada viene del propio servicio de contestación.",
    "Then the answering service at {number}.": "Después, el servicio de contestación en el {number}.",
    # --- what follows ---
    "The caller is asked: {question}.": "Se le pregunta a quien llama: {question}.",
    "The caller first hears that the office is closed.": "Quien llama oye primero que la oficina está cerrada.",
    "Nobody will answer with the property's name, so the caller hears it.": (
        "Nadie contestará con el nombre de la propiedad, así que quien llama lo oye."
    ),
    "If that fails: {paths}.": "Si eso falla: {paths}.",
    "If it remains unfinished, {owner} has the next action ({task}).": (
        "Si queda sin terminar, el siguiente paso es de {owner} ({task})."
    ),
    "The next action ({task}) was to be for {owner}, and is for {got}.": (
        "El siguiente paso ({task}) iba a ser de {owner}, y es de {got}."
    ),
    "The call is kept with the caller's lead.": "La llamada se guarda con el prospecto.",
    "{kind} does not become a lead.": "Un {kind} no pasa a ser prospecto.",
    "{kind} gets no texts about leasing.": "A un {kind} no se le envían textos sobre alquiler.",
    "The caller's number cannot be texted.": "A ese número no se le pueden enviar textos.",
    "Texted unless somebody talks with the caller: {texts}.": "Se le envía un texto si nadie habla con él: {texts}.",
    # --- which property ---
    "There is no property to choose.": "No hay propiedad que elegir.",
    "There are no properties to choose from.": "No hay propiedades entre las que elegir.",
    "The number dialed is for {property}.": "El número marcado es de {property}.",
    "The caller belongs to {property}.": "Quien llama es de {property}.",
    "{property} is the only property there is to choose.": "{property} es la única propiedad que hay.",
    "The caller last asked about {property}, and says it is about that again.": (
        "Quien llama preguntó la última vez por {property}, y dice que es sobre eso otra vez."
    ),
    "The caller chose no area.": "Quien llama no eligió zona.",
    "The caller chose no property.": "Quien llama no eligió propiedad.",
    "The caller chose {chosen} by key.": "Quien llama eligió {chosen} con una tecla.",
    "No property's name begins with the letters the caller keyed.": (
        "Ninguna propiedad empieza con las letras que marcó quien llama."
    ),
    "It is not known which property the call is about.": "No se sabe sobre qué propiedad es la llamada.",
}
"""Of crm.domain.routing, choosing and emergency."""

LOST = {
    "It has no outcome.": "No tiene resultado.",
    'It ended as "{outcome}", and nobody has a task.': "Terminó así: {outcome}. Nadie tiene una tarea.",
}
"""Of crm.store.queries.calls."""
