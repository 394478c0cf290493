"""Why something waits, was not done, or has ended."""

from __future__ import annotations

from crm.domain.fair_housing import WHY, Protected

PROTECTED = {
    Protected.RACE: "raza o color",
    Protected.ORIGIN: "origen o ciudadanía",
    Protected.RELIGION: "religión",
    Protected.SEX: "sexo, orientación o identidad de género",
    Protected.FAMILY: "situación familiar o estado civil",
    Protected.DISABILITY: "discapacidad",
    Protected.INCOME: "origen de los ingresos",
    Protected.AGE: "edad",
    Protected.MILITARY: "servicio militar",
    Protected.STEERING: "dirigir a la gente",
}
_CONCERNS = {
    Protected.RACE: "una vivienda está abierta a personas de toda raza y color",
    Protected.ORIGIN: "no puede importar de dónde viene alguien ni qué idioma habla",
    Protected.RELIGION: "puede leerse como pensado para personas de una religión",
    Protected.SEX: "puede leerse como pensado para un sexo, o para algunas parejas",
    Protected.FAMILY: (
        "las familias con hijos, y quienes viven solos o juntos, han de ser tan bienvenidos como los demás"
    ),
    Protected.DISABILITY: ("no se puede rechazar a personas con discapacidad ni a los animales que las asisten"),
    Protected.INCOME: "muchos estados y ciudades prohíben rechazar vales y otros ingresos lícitos",
    Protected.AGE: (
        "solo las viviendas para personas mayores pueden elegir por edad, y en otras muchos lugares lo prohíben"
    ),
    Protected.MILITARY: "muchos estados protegen a quien sirve o ha servido en el ejército",
    Protected.STEERING: "para quién es un barrio lo decide cada uno: describa la vivienda",
}
CONCERNS = {WHY[one]: said for one, said in _CONCERNS.items()}
PARTS = {
    "text": "texto",
    "headline": "titular",
    "policies": "normas",
    "concession": "oferta",
}
"""Of a listing, as crm.domain.listings names its texts."""

