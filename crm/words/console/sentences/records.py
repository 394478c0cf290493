"""What is written on tasks and in timelines: why there is something to do, what came of it, and what happened."""

from __future__ import annotations

RECORDS = {
    # --- calls ---
    "Called {property} and {went}.": "Llamó a {property} y {went}.",
    "Emergency in a home: Called {property} and {went}.": ("Emergencia en una vivienda: llamó a {property} y {went}."),
    "A concern, for a person: Called {property} and {went}.": (
        "Una queja, para una persona: llamó a {property} y {went}."
    ),
    "{who} called and {went}.": "{who} llamó y {went}.",
    "Emergency in a home: {who} called and {went}.": "Emergencia en una vivienda: {who} llamó y {went}.",
    "A concern, for a person: {who} called and {went}.": "Una queja, para una persona: {who} llamó y {went}.",
    "Called {property}; {agent} promised to call back.": "Llamó a {property}; {agent} prometió llamar.",
    "{who} left a voicemail of {seconds} s.": "{who} dejó un mensaje de voz de {seconds} s.",
    "They showed {number}, which is not a phone number.": "Mostró {number}, que no es un número de teléfono.",
    "They showed no number.": "No mostró número.",
    "The number was withheld.": "El número estaba oculto.",
    "{who} took it.": "{who} se encarga.",
    "They said: {gist}.": "Dijo: {gist}.",
    "They were promised an answer about {topics}.": "Se le prometió una respuesta sobre {topics}.",
    "A call is on record without its beginning, so nobody knows which line it came to.": (
        "Hay una llamada sin su comienzo, así que no se sabe a qué línea llegó."
    ),
    "A call came to {number}, which is not a line: add it, or have the carrier send it elsewhere.": (
        "Llegó una llamada al {number}, que no es una línea: añádala, o pida al operador que la envíe a otro sitio."
    ),
    "Somebody talked to the caller in this call.": "Alguien habló con quien llamó en esta llamada.",
    "Somebody talked with them on the phone.": "Alguien habló con esa persona por teléfono.",
    "{who} took the voicemail they left.": "{who} se encarga del mensaje de voz que dejó.",
    "Nobody had taken their voicemail, so {agents} were called about it.": (
        "Nadie se había encargado de su mensaje de voz, así que se llamó a {agents}."
    ),
    "{who} called, as {by} wrote after the call.": "{who} llamó, como anotó {by} tras la llamada.",
    # --- texts and emails ---
    "Wrote to {property}: {words}": "Escribió a {property}: {words}",
    "Wrote to {property}, but the text arrived empty or was too long for Asterisk: ask what it said.": (
        "Escribió a {property}, pero el texto llegó vacío o era demasiado largo para Asterisk: pregunte qué decía."
    ),
    "Opted out of texts with the words {quoted}; see whether that is what they meant: {words}": (
        "Pidió no recibir textos con las palabras {quoted}; mire si es lo que quería decir: {words}"
    ),
    "Wrote: {words}": "Escribió: {words}",
    "Texted: {words}": "Se le envió un texto: {words}",
    "Emailed {address} ({subject}): {words}": "Se le escribió a {address} ({subject}): {words}",
    "Wrote by email ({subject}): {words}": "Escribió por correo ({subject}): {words}",
    "Wrote by email: {words}": "Escribió por correo: {words}",
    "The email to {address} ({subject}) did not arrive.": "El correo a {address} ({subject}) no llegó.",
    "It could not be sent for two days.": "No se pudo enviar durante dos días.",
    "Replied with text {id}.": "Se contestó con el texto {id}.",
    "Answered with email {id}.": "Se contestó con el correo {id}.",
    "Opened our link to their application.": "Abrió nuestro enlace a su solicitud.",
    "Opened our link to {path}.": "Abrió nuestro enlace a {path}.",
    "{times} texts from unknown people came to {name} faster than they can be handled one by one, the last on {moment};"
    " they have no lead and no task.": (
        "Llegaron a {name} {times} textos de desconocidos, más de los que se pueden atender uno a uno, el último el"
        " {moment}; no tienen prospecto ni tarea."
    ),
    "Messages look like spam, so nobody was told of them.": "Hay mensajes que parecen spam, y no se avisó a nadie.",
    "It names nobody who could be answered: {words}": "No nombra a nadie a quien contestar: {words}",
    # --- forms of the site ---
    "Asked about {property}: {words}": "Preguntó por {property}: {words}",
    "Asked for a tour of {property}.": "Pidió una visita a {property}.",
    # --- tours ---
    "Booked a tour of {property} ({kind_of_tour}): {when}.": (
        "Reservó una visita a {property} ({kind_of_tour}): {when}."
    ),
    "Moved a tour of {property} ({kind_of_tour}): {when}.": (
        "Cambió una visita a {property} ({kind_of_tour}): {when}."
    ),
    "Canceled a tour of {property} ({kind_of_tour}): {when}.": (
        "Canceló una visita a {property} ({kind_of_tour}): {when}."
    ),
    "Took a tour of {property} ({kind_of_tour}): {when}.": "Hizo una visita a {property} ({kind_of_tour}): {when}.",
    "Missed a tour of {property} ({kind_of_tour}): {when}.": (
        "No vino a una visita a {property} ({kind_of_tour}): {when}."
    ),
    # --- the card ---
    "Entered by hand.": "Añadido a mano.",
    "Entered by hand again.": "Añadido a mano otra vez.",
    "Gave the name {name}.": "Dio el nombre {name}.",
    "Imported from {source}.": "Importado de {source}.",
    "Given to {name}.": "Asignado a {name}.",
    "Taken from {name}.": "Ya no es de {name}.",
    "Is now hot.": "Ahora es caliente.",
    "Is now cold.": "Ahora es frío.",
    "Is open again.": "Está abierto otra vez.",
    "Is in progress.": "Está en curso.",
    "Is new.": "Es nuevo.",
    "Closed: {words}": "Cerrado: {words}",
    "Confirmed to the voice agent: {words}.": "Confirmó al agente de voz: {words}.",
    "Is interested in {property}.": "Le interesa {property}.",
    "They are interested in {property}.": "Le interesa {property}.",
    "{property}: from {old} to {stage_set}.": "{property}: de {old} a {stage_set}.",
    "Set by {by}.": "Lo puso {by}.",
    "Set by {by}: {words}": "Lo puso {by}: {words}",
    "Wants no more news by email.": "No quiere más novedades por correo.",
    "Wants no more news by email ({address}): {words}": "No quiere más novedades por correo ({address}): {words}",
    "Wants no more texts ({number}): {words}": "No quiere más textos ({number}): {words}",
    "Wants no more texts and calls ({number}): {words}": "No quiere más textos ni llamadas ({number}): {words}",
    "Wants news by email again ({address}): {words}": "Quiere otra vez novedades por correo ({address}): {words}",
    "Wants texts and calls again ({number}): {words}": "Quiere otra vez textos y llamadas ({number}): {words}",
    "Everything that is known of them was written to a file.": (
        "Todo lo que se sabe de esta persona se guardó en un archivo."
    ),
    # --- two leads ---
    "May be the same person as lead {id} ({name}): {words}": (
        "Quizá sea la misma persona que el prospecto {id} ({name}): {words}"
    ),
    "Is not the same person as lead {id}.": "No es la misma persona que el prospecto {id}.",
    "Lead {id} ({name}) was merged into this one.": "El prospecto {id} ({name}) se unió a este.",
    "Was merged into lead {id}.": "Se unió al prospecto {id}.",
    "The merge with lead {id} ({name}) was undone.": "La unión con el prospecto {id} ({name}) se deshizo.",
    "The merge with lead {id} was undone.": "La unión con el prospecto {id} se deshizo.",
    # --- tasks ---
    "Task {id} for {owner}: {rest}": "Tarea {id} para {owner}: {rest}",
    "Task {id} given to {owner} by {by}.": "Tarea {id}: {by} la dio a {owner}.",
    "Task {id} taken by {who}.": "Tarea {id}: la tomó {who}.",
    "Task {id} passed on to {who}: {owner} did not do it in time.": (
        "Tarea {id}: pasó a {who}, porque {owner} no la hizo a tiempo."
    ),
    # --- follow-ups and applications ---
    "A follow-up about {property} was due on {day}, too long ago to be sent.": (
        "Un seguimiento sobre {property} tocaba el {day}, hace demasiado para enviarlo."
    ),
    "There is no number to text to.": "No hay número al que enviar un texto.",
    "The property is not leased any more.": "La propiedad ya no se alquila.",
    "The lead is in another stage now.": "El prospecto está ahora en otra etapa.",
    "Canceled by {by}.": "Lo canceló {by}.",
    "Invited to apply for {home}.": "Se le invitó a solicitar {home}.",
    "Invited again to apply for {home}.": "Se le invitó otra vez a solicitar {home}.",
    "Began an application for {home}.": "Empezó una solicitud de {home}.",
    "Submitted the application for {home}.": "Envió la solicitud de {home}.",
    "The application for {home} is not finished: ask whether they need help.": (
        "La solicitud de {home} no está terminada: pregunte si necesita ayuda."
    ),
    "Review the application for {home}, and answer it.": "Revise la solicitud de {home}, y contéstela.",
    "The application was {decided}.": "La solicitud fue {decided}.",
}
"""Of crm.services: why and result of tasks, and the text of timeline entries."""

