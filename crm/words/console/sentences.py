"""Sentences that the routing decision, the gate of texts and the doctor write in English, told in Spanish.

They are on record as sentences, for years back, so they are recognized by their words: a sentence with places, such as
"The caller chose {what} by key.", stands for all that differ from it there only. What fills a place is taken over, or,
where PLACES knows it, is a word of ours as well. What is not recognized stays English.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache

from crm.domain.calls import Outcome
from crm.domain.leads import LeasingStage
from crm.domain.ringing import StageName, Strategy
from crm.domain.route_inputs import CallerKind
from crm.domain.route_plan import Path
from crm.domain.tasks import TaskKind
from crm.words.codes import WORDS as ENGLISH
from crm.words.console.codes import DESKS, TONGUES
from crm.words.console.codes import SPANISH as CODES

QUESTIONS = {
    "menu": "el menú",
    "link": "si quiere algo más, tras enviarle el enlace",
    "who": "quién es",
    "urgent": "si es urgente",
    "same": "si es sobre la misma propiedad",
    "area": "la zona",
    "letters": "las primeras letras de la propiedad",
    "property": "la propiedad",
    "voice_agent": "qué desea, por el agente de voz",
    "tour": "la hora de una visita",
}
TEXTS = {
    "listings_link": "el enlace a las viviendas",
    "missed_call": "la llamada perdida",
    "callback": "que se le llamará",
    "follow_up": "seguimiento",
    "tour": "visita",
    "tour_reminder": "recordatorio de la visita",
    "application": "solicitud",
    "agent": "escrito por nosotros",
    "stop_confirmed": "baja confirmada",
    "start_confirmed": "alta confirmada",
    "help": "ayuda",
    "staff": "a nuestra gente",
    "inbound": "recibido",
}

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

GATE = {
    "It would come too late to be useful.": "Llegaría demasiado tarde para servir.",
    "The limit of {most} {counted} an hour is reached.": "Se alcanzó el límite por hora: {most} {counted}.",
    "The limit of {most} {counted} a day is reached.": "Se alcanzó el límite por día: {most} {counted}.",
    "The person opted out of texts: {evidence}.": "La persona pidió no recibir textos: {evidence}.",
    "on {day} they wrote {words}": "el {day} escribió {words}",
    "on {day} the carrier said {words}": "el {day} lo dijo el operador: {words}",
    "on {day} noted by {words}": "el {day} lo anotó {words}",
    "The person withholds their number, so no automatic text goes to it.": (
        "La persona oculta su número, así que no se le envían textos automáticos."
    ),
    "The person opted out, and this answers the word they sent.": (
        "La persona pidió no recibir textos, y esto contesta a la palabra que envió."
    ),
    "Quiet hours of {zones}; a follow-up waits until they are over.": (
        "Horas de silencio de {zones}; un seguimiento espera a que terminen."
    ),
    "It is outside the quiet hours.": "No son horas de silencio.",
    "Quiet hours do not hold back {text}.": "Las horas de silencio no retienen {text}.",
    "Automatic texts are paused after a spike, until that ends or somebody resumes them.": (
        "Los textos automáticos están en pausa por una avalancha, hasta que pase o alguien los reanude."
    ),
    "That is a premium-rate number, so it is blocked.": "Ese es un número de tarifa especial, y está bloqueado.",
    "Numbers that begin like this one are blocked in the settings.": (
        "Los ajustes bloquean los números que empiezan así."
    ),
    "Numbers in that country or area are not allowed in the settings.": (
        "Los ajustes no permiten números de ese país o esa zona."
    ),
}
"""Of crm.domain.gate, and of what crm.domain.dialing refuses to text."""

FINDINGS = {
    "Nothing waits.": "Nada espera.",
    # --- the machine and the programs ---
    "{n} MB are free, and the reserve of {reserve} MB had to be given up.": (
        "Hay {n} MB libres, y hubo que soltar la reserva de {reserve} MB."
    ),
    "{n} MB are free.": "Hay {n} MB libres.",
    "{worker}, since {at} UTC: {trouble}": "{worker}, desde {at} UTC: {trouble}",
    "{n} callers were refused since Asterisk started, the last by limits.{name}.": (
        "Desde que arrancó Asterisk se rechazó a {n} personas, la última por limits.{name}."
    ),
    "There are RTP ports for {n} callers besides calls out, and {phones} phones.": (
        "Hay puertos RTP para {n} personas además de las llamadas hacia fuera, y {phones} teléfonos."
    ),
    "Asterisk may open {n} files and needs {needed} when everyone is on a call.": (
        "Asterisk puede abrir {n} archivos y necesita {needed} cuando todos están en una llamada."
    ),
    "Near the limit: {what}.": "Cerca del límite: {what}.",
    "{path} cannot be written by this user.": "Este usuario no puede escribir en {path}.",
    "Another home on this database, {home}, has the same node name as this one, {node}.": (
        "Otra instalación en esta base de datos, {home}, se llama como esta, {node}."
    ),
    "This node is {node}.": "Este nodo es {node}.",
    "{path} has no {names}.": "A {path} le falta {names}.",
    "{file} and its key {key} cannot be used ({reason}).": "{file} y su clave {key} no se pueden usar ({reason}).",
    "{file} ended on {day}.": "{file} venció el {day}.",
    "Dropped when the home was released, because the home it is a copy of has sent it.": (
        "Se descartó al liberar la instalación, porque ya lo envió aquella de la que es copia."
    ),
    "{path} cannot be read, so nobody knows whether this home is a copy.": (
        "{path} no se puede leer, así que no se sabe si esta instalación es una copia."
    ),
    "This home comes from another machine.": "Esta instalación viene de otra máquina.",
    "This home was at {home} before.": "Esta instalación estaba antes en {home}.",
    "Phones can use SIP over TLS.": "Los teléfonos pueden usar SIP sobre TLS.",
    "None is scheduled.": "No hay ninguna programada.",
    "The last one was not made: {why}": "La última no se hizo: {why}",
    "The last one is {n} days old.": "La última tiene {n} días.",
    "Asterisk is installed.": "Asterisk está instalado.",
    "The set of programs is {n} day old": "El conjunto de programas tiene {n} día",
    "The set of programs is {n} days old": "El conjunto de programas tiene {n} días",
    "{age}, and another one waits for the next start of Asterisk.": (
        "{age}, y otro espera al próximo arranque de Asterisk."
    ),
    "{age}; Asterisk is {old}, and {new} is available.": "{age}; Asterisk es {old}, y ya hay {new}.",
    "{age}; the newest versions are being looked up.": "{age}; se están buscando las versiones nuevas.",
    "{age}; the newest versions could not be looked up{reason}.": (
        "{age}; no se pudieron buscar las versiones nuevas{reason}."
    ),
    "It answers.": "Contesta.",
    "It gives no sign of life.": "No da señales de vida.",
    "No text, email, ordered call or follow-up is sent: {what}": (
        "No sale ningún texto, correo, llamada pedida ni seguimiento: {what}"
    ),
    "{names} would not be restarted: the supervisor was killed.": (
        "{names} no se reiniciaría: el supervisor fue terminado a la fuerza."
    ),
    "Asterisk sent {n} events of a kind the app does not know.": (
        "Asterisk envió {n} sucesos de una clase que la aplicación no conoce."
    ),
    "It answers and is at {revision}.": "Contesta y está en {revision}.",
    "Their process runs.": "Su proceso funciona.",
    "Port {port} ({name}) is in use by another program, or not allowed here.": (
        "El puerto {port} ({name}) lo usa otro programa, o aquí no está permitido."
    ),
    "All are free.": "Todos están libres.",
    "{home} is open to other users ({mode}).": "{home} está abierto a otros usuarios ({mode}).",
    "Only this user can open {home}.": "Solo este usuario puede abrir {home}.",
    "Node {node} ({home}) has given no sign of life since {at} UTC.": (
        "El nodo {node} ({home}) no da señales de vida desde {at} UTC."
    ),
    "{path} can be read by other users.": "Otros usuarios pueden leer {path}.",
    "Only this user can read {path}.": "Solo este usuario puede leer {path}.",
    "None has been made yet.": "Aún no se ha hecho ninguna.",
    "{age}, and {n} of its packages have newer versions.": "{age}, y {n} de sus paquetes tienen versiones nuevas.",
    "It is not connected to Asterisk.": "No está conectada a Asterisk.",
    "It runs (process {pid}) and is connected to Asterisk.": "Funciona (proceso {pid}) y está conectada a Asterisk.",
    "Their process does not run: no console, site or API.": ("Su proceso no funciona: no hay consola, sitio ni API."),
    "Their process hangs: no console, site or API.": "Su proceso está colgado: no hay consola, sitio ni API.",
    "There is room for {n} callers at the same time.": "Caben {n} personas que llamen a la vez.",
    "{file} was not checked: {why}": "{file} no se comprobó: {why}",
    "{url} is not https: anybody on the way reads passwords.": (
        "{url} no es https: cualquiera en el camino lee las contraseñas."
    ),
    "Browsers reach it at {url}.": "Los navegadores la alcanzan en {url}.",
    "It can be reached from this machine alone.": "Solo se alcanza desde esta máquina.",
    "{file} is gone.": "{file} ya no está.",
    "{age}, and Asterisk is the newest available, as of {day}.": (
        "{age}, y Asterisk es el más nuevo que hay, a fecha de {day}."
    ),
    "{age}; Asterisk is this machine's own, and is updated with it.": (
        "{age}; Asterisk es el de esta máquina, y se actualiza con ella."
    ),
    "{file} was made and checked.": "{file} se hizo y se comprobó.",
    # --- mail ---
    "{n} emails and posts have not been read for ten minutes.": (
        "Hace diez minutos que {n} correos y envíos no se leen."
    ),
    "{n} could not be read in 30 days.": "En 30 días, {n} no se pudieron leer.",
    "No mailbox is read: mail.in.server is empty.": "No se lee ningún buzón: mail.in.server está vacío.",
    "The folder {folder} on {server} has never been read.": "La carpeta {folder} en {server} no se ha leído nunca.",
    "{there} emails are in the folder {folder}, and {here} of them are stored here, but only as of {at} UTC: it has "
    "not been read since.": (
        "En la carpeta {folder} hay {there} correos, y {here} de ellos están aquí, pero a fecha de {at} UTC: desde "
        "entonces no se ha leído."
    ),
    "{there} emails are in the folder {folder}, and {here} of them are stored here, as of {at} UTC.": (
        "En la carpeta {folder} hay {there} correos, y {here} de ellos están aquí, a fecha de {at} UTC."
    ),
    "The files of {n} emails are gone: arrivals {some}.": "Faltan los archivos de {n} correos: llegadas {some}.",
    "{n} emails have come in, and the file of each is here.": "Han llegado {n} correos, y está el archivo de cada uno.",
    "No mail server is set, and {n} emails are waiting.": "No hay servidor de correo, y esperan {n} correos.",
    "No mail server is set; no email is waiting.": "No hay servidor de correo; no espera ningún correo.",
    "{n} emails of this week have not been sent.": "No han salido {n} correos de esta semana.",
    # --- the office ---
    "tasks.manager is {name}, which is no agent, so nobody else is told of tasks that are passed on.": (
        "tasks.manager es {name}, que no es un agente, así que nadie más sabe de las tareas que se pasan."
    ),
    "Not open within {n} days: {names}. Callers can only leave voicemail.": (
        "No abren en {n} días: {names}. Quien llama solo puede dejar un mensaje."
    ),
    "There is no longer a holiday calendar for {region}, so no holidays are kept.": (
        "Ya no hay calendario de feriados para {region}, así que no se guarda ninguno."
    ),
    "Calls for {desk} of {where} reach nobody: {what}": "Las llamadas de {desk}, de {where}, no llegan a nadie: {what}",
    "There are {kinds} among the contacts, but no desk for them: they reach the leasing team.": (
        "Entre los contactos hay {kinds}, pero no mostrador para ellos: llegan al equipo de alquiler."
    ),
    "There is an admin, who owns what nobody else owns.": "Hay quien administra, y tiene lo que nadie más tiene.",
    "There is no admin to own what nobody else owns.": "No hay quien administre y tenga lo que nadie más tiene.",
    "The admin does not get them: {why}.": "Quien administra no las recibe: {why}.",
    "no mail server is set": "no hay servidor de correo",
    "the admin has no email address": "no tiene dirección de correo",
    "There are {n}.": "Hay {n}.",
    "There are none, so no call is expected.": "No hay ninguna, así que no se espera ninguna llamada.",
    "{n} of {most} are missing, such as {name}.": "Faltan {n} de {most}, por ejemplo {name}.",
    "All {n} are there.": "Están los {n}.",
    "There is no link to text for {some}.": "No hay enlace que enviar por texto para {some}.",
    "Every line has a link to text.": "Cada línea tiene un enlace que enviar por texto.",
    "On duty: {some}.": "De turno: {some}.",
    "No agent with a device is on duty, so every caller gets voicemail.": (
        "Ningún agente con teléfono está de turno, así que quien llama oye el buzón de voz."
    ),
    "Every extension reaches its agent.": "Cada extensión llega a su agente.",
    "The office and its properties open within {n} days.": "La oficina y sus propiedades abren en {n} días.",
    "Calls for {desks} have a desk.": "Las llamadas de {desks} tienen un mostrador.",
    "Its number may be dialed.": "Su número se puede marcar.",
    "{language}.toml lacks {n} sentences, such as {name}.": (
        "A {language}.toml le faltan {n} frases, por ejemplo {name}."
    ),
    "The hours of {name} are entirely outside those of the office.": (
        "El horario de {name} queda todo fuera del de la oficina."
    ),
    "{number} is not dialed: {why}": "{number} no se marca: {why}",
    "{n} can sign in to the console, an admin among them.": (
        "{n} pueden entrar en la consola, y entre ellos quien administra."
    ),
    "There is no admin who can sign in to the console.": "Nadie que administre puede entrar en la consola.",
    # --- phones ---
    "Registered without TLS, so calls do not reach them: {some}.": (
        "Registrados sin TLS, así que no les llegan llamadas: {some}."
    ),
    "The callback number of {name}, {number}, is not one of our lines, so emergency services cannot call the phone "
    "back.": (
        "El número para devolver llamadas de {name}, {number}, no es una línea nuestra: emergencias no puede devolver "
        "la llamada al teléfono."
    ),
    "The callback number of {name}, {number}, is also a leasing line, so after an emergency call unknown prospects "
    "ring the phone that made it.": (
        "El número para devolver llamadas de {name}, {number}, es también una línea de alquiler: tras una emergencia, "
        "quienes llamen por vivienda harán sonar ese teléfono."
    ),
    "Registered, but did not ring when last called: {some}.": "Registrados, pero la última vez no sonaron: {some}.",
    "No phone of any agent on duty can be rung, so every caller gets voicemail.": (
        "No puede sonar el teléfono de ningún agente de turno, así que quien llama oye el buzón de voz."
    ),
    "Can be rung: {some}.": "Pueden sonar: {some}.",
    "Not registered or not answering: {some}.": "Sin registrar o sin contestar: {some}.",
    "Also rung: {some}.": "También suenan: {some}.",
    "Phones in browsers may use {some}.": "Los teléfonos en navegadores pueden usar {some}.",
    "People work from outside, but without a TURN server, some of them will hear nothing in their browsers.": (
        "Hay quien trabaja desde fuera, pero sin un servidor TURN algunos no oirán nada en su navegador."
    ),
    "There is none in use, so no call can come in.": "No hay ninguna en uso, así que no puede entrar ninguna llamada.",
    "Answering: {some}.": "Contestan: {some}.",
    "Nobody has called {some} yet, so it is not known whether the carrier sends those calls here.": (
        "Nadie ha llamado aún a {some}, así que no se sabe si el operador envía aquí esas llamadas."
    ),
    "Calls have come in, for example to {number}.": "Han entrado llamadas, por ejemplo al {number}.",
    "No location: {some}. An emergency call from there reports the wrong address.": (
        "Sin lugar: {some}. Una llamada de emergencia desde ahí da una dirección equivocada."
    ),
    "There is no trunk for emergency calls.": "No hay troncal para llamadas de emergencia.",
    "Nobody who is notified of emergency calls has a mobile or an email address.": (
        "Nadie de quienes reciben aviso de una emergencia tiene móvil o correo."
    ),
    "Calls go out through {some}, and every phone has a location.": (
        "Las llamadas salen por {some}, y cada teléfono tiene un lugar."
    ),
    "Whether the carrier has the address of {some} cannot be seen from here.": (
        "Desde aquí no se ve si el operador tiene la dirección de {some}."
    ),
    "DND of {name} has no end.": "El «no molestar» de {name} no tiene fin.",
    "{name} forwards calls by itself, which counts as declining them.": (
        "{name} desvía llamadas por su cuenta, y eso cuenta como rechazarlas."
    ),
    "Calls are to go to {where}, which is not dialed: {why}": "Hay llamadas que van a {where}, que no se marca: {why}",
    "{name} has a user name but no password.": "{name} tiene usuario pero no contraseña.",
    "{name} does not answer SIP OPTIONS ({state}), so calls go out through it last.": (
        "{name} no contesta a SIP OPTIONS ({state}), así que las llamadas salen por ella en último lugar."
    ),
    "{name} gives callers' numbers that cannot be read, such as {digits}.": (
        "{name} da números de quienes llaman que no se pueden leer, como {digits}."
    ),
    "texts.carrier is {name}, but its secret is missing.": "texts.carrier es {name}, pero falta su clave secreta.",
    "web.public_url is empty, so webhooks cannot be checked behind a proxy.": (
        "web.public_url está vacío, así que los webhooks no se pueden comprobar detrás de un proxy."
    ),
    "They leave through {some}; over SIP, nobody reports whether they arrive.": (
        "Salen por {some}; por SIP, nadie informa de si llegan."
    ),
    "All leasing calls go to {number} instead of to the team, {how}.": (
        "Todas las llamadas de alquiler van al {number} en vez de al equipo, {how}."
    ),
    "texts.trunk names {name}, which is not in use, so no text is sent.": (
        "texts.trunk nombra {name}, que no está en uso, así que no sale ningún texto."
    ),
    # --- the voice agent ---
    "The office's changes to its dialogue are left out. {what}": (
        "No se aplican los cambios de la oficina en su diálogo. {what}"
    ),
    "The sentence model in {folder} has no {name}, so only patterns tell what callers mean.": (
        "Al modelo de frases en {folder} le falta {name}, así que solo los patrones dicen qué quiere quien llama."
    ),
    "The voice for {language} is not there ({file}): it speaks with that of the prompts.": (
        "No está la voz para {language} ({file}): habla con la de los avisos."
    ),
    "It answers nobody: the menu does.": "No contesta a nadie: lo hace el menú.",
    "It has no model to hear with: callers get the menu.": "No tiene modelo con que oír: quien llama oye el menú.",
    "It answers ({where}).": "Contesta ({where}).",
    "It cannot hear, so callers get the menu: {why}.": "No puede oír, así que quien llama oye el menú: {why}.",
    "Its process does not run: callers get the menu.": "Su proceso no funciona: quien llama oye el menú.",
    # --- work ---
    "These belong to no call on record: {some}.": "Estos no son de ninguna llamada registrada: {some}.",
    "The audio is gone for {some}.": "Ya no está el audio de {some}.",
    "{failed} failed or unknown this week, {stuck} not sent in time. The latest: {reason}": (
        "{failed} fallaron o no se sabe esta semana, {stuck} no salieron a tiempo. Lo último: {reason}"
    ),
    "{failed} failed or unknown this week, {stuck} not sent in time.": (
        "{failed} fallaron o no se sabe esta semana, {stuck} no salieron a tiempo."
    ),
    "{n} are overdue.": "{n} están atrasadas.",
    "{n} may be lost: nobody is responsible for the caller.": "{n} quizá se perdieron: nadie responde de quien llamó.",
    "{n} recordings and voicemails take {size} MB.": "{n} grabaciones y mensajes de voz ocupan {size} MB.",
    "{n} facts about calls are not in the database.": "{n} datos de llamadas no están en la base de datos.",
    "{n} facts about calls could not be recorded.": "{n} datos de llamadas no se pudieron registrar.",
    "{n} calls that Asterisk handled alone are not imported.": (
        "Faltan por importar {n} llamadas que Asterisk atendió solo."
    ),
    "The receivers of all {n} take what is sent.": "Los receptores de los {n} aceptan lo que se envía.",
    "{name} is not reached: {why}": "No se llega a {name}: {why}",
    "{n} people can be woken.": "Se puede despertar a {n} personas.",
    "voice.whisper_model names no model, so voicemail has no transcripts.": (
        "voice.whisper_model no nombra ningún modelo, así que el buzón de voz no se transcribe."
    ),
    "Every voicemail and recording has its audio, and all audio has its call.": (
        "Cada mensaje y grabación tiene su audio, y cada audio su llamada."
    ),
    "Voicemail has no transcripts: {why}.": "El buzón de voz no se transcribe: {why}.",
    "The model in {folder} is there.": "Está el modelo en {folder}.",
    "They are paused: callers have triggered {n} in {minutes} minutes, far more than usual.": (
        "Están en pausa: quienes llaman provocaron {n} en {minutes} minutos, mucho más de lo usual."
    ),
}
"""Of crm.services.system.checks."""

CHECKS = {
    "home": "instalación",
    "node": "nodo",
    "passwords": "contraseñas",
    "certificate": "certificado",
    "disk": "disco",
    "backup": "copia de seguridad",
    "programs": "programas",
    "packages": "paquetes",
    "app": "aplicación",
    "sending": "envíos",
    "keeper": "supervisor",
    "events": "sucesos",
    "database": "base de datos",
    "workers": "trabajos",
    "pages": "páginas",
    "console": "consola",
    "limits": "límites",
    "ports": "puertos",
    "arrivals": "llegadas",
    "inquiries": "consultas",
    "mailbox": "buzón de correo",
    "emails": "correos",
    "desks": "mostradores",
    "office": "oficina",
    "lines": "líneas",
    "prompts": "locuciones",
    "listings": "viviendas",
    "agents": "agentes",
    "extensions": "extensiones",
    "manager": "responsable",
    "hours": "horario",
    "holidays": "feriados",
    "answering service": "servicio de contestación",
    "languages": "idiomas",
    "users": "usuarios",
    "emergency": "emergencias",
    "devices": "dispositivos",
    "forwarding": "desvíos",
    "relays": "relés",
    "trunks": "troncales",
    "texts": "textos",
    "voice agent": "agente de voz",
    "tasks": "tareas",
    "calls": "llamadas",
    "mail": "correo saliente",
    "recordings": "grabaciones",
    "journal": "diario",
    "rejected": "rechazados",
    "spool": "por importar",
    "closed browsers": "navegadores cerrados",
    "transcripts": "transcripciones",
    "sound": "audio",
    "automatic texts": "textos automáticos",
}
"""What the doctor looks at; those that are not here are called alike."""

FIXES = {
    # --- the machine and the programs ---
    "app_down": "Arránquela con `leaseline up`.",
    "app_in_trouble": "Hay más en {folder}.",
    "worker_in_trouble": "Hay más en {folder}.",
    "app_not_connected": "El motivo está en {folder}; lo sigue intentando.",
    "asterisk_down": "Arránquelo con `leaseline up`.",
    "backup_failed": "Cuando eso esté arreglado: `leaseline backup run`.",
    "backup_gone": "Haga otra con `leaseline backup run`.",
    "backup_none": "La aplicación la hace mientras funciona; `leaseline backup run` la hace ahora.",
    "backup_old": "La aplicación las hace mientras funciona; `leaseline backup run` hace una ahora.",
    "backup_room_low": "Haga sitio, o guarde menos con `leaseline backup schedule --keep`.",
    "backup_unchecked": "`leaseline backup check {file}`",
    "certificate_ours": "`leaseline up` los hace.",
    "certificate_theirs": "Corrija sip.certificate y sip.private_key en leaseline.toml.",
    "console_certificate": "Renuévelo; uno nuevo se toma solo. Sus rutas están en {settings}.",
    "console_refused": "Defínalo en {settings}, y después `leaseline reload`.",
    "database_down": "Compruebe el disco y el servidor de la base de datos.",
    "database_foreign": "Actualice Leaseline, o ponga en su lugar una copia que corresponda.",
    "database_old": "Póngala al día con `leaseline db upgrade`.",
    "disk_full": "Libere espacio en el disco de {home}.",
    "disk_low": "Libere espacio en el disco de {home}.",
    "events_unknown": "Actualice Leaseline a una versión para este Asterisk.",
    "home_not_writable": "Ejecútelo con el usuario a quien pertenece.",
    "home_open": "chmod 700 {home}",
    "limits_files": "Súbalo con `ulimit -n`, o LimitNOFILE= en la unidad.",
    "limits_near": "`leaseline status` muestra quién llama.",
    "limits_refused": "Súbalo en {settings}, o pida al operador de la troncal {trunk} que pare la avalancha.",
    "limits_rtp": "Suba ports.rtp_last en {settings}.",
    "node_silent": (
        "Arránquelo otra vez. Tras una hora los demás cierran las llamadas que dejó abiertas; tras un mes lo olvidan."
    ),
    "node_twice": "Pare uno de los dos, borre su {file}, y arránquelo otra vez.",
    "packages_old": "`leaseline setup refresh` los trae para el próximo arranque de Asterisk.",
    "packages_waiting": "Pare Leaseline con `leaseline down` cuando nadie esté en línea, y arránquelo otra vez.",
    "pages_down": "Mire `leaseline logs --pages`; se arrancan otra vez solas.",
    "pages_hang": "`leaseline up` las arranca otra vez en menos de un minuto; mire `leaseline logs --pages`.",
    "port_taken": "Defina otro ports.{name} en {settings}.",
    "program_missing": "Ejecute script/setup.",
    "programs_left": "`leaseline up` los toma a su cargo, `leaseline down` los termina.",
    "secrets_missing": "`leaseline up` las hace.",
    "secrets_open": "chmod 600 {path}",
    "secrets_unreadable": "Recupere el archivo de una copia de seguridad.",
    "sending_held": "Si desde ahora se envía desde esta instalación: `leaseline home release`.",
    # --- the office ---
    "extension_hidden": "Dele otra con `leaseline agent set SLUG --extension`, o cambie el ajuste.",
    "manager_unknown": "Nombre uno con `leaseline config set tasks.manager SLUG`, y después `leaseline reload`.",
    "console_admin_missing": "`leaseline up` muestra un enlace que la crea; también `leaseline user invite NAME`.",
    "console_plain": "Ponga en console.public_url la dirección https de un proxy con certificado.",
    "admin_missing": "Elija a alguien con `leaseline agent set SLUG --admin`.",
    "answering_service_of_office": "Dé otro número con `leaseline office set --answering-service NUMBER`.",
    "answering_service_of_subteam": "Dé otro número con `leaseline subteam set {subteam} --answering-service NUMBER`.",
    "desk_missing": "Cree uno con `leaseline desk set {kind}`.",
    "desk_unreachable": "Nombre otro destino con `leaseline desk set {kind}`.",
    "holiday_calendar_gone": "Nombre otro con `leaseline holiday set`.",
    "hours_closed": "`leaseline hours show` y `holiday list` muestran por qué.",
    "hours_of_agent_outside": (
        "`leaseline agent hours {agent} ...`, a no ser que {agent} deba contestar solo fuera de horario."
    ),
    "language_incomplete": "Añádalas a {language}.toml, junto a en.toml, o quite el idioma de menu.languages.",
    "lines_missing": "Añada una con `leaseline line add`.",
    "listings_url_missing": "Dé uno a la oficina, `leaseline office set --listings-url URL`, o a una propiedad.",
    "nobody_on_duty": "Ponga a alguien de turno con `leaseline agent set SLUG --on-duty`.",
    "prompts_missing": "Arranque `leaseline up`, que las hace.",
    # --- phones ---
    "callback_advertised": (
        "Añada una línea propia, sin propiedad ni origen, y désela con `leaseline location set {location} --callback`."
    ),
    "callback_not_ours": "Añada la línea, o dé otra con `leaseline location set {location} --callback`.",
    "caller_numbers_unread": (
        "Diga cómo los da con `leaseline trunk set {trunk} --number-format`, por ejemplo 9national."
    ),
    "device_without_location": (
        "Añada el lugar con `leaseline location add`, y después `leaseline device set SLUG --location LOCATION`."
    ),
    "devices_deaf": (
        "La pestaña del teléfono puede estar dormida: ábrala otra vez, y exclúyala del ahorro de memoria del navegador."
    ),
    "devices_plain": "Ponga el transporte del teléfono en TLS, o `leaseline device set SLUG --no-encrypted`.",
    "devices_silent": "Compruebe la corriente, la red y la cuenta del teléfono.",
    "dnd_endless": "Si se olvidó: `leaseline dnd off {device}`.",
    "emergency_untold": "`leaseline agent set SLUG --email ADDRESS`, y `leaseline emergency notify add SLUG`.",
    "emergency_without_trunk": "Nombre una con `leaseline trunk set SLUG --emergency`.",
    "forwarding_of_agent_refused": "Dé otro número, o `leaseline forward off --agent {agent}`.",
    "forwarding_of_office_refused": "Dé otro número, o `leaseline forward office off`.",
    "relays_missing": (
        "Arranque coturn con lo que da `leaseline turn config --realm DOMAIN`, y nómbrelo en console.ice_servers."
    ),
    "nobody_rings": "Registre uno: `leaseline device show SLUG --secret` dice qué escribir en el teléfono.",
    "office_forwards": "Si se olvidó: `leaseline forward office off`.",
    "phone_forwards": (
        "Quítelo en el teléfono; para que suene también un móvil, `leaseline forward on --agent {agent} --to NUMBER`."
    ),
    "public_url_missing": "Ponga en {settings} la dirección en la que nos alcanza el operador.",
    "texts_secret_missing": "Désela con `leaseline message secret {carrier}`.",
    "texts_trunk_not_used": "Corríjalo en {settings}.",
    "trunk_silent": (
        "Algunos operadores nunca contestan. Si no, compruebe host y puerto: `leaseline trunk show {trunk}`."
    ),
    "trunk_without_password": "Póngala con `leaseline trunk set {trunk} --password`.",
    "trunks_missing": "Añada una con `leaseline trunk add`.",
    # --- work ---
    "calls_lost": "`leaseline report lost` las muestra; la aplicación cierra las que no tienen resultado.",
    "calls_spooled": "Arranque la aplicación, que las importa.",
    "facts_rejected": "Informe de {path}, y después apártelo.",
    "facts_waiting": "Arranque la aplicación y compruebe la base de datos.",
    "arrivals_amiss": "`leaseline lead arrivals --problems` los muestra.",
    "arrivals_unread": "Arranque la aplicación con `leaseline up`, o léalos ahora con `leaseline lead intake --again`.",
    "mailbox_incomplete": (
        "La aplicación los trae en la próxima cuenta, en menos de seis horas; el registro dice cuáles no pudo."
    ),
    "mailbox_unread": "`leaseline status` dice qué falla; la contraseña se pone con `leaseline mail secret --in`.",
    "mails_lost": "Recupere la carpeta `mails` de la instalación de una copia de seguridad.",
    "mail_unsent": "`leaseline mail list` muestra por qué.",
    "figures_unsent": "Ponga mail.server y la dirección (`leaseline agent set SLUG --email`), o termínelas con"
    " `leaseline report schedule remove`.",
    "mail_unset": "Escriba mail.server y mail.from_address en leaseline.toml, y después `leaseline mail secret`.",
    "sound_lost": (
        "Recupere la carpeta de grabaciones de una copia, o deje que `leaseline recordings repair` lo dé por perdido."
    ),
    "sound_stray": "`leaseline recordings repair` los registra con sus llamadas.",
    "tasks_overdue": "`leaseline task list` las muestra.",
    "texts_failed": (
        "`leaseline message list --state failed` muestra por qué, `leaseline message resend` los reenvía."
    ),
    "texts_paused": "Mire `leaseline call list`, y después `leaseline message resume`.",
    "push_failing": (
        "Compruebe que esta máquina llega a los servicios de console.push_hosts; después, que {account} apague y "
        "encienda en la consola el timbre con la página cerrada."
    ),
    "webhook_silent": (
        "Mire `leaseline webhook deliveries --webhook {webhook}`; cuando su receptor funcione, `leaseline webhook "
        "replay {webhook} --failed` envía lo que se abandonó."
    ),
    "voice_agent_down": (
        "Termine `leaseline up` y arránquelo otra vez, o `leaseline serve --only voice` junto a la aplicación."
    ),
    "dialogue_wrong": "`leaseline ai check` dice qué más hay que corregir.",
    "sentence_model_missing": "Corrija ai.sentence_model en leaseline.toml.",
    "voice_file_missing": "Corrija ai.piper_voices en leaseline.toml.",
    "voice_model_broken": "Corrija ai.whisper_model en leaseline.toml.",
    "voice_model_missing": "Nombre una carpeta que tenga uno en ai.whisper_model, en leaseline.toml.",
    "address_untested": "Marque el 933 desde un teléfono de allí: el operador lee la dirección que tiene.",
    "line_uncalled": "Llámelas una vez desde un móvil.",
    "texts_unreported": "Envíe uno a su propio móvil: `leaseline message send NUMBER TEXT`.",
    "transcripts_off": "Corrija voice.whisper_model.",
}
"""How to fix what the doctor found, by the finding's code, as `crm.words.terminal.FIXES` says it in English."""