REASONS = {
    # --- follow-ups ---
    "Nothing is planned for stage {stage_set}.": "No hay nada previsto para la etapa {stage_set}.",
    "They have begun the application, so a person takes over.": "Ya empezó la solicitud, así que sigue una persona.",
    "They answered, so a person takes over.": "Contestó, así que sigue una persona.",
    "They were in touch, so a person takes over.": "Se puso en contacto, así que sigue una persona.",
    "A step came too late to be sent, so a person takes over.": (
        "Un paso llegó demasiado tarde para enviarse, así que sigue una persona."
    ),
    "{count} steps and {hours} without an answer.": "{count} pasos y {hours} sin respuesta.",
    "The sequence is over.": "La secuencia ha terminado.",
    "Step {count} of {all} in {stage_set}.": "Paso {count} de {all} en la etapa {stage_set}.",
    "A follow-up about {property} was due on {day} and was not sent: call or text them.": (
        "Un seguimiento sobre {property} era para el {day} y no se envió: llámele o envíele un texto."
    ),
    # --- calls that are not placed ---
    "{who} did not answer.": "{who} no contestó.",
    "{who} has no registered phone that is free.": "{who} no tiene ningún teléfono conectado y libre.",
    "The phone system could not ring the agent's phones.": "No se pudo llamar a los teléfonos del agente.",
    "Its task was done meanwhile.": "Su tarea se hizo mientras tanto.",
    "It was not picked up in time: Leaseline may not have been running.": (
        "No se tomó a tiempo: quizás Leaseline no estaba en marcha."
    ),
    "The app ended while the agent's phones rang.": ("El sistema se detuvo mientras sonaban los teléfonos del agente."),
    "Emergency numbers are dialed on a phone and go out directly; Leaseline does not dial them for anybody.": (
        "Los números de emergencia se marcan en un teléfono y salen directamente; Leaseline no los marca por nadie."
    ),
    "That is not a phone number: dial ten digits, or, for another country, 011 and the country code.": (
        "Eso no es un número de teléfono: marque diez cifras, o 011 y el prefijo para otro país."
    ),
    "That number is one of our own lines: choose one that does not lead back here.": (
        "Ese número es una de nuestras líneas: elija uno que no vuelva aquí."
    ),
    "{who} may not dial outside numbers: an admin can allow it.": (
        "{who} no puede llamar a números de fuera: quien administra puede permitirlo."
    ),
    "This person has asked not to be called: {words}.": "Esta persona pidió que no se le llame: {words}.",
    "{count} outside calls are in progress, which is the limit: try again when one has ended.": (
        "Hay {count} llamadas de fuera en curso, que es el límite: inténtelo de nuevo cuando termine alguna."
    ),
    "The office has reached its limit of {count} outside calls a day.": (
        "La oficina llegó a su límite de {count} llamadas de fuera al día."
    ),
    "{who} has reached the limit of {count} outside calls a day.": (
        "{who} llegó al límite de {count} llamadas de fuera al día."
    ),
    "There is no trunk for outgoing calls: add one, or enable one for them.": (
        "No hay troncal para llamadas salientes: añada una, o active una para ellas."
    ),
    "There is no line whose number can be shown: add one.": "No hay ninguna línea cuyo número mostrar: añada una.",
    "It is outside the hours in which people may be called without having asked, where this number is.": (
        "Donde está este número, no son horas de llamar a quien no lo ha pedido."
    ),
    "Nobody in {box} has a phone.": "Nadie en {box} tiene teléfono.",
    "There is nobody in {box}.": "No hay nadie en {box}.",
    # --- texts that are not sent ---
    "Dropped by {who} after a spike.": "Descartado por {who} tras una avalancha.",
    "The tour was moved or canceled, or is over.": "La visita se cambió o se canceló, o ya pasó.",
    "The trunk {trunk}, named by texts.trunk in leaseline.toml, does not exist or is not enabled: correct it.": (
        "La troncal {trunk}, que nombra texts.trunk en leaseline.toml, no existe o no está activa: corríjalo."
    ),
    # --- browsers that are not woken ---
    "Nothing is sent to this browser: its address is none.": (
        "A este navegador no se le envía nada: no da una dirección."
    ),
    "Nothing is sent to this browser: its service is not in console.push_hosts.": (
        "A este navegador no se le envía nada: su servicio no está en console.push_hosts."
    ),
    "Nothing is sent to this browser: its secret is none.": "A este navegador no se le envía nada: su clave no sirve.",
    "Nothing is sent to this browser: its key is none.": "A este navegador no se le envía nada: su clave no sirve.",
    "The receiver's address is refused: {words}.": "No se envía nada a la dirección del destino: {words}.",
    "It did not answer within {count} seconds.": "No contestó en {count} segundos.",
    "Its certificate is not trusted.": "Su certificado no es de confianza.",
    "Its name is unknown.": "Su nombre es desconocido.",
    "It cannot be reached ({words}).": "No se llega a él ({words}).",
    "It answered {count}, a redirect, which is not followed.": (
        "Contestó {count}, un desvío a otra dirección, que no se sigue."
    ),
    "It answered 410: it is gone and no longer accepts events.": "Contestó 410: ya no existe y no acepta nada más.",
    "It answered {count}.": "Contestó {count}.",
    # --- people ---
    "Both ask about the same home at {property}, and their names are alike.": (
        "Ambos preguntan por la misma vivienda en {property}, y sus nombres se parecen."
    ),
    "{who} gave {address} and {number}, which are theirs.": "{who} dio {address} y {number}, que son suyos.",
    "{who} ({address}) gave {number}, the number of {known}.": "{who} ({address}) dio {number}, el número de {known}.",
    "{who} ({number}) gave {address}, the address of {known}.": (
        "{who} ({number}) dio {address}, la dirección de {known}."
    ),
    "Wants no more texts: {words}": "No quiere más textos: {words}",
    "Wants no more texts and calls: {words}": "No quiere más textos ni llamadas: {words}",
    'Taken over: {field} {value}, from the words "{quoted}".': "Apuntado: {field} {value}, de las palabras «{quoted}».",
    "Was in a list of {leads} that was exported as {format}.": (
        "Estuvo en una lista de {leads} exportada como {format}."
    ),
    # --- tasks and what came of them ---
    "Said to the voice agent:\n{words}": "Dijo al agente de voz:\n{words}",
    "It names nobody who could be answered.": "No nombra a nadie a quien contestar.",
    "{count} of its {all} inquiries name nobody.": "{count} de sus {all} consultas no nombran a nadie.",
    "Only {count} inquiries were read: it breaks off, or has more.": (
        "Solo se leyeron {count} consultas: se corta, o tiene más."
    ),
    "It was for {who}.": "Era para {who}.",
    "Nothing left to answer.": "No queda nada que contestar.",
    "Their tour of {property} on {when} was canceled, because it is not leased any more: offer them another home.": (
        "Se canceló su visita a {property} del {when}, porque ya no se alquila: ofrézcale otra vivienda."
    ),
    "The application for {home} is in review.": "La solicitud de {home} está en revisión.",
    "The application for {home} was approved.": "La solicitud de {home} fue aprobada.",
    "The application for {home} was denied.": "La solicitud de {home} fue rechazada.",
    "The application for {home} was withdrawn.": "La solicitud de {home} fue retirada.",
    "The application for {home} was not finished, and deleted after {count} days.": (
        "La solicitud de {home} no se terminó, y se borró tras {count} días."
    ),
    "An unwanted caller.": "Llamadas no deseadas.",
    "Blocked as an unwanted caller.": "Bloqueado por llamadas no deseadas.",
    # --- what a listing says ---
    "{part} ({tongue}), character {count}: “{quoted}” ({protected}): {concern}": (
        "{part} ({tongue}), carácter {count}: «{quoted}» ({protected}): {concern}"
    ),
    # --- settings ---
    "Saved, but Asterisk has not read it yet: {words}.": "Guardado, pero Asterisk aún no lo ha leído: {words}.",
}