WENT = {
    "talked": "habló con alguien",
    "talked, and left a voicemail of {seconds} s after that": (
        "habló con alguien, y dejó después un mensaje de voz de {seconds} s"
    ),
    "talked, but was then parked or transferred, and nobody picked up": (
        "habló con alguien, pero luego se le estacionó o pasó, y nadie contestó"
    ),
    "talked for {seconds} s": "habló {seconds} s",
    "talked for {minutes} min {seconds} s": "habló {minutes} min {seconds} s",
    "was cut off: the phone system was stopped in the middle of the talk": (
        "se cortó: el sistema telefónico se detuvo en medio de la conversación"
    ),
    "was cut off: the phone system failed in the middle of the talk": (
        "se cortó: el sistema telefónico falló en medio de la conversación"
    ),
    "was cut off: a line was lost in the middle of the talk": (
        "se cortó: se perdió una línea en medio de la conversación"
    ),
    "{cut}, and left a voicemail of {seconds} s": "{cut}, y dejó un mensaje de voz de {seconds} s",
    "left a voicemail of {seconds} s": "dejó un mensaje de voz de {seconds} s",
    "asked, without choosing a property, in a voicemail of {seconds} s": (
        "preguntó, sin elegir propiedad, en un mensaje de voz de {seconds} s"
    ),
    "booked a tour with the voice agent": "reservó una visita con el agente de voz",
    "booked a tour by key": "reservó una visita con las teclas",
    "got a link by text from the voice agent": "recibió del agente de voz un enlace por texto",
    "got the link to the listings by text": "recibió por texto el enlace a las viviendas",
    "talked with the voice agent": "habló con el agente de voz",
    "did not reach any of our lines": "no llegó a ninguna de nuestras líneas",
    "was turned away: the number is on the block list": "no pasó: el número está bloqueado",
    "was connected with the answering service": "pasó al servicio de contestación",
    "was connected with the number that calls are forwarded to": "pasó al número al que se desvían las llamadas",
    "kept their place in line, to be called back": "guardó su turno, para que se le llame",
    "was not reached": "no contestó",
    "reached nobody": "no encontró a nadie",
    "hung up on the voice agent": "colgó al agente de voz",
    "hung up while phones rang": "colgó mientras sonaban los teléfonos",
    "was cut off when the phone was answered": "se cortó al contestarse el teléfono",
    "hung up just as the phone was answered": "colgó justo al contestarse el teléfono",
    "was hung up on as soon as the phone was answered": "se le colgó nada más contestarse el teléfono",
    "was cut off as soon as the phone was answered": "se cortó nada más contestarse el teléfono",
    "did not book any of the tours offered": "no reservó ninguna de las visitas ofrecidas",
    "hung up while waiting for somebody to become free": "colgó mientras esperaba a que alguien quedara libre",
    "did not say which property it was about": "no dijo de qué propiedad se trataba",
    "left no voicemail when nobody answered": "no dejó mensaje de voz cuando nadie contestó",
    "heard a busy signal, because the phone system was being stopped": (
        "oyó la señal de ocupado, porque se detenía el sistema telefónico"
    ),
    "hung up in the menu": "colgó en el menú",
    "did not get through: {reason} (SIP {code})": "no pudo entrar (SIP {code})",
}
"""What became of a call, as crm.domain.story says it: the second half of a sentence."""

WEEKDAYS = {"Mon": "lun", "Tue": "mar", "Wed": "mié", "Thu": "jue", "Fri": "vie", "Sat": "sáb", "Sun": "dom"}
COUNTED = {"calls": "llamadas", "texts": "textos", "inquiries": "consultas", "applications": "solicitudes"}
DECIDED = {"approved": "aprobada", "denied": "rechazada", "withdrawn": "retirada"}