_KINDS = {**CODES[CallerKind], **{f"a {kind}": said for kind, said in CODES[CallerKind].items()}}
_KINDS |= {f"an {kind}": said for kind, said in CODES[CallerKind].items()}
_CASED = {kind[:1].upper() + kind[1:]: said for kind, said in _KINDS.items()}


def _one_of(known: Mapping[str, str]) -> Callable[[str], str]:
    return lambda value: known.get(value, value)


def _each_of(known: Mapping[str, str], between: str = ", ", said: str = ", ") -> Callable[[str], str]:
    return lambda value: said.join(known.get(one, one) for one in value.split(between))


def _owner(value: str) -> str:
    if value == "the admin":
        return "quien administra"
    return f"equipo {value.removeprefix('team ')}" if value.startswith("team ") else value


def _agents(value: str) -> str:
    return re.sub(r" and (\d+) more$", r" y \1 más", value)


PLACES: Mapping[str, Callable[[str], str]] = {
    "language": _one_of(TONGUES["es"]),
    "chosen": _one_of(TONGUES["es"]),
    "kind": _one_of(_KINDS | _CASED),
    "kinds": _one_of({f"{kind}s": DESKS.get(kind, kind) for kind in CODES[CallerKind]}),
    "standing": _one_of({code.replace("_", " "): said for code, said in CODES[LeasingStage].items()}),
    "hours": _one_of(
        {
            "at all hours": "a todas horas",
            "while the office is closed": "mientras la oficina está cerrada",
            "while all of the property's people are on calls": ("mientras todos los de la propiedad están en llamadas"),
        }
    ),
    "desk": _one_of(DESKS),
    "desks": _each_of(DESKS),
    "where": _one_of({"all properties": "todas las propiedades", "one number for all": "un número para todo"}),
    "strategy": _one_of(CODES[Strategy]),
    "stage": _one_of(CODES[StageName]),
    "question": _one_of(QUESTIONS),
    "paths": _each_of(CODES[Path], ", then ", ", luego "),
    "task": _one_of(CODES[TaskKind]),
    "texts": _each_of(TEXTS),
    "owner": _owner,
    "outcome": _one_of(
        {ENGLISH[Outcome].get(code, code.replace("_", " ")): said for code, said in CODES[Outcome].items()}
    ),
    "agents": _agents,
    "names": lambda value: value.replace(" and ", " y "),
    "what": lambda value: told(value, "es"),
    "some": _agents,
    "way": _one_of({"straight": "directamente", "who answers there presses 1": "quien contesta ahí pulsa 1"}),
    "how": _one_of(
        {
            "straight, so voicemail there can get callers": "directamente, así que un buzón de allí puede tomarlas",
            "after pressing 1": "tras pulsar 1",
        }
    ),
    "counted": _one_of(
        {
            "answers to one person's words": "respuestas a palabras de una persona",
            "answers to keywords": "respuestas a palabras clave",
            "texts to one person": "textos a una persona",
            "texts of the office": "textos de la oficina",
            "automatic texts": "textos automáticos",
        }
    ),
    "text": _one_of(
        {
            "an answer to a keyword": "la respuesta a una palabra clave",
            "an answer to the person's own call or text": "la respuesta a una llamada o un texto de la persona",
            "a notice to somebody in the office": "un aviso a alguien de la oficina",
        }
    ),
    "evidence": lambda value: "; ".join(told(one, "es") for one in value.split("; ")),
    "why": lambda value: told(value, "es"),
    "age": lambda value: told(value, "es"),
}
"""What fills a place, where it is ours to tell."""


def told(sentence: str, language: str) -> str:
    """The sentence for whoever reads the console in this language."""
    return _known(sentence) if language == "es" else sentence


def check(name: str, language: str) -> str:
    """What the doctor looked at, by its name."""
    return CHECKS.get(name, name) if language == "es" else name


@lru_cache(2048)
def _known(sentence: str) -> str:
    for pattern, spanish in _patterns():
        if found := pattern.fullmatch(sentence):
            filled = {name: PLACES.get(name, str)(value) for name, value in found.groupdict().items()}
            return spanish.format_map(filled)
    return sentence


@lru_cache(1)
def _patterns() -> list[tuple[re.Pattern[str], str]]:
    """The most words first, so that no sentence with few takes what is another's."""
    every = {**ROUTING, **LOST, **GATE, **FINDINGS}
    found = sorted(every.items(), key=lambda item: -len(re.sub(r"{\w+}", "", item[0])))
    return [(_pattern(english), spanish) for english, spanish in found]


def _pattern(english: str) -> re.Pattern[str]:
    parts = re.split(r"{(\w+)}", english)
    return re.compile(
        "".join(re.escape(part) if at % 2 == 0 else f"(?P<{part}>.*?)" for at, part in enumerate(parts)), re.DOTALL
    )
