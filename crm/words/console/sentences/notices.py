"""What agents are told of, in notices and in the list of their day: subjects, and the sentences of a text."""

from __future__ import annotations

NOTICES = {
    # --- calls ---
    "Missed call from {whom}": "Llamada perdida de {whom}",
    "Call from {whom}": "Llamada de {whom}",
    "To be called back by {moment} (task {id}).": "Hay que llamarle antes de: {moment} (tarea {id}).",
    "To be followed up by {moment} (task {id}).": "Hay que dar seguimiento antes de: {moment} (tarea {id}).",
    "{count} calls to follow up": "{count} llamadas pendientes",
    "It is task {id}.": "Es la tarea {id}.",
    "And {count} more.": "Y {count} más.",
    "and {count} more": "y {count} más",
    "Calls arrive for a number that is not a line": "Llegan llamadas a un número que no es una línea",
    "{whom} talked with the voice agent": "{whom} habló con el agente de voz",
    "{whom} called {property} and talked with the voice agent.": (
        "{whom} llamó a {property} y habló con el agente de voz."
    ),
    "Whoever takes it owns it: `{command}`.": "Quien la tome se encarga: `{command}`.",
    "A caller may be lost": "Quizá se perdió una llamada",
    "Nobody is responsible for the call {id}.": "Nadie se encarga de la llamada {id}.",
    # --- voicemails ---
    "New voicemail for {property} from {whom}": "Mensaje de voz nuevo para {property} de {whom}",
    "{whom} called {property} and left a voicemail of {seconds} s on {dated} at {time}.": (
        "{whom} llamó a {property} y dejó un mensaje de voz de {seconds} s el {dated} a las {time}."
    ),
    "No words were understood in it.": "No se entendió ninguna palabra.",
    "It is being transcribed.": "Se está transcribiendo.",
    "There is no transcript.": "No hay transcripción.",
    "There is no transcript: transcription failed.": "No hay transcripción: falló.",
    "In short: {gist}.": "En breve: {gist}.",
    "Mailbox: {box}.": "Buzón: {box}.",
    "`{command}` plays it, `{other}` says who takes care of it.": (
        "`{command}` lo reproduce, `{other}` dice quién se encarga."
    ),
    "Unclaimed voicemail": "Un mensaje de voz sin atender",
    "Nobody has taken the voicemail for {property} from {whom}, although everyone was called about it.": (
        "Nadie se encargó del mensaje de voz para {property} de {whom}, aunque se llamó a todos."
    ),
    # --- texts, inquiries, emails ---
    "New text for {property} from {whom}": "Texto nuevo para {property} de {whom}",
    "{property}: {whom} wrote: {words}": "{property}: {whom} escribió: {words}",
    "More texts than can be handled": "Más textos de los que se pueden atender",
    "More texts than can be handled.": "Llegan más textos de los que se pueden atender.",
    "See them with `{command}`.": "Véalos con `{command}`.",
    "An email about {property}": "Un correo sobre {property}",
    "An inquiry about {property}": "Una consulta sobre {property}",
    "A question about {property}": "Una pregunta sobre {property}",
    "A message for {property}": "Un mensaje para {property}",
    "A tour of {property} was booked on the website": "Se reservó en el sitio una visita a {property}",
    "{whom} answered by email": "{whom} contestó por correo",
    "{whom} (lead {id}): {told}": "{whom} (prospecto {id}): {told}",
    "It came from {address}, which is not one of their addresses.": (
        "Vino de {address}, que no es una de sus direcciones."
    ),
    "The email was too large, so only its beginning was kept.": (
        "El correo era demasiado grande, y solo se guardó el comienzo."
    ),
    "{count} attached: {words}.": "{count} adjuntos: {words}.",
    "May be lead {id}.": "Quizá sea el prospecto {id}.",
    "{whom} wrote once more": "{whom} escribió otra vez",
    "{whom} wrote {count} more times": "{whom} escribió {count} veces más",
    "{whom} (lead {id}) wrote once more:": "{whom} (prospecto {id}) escribió otra vez:",
    "{whom} (lead {id}) wrote {count} more times:": "{whom} (prospecto {id}) escribió {count} veces más:",
    "An email to {whom} did not arrive": "Un correo a {whom} no llegó",
    "Messages are flagged": "Hay mensajes marcados",
    "See `{command}`; `{other}` passes on what is none.": "Vea `{command}`; `{other}` pasa lo que no lo es.",
    # --- leads ---
    "Lead {id} is yours now": "El prospecto {id} es suyo ahora",
    "Lead {id} ({name}) is yours now, given to you by {by}.": "El prospecto {id} ({name}) es suyo ahora, de {by}.",
    "{count} leads are yours now": "{count} prospectos son suyos ahora",
    "{count} leads are yours now, given to you by {by}: {some}.": "{count} prospectos son suyos, de {by}: {some}.",
    "Lead {id} is no longer yours": "El prospecto {id} ya no es suyo",
    "Lead {id} ({name}) is no longer yours: {by} gave it to {whom}.": (
        "El prospecto {id} ({name}) ya no es suyo: {by} lo dio a {whom}."
    ),
    "{count} leads are no longer yours": "{count} prospectos ya no son suyos",
    "{count} leads are no longer yours, by {by}: {some}.": "{count} prospectos ya no son suyos, por {by}: {some}.",
    "Lead {id}: {told}": "Prospecto {id}: {told}",
    # --- tasks ---
    "Task {id}: {told}": "Tarea {id}: {told}",
    "Task {id} is yours": "La tarea {id} es suya",
    "Task {id} is there for you to take": "La tarea {id} está libre para usted",
    "Task {id} is yours now": "La tarea {id} es suya ahora",
    "Task {id} is yours now, because {owner} did not do it in time: {told}": (
        "La tarea {id} es suya ahora, porque {owner} no la hizo a tiempo: {told}"
    ),
    "Task {id} went to {who}": "La tarea {id} pasó a {who}",
    "Task {id} went to {who}, because it was overdue: {told}": (
        "La tarea {id} pasó a {who}, porque estaba atrasada: {told}"
    ),
    "Task {id} of {owner} went to {who}": "La tarea {id} de {owner} pasó a {who}",
    "Task {id} of {owner} went to {who}, because it was not done in time: {told}": (
        "La tarea {id} de {owner} pasó a {who}, porque no se hizo a tiempo: {told}"
    ),
    "{count} overdue tasks went to somebody else": "{count} tareas atrasadas pasaron a otra persona",
    "Task {id} is overdue": "La tarea {id} está atrasada",
    "Task {id} is overdue: {told}": "La tarea {id} está atrasada: {told}",
    "{count} tasks are overdue": "{count} tareas están atrasadas",
    "Follow-ups are overdue": "Hay seguimientos atrasados",
    "1 person is overdue to follow up with.": "Hay 1 persona con el seguimiento atrasado.",
    "{count} people are overdue to follow up with.": "Hay {count} personas con el seguimiento atrasado.",
    "Follow-ups are long overdue": "Hay seguimientos muy atrasados",
    "1 person is overdue of others' to follow up with, for more than {days} days.": (
        "Hay 1 persona de otros con el seguimiento atrasado más de {days} días."
    ),
    "{count} people are overdue of others' to follow up with, for more than {days} days.": (
        "Hay {count} personas de otros con el seguimiento atrasado más de {days} días."
    ),
    # --- applications ---
    "Application for {property}: started": "Solicitud de {property}: empezada",
    "Application for {property}: submitted": "Solicitud de {property}: enviada",
    # --- the phone system ---
    "EMERGENCY CALL by {phone}": "LLAMADA DE EMERGENCIA de {phone}",
    "EMERGENCY CALL: {phone} dialed {number} at {time} on {day}.": (
        "LLAMADA DE EMERGENCIA: {phone} marcó el {number} a las {time} del {day}."
    ),
    "Test of the emergency line by {phone}": "Prueba de la línea de emergencia de {phone}",
    "TEST of the emergency line: {phone} dialed {number} at {time} on {day}.": (
        "PRUEBA de la línea de emergencia: {phone} marcó el {number} a las {time} del {day}."
    ),
    "Location: {address}.": "Lugar: {address}.",
    "Location: unknown; none is set for the phone.": "Lugar: desconocido; el teléfono no tiene ninguno.",
    "Callback number: {number}.": "Número para devolver la llamada: {number}.",
    "There is no callback number.": "No hay número para devolver la llamada.",
    "This notice was delayed until {time}, because part of the phone system was down.": (
        "Este aviso se retrasó hasta las {time}, porque una parte del sistema telefónico no funcionaba."
    ),
    "{device} forwards its calls": "{device} desvía sus llamadas",
    "The phone {device} is set to forward calls by itself.": "El teléfono {device} desvía llamadas por sí mismo.",
    "Leaseline does not follow that, so every call counts as declined there.": (
        "Leaseline no sigue ese desvío: ahí cada llamada cuenta como rechazada."
    ),
    "Turn it off on the phone.": "Desactívelo en el teléfono.",
    "To ring a mobile as well: `{command}`.": "Para que suene también un móvil: `{command}`.",
    "Automatic texts are paused": "Los textos automáticos están en pausa",
    "Automatic texts are paused until {time}: callers have triggered {count} in {minutes} minutes, far more than"
    " usual.": (
        "Los textos automáticos están en pausa hasta las {time}: las llamadas causaron {count} en {minutes} minutos,"
        " muchos más de lo normal."
    ),
    "Check `{command}`, then run `{other}`, with --drop if the callers are not real.": (
        "Mire `{command}`, y luego ejecute `{other}`, con --drop si las llamadas no son reales."
    ),
    "Texts from agents, and texts about tours, still go out.": (
        "Los textos de agentes, y los de visitas, siguen saliendo."
    ),
    "Callers do not get through": "Hay llamadas que no entran",
    "More than {count} callers within a minute did not get through on trunk {trunk}: {reason} (SIP {code}).": (
        "Más de {count} llamadas en un minuto no entraron por la troncal {trunk} (SIP {code})."
    ),
    "The rest are not on record.": "Las demás no constan.",
    "Show this to your carrier, whose log has them.": "Muéstrelo a su operador, que las tiene en su registro.",
    "Callers are refused": "Se rechazan llamadas",
    "1 caller was refused since Asterisk started.": "Se rechazó 1 llamada desde que inició Asterisk.",
    "{count} callers were refused since Asterisk started.": "Se rechazaron {count} llamadas desde que inició Asterisk.",
    "The latest came through trunk {trunk} and was one too many for {limit}.": (
        "La última llegó por la troncal {trunk} y superó {limit}."
    ),
    "If you expected that many, raise it in leaseline.toml; if not, somebody is flooding you, and your carrier can stop"
    " them.": (
        "Si esperaba tantas, súbalo en leaseline.toml; si no, alguien le inunda de llamadas: su operador puede pararlo."
    ),
    "`{command}` shows how many.": "`{command}` dice cuántas.",
    "The disk is almost full": "El disco está casi lleno",
    "Only {megabytes} MB are free on the disk of {folder}.": "Solo quedan {megabytes} MB en el disco de {folder}.",
    "Free some space: when it is full, voicemail cannot be recorded, and calls are recorded only while the reserve"
    " lasts.": (
        "Libere espacio: si se llena, no se graban mensajes de voz, y las llamadas solo mientras dure la reserva."
    ),
    "The backup has failed": "La copia de seguridad falló",
    "The backup of {folder} was not made: {words}": "No se hizo la copia de seguridad de {folder}: {words}",
    "Webhook {id} to {host} accepts nothing": "El webhook {id} a {host} no acepta nada",
    "Webhook {id} to {host} accepts nothing.": "El webhook {id} a {host} no acepta nada.",
    "Webhook {id} to {host} is stopped": "El webhook {id} a {host} está parado",
    "Webhook {id} to {host} is stopped.": "El webhook {id} a {host} está parado.",
    "It has accepted nothing since {when}.": "No acepta nada desde {when}.",
    "See `{command}`; `{other}` sends what was given up again.": (
        "Vea `{command}`; `{other}` envía otra vez lo que se dio por perdido."
    ),
    # --- several together, and the list of a day ---
    "{count} notices": "{count} avisos",
    "{dated}: {counts}": "{dated}: {counts}",
    "Tours today:": "Visitas de hoy:",
    "Missed calls and voicemails:": "Llamadas perdidas y mensajes de voz:",
    "Other open tasks:": "Otras tareas abiertas:",
    "- Task {id} (due {due}), {whom}: {told}": "- Tarea {id} (para el {due}), {whom}: {told}",
    "- and {count} more": "- y {count} más",
    "See `{command}`.": "Vea `{command}`.",
    "`{command}` shows everything about them.": "`{command}` lo dice todo de esta persona.",
}
"""Of those who call crm.services.outbox.notices, and of crm.services.notifying."""

WHOM = {
    "somebody without a number": "alguien sin número",
    "an unknown number": "un número desconocido",
    "a withheld number": "un número oculto",
    "a colleague": "un colega",
    "a lead": "un prospecto",
    "nobody": "nadie",
    "A lead": "Un prospecto",
    "A colleague": "Un colega",
    "Somebody": "Alguien",
    "a caller": "quien llama",
    "A caller": "Quien llama",
}
COUNTS = {
    "tour": "visita",
    "tours": "visitas",
    "missed call": "llamada perdida",
    "missed calls": "llamadas perdidas",
    "open task": "tarea abierta",
    "open tasks": "tareas abiertas",
}
