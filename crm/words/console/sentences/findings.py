"""What the doctor finds."""

from __future__ import annotations

FINDINGS = {
    "Nothing waits.": "Nada espera.",
    # --- the machine and the programs ---
    "{age}, and {n} of its packages has a newer version.": "{age}, y {n} de sus paquetes tiene una versión nueva.",
    "Asterisk sent {n} event of a kind the app does not know.": (
        "Asterisk envió {n} suceso de una clase que la aplicación no conoce."
    ),
    "{n} caller was refused since Asterisk started, by limits.{name}.": (
        "Desde que arrancó Asterisk se rechazó a {n} persona, por limits.{name}."
    ),
    "There are RTP ports for {n} callers besides calls out, and {phones} phone.": (
        "Hay puertos RTP para {n} personas además de las llamadas hacia fuera, y {phones} teléfono."
    ),
    "There is room for {n} caller at a time.": "Cabe {n} persona que llame a la vez.",
    "{n} MB are free, and the reserve of {reserve} MB had to be given up.": (
        "Hay {n} MB libres, y hubo que soltar la reserva de {reserve} MB."
    ),
    "{n} MB are free.": "Hay {n} MB libres.",
    "{worker}, since {at}: {trouble}": "{worker}, desde {at}: {trouble}",
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
    "Node {node} ({home}) has given no sign of life since {at}.": (
        "El nodo {node} ({home}) no da señales de vida desde {at}."
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
    "{n} email or post has not been read for ten minutes.": "Hace diez minutos que {n} correo o envío no se lee.",
    "1 could not be read in 30 days.": "En 30 días, 1 no se pudo leer.",
    "The file of {n} email is gone: arrival {some}.": "Falta el archivo de {n} correo: llegada {some}.",
    "{n} email has come in, and its file is here.": "Ha llegado {n} correo, y está su archivo.",
    "No mail server is set, and {n} email is waiting.": "No hay servidor de correo, y espera {n} correo.",
    "{n} email of this week has not been sent.": "No ha salido {n} correo de esta semana.",
    "{n} emails and posts have not been read for ten minutes.": (
        "Hace diez minutos que {n} correos y envíos no se leen."
    ),
    "{n} could not be read in 30 days.": "En 30 días, {n} no se pudieron leer.",
    "No mailbox is read: mail.in.server is empty.": "No se lee ningún buzón: mail.in.server está vacío.",
    "The folder {folder} on {server} has never been read.": "La carpeta {folder} en {server} no se ha leído nunca.",
    "Emails in the folder {folder}: {there}; stored here: {here}, but only as of {at}: not read since.": (
        "Correos en la carpeta {folder}: {there}; guardados aquí: {here}, pero a fecha de {at}: desde entonces "
        "no se ha leído."
    ),
    "Emails in the folder {folder}: {there}; stored here: {here}, as of {at}.": (
        "Correos en la carpeta {folder}: {there}; guardados aquí: {here}, a fecha de {at}."
    ),
    "The files of {n} emails are gone: arrivals {some}.": "Faltan los archivos de {n} correos: llegadas {some}.",
    "{n} emails have come in, and the file of each is here.": "Han llegado {n} correos, y está el archivo de cada uno.",
    "No mail server is set, and {n} emails are waiting.": "No hay servidor de correo, y esperan {n} correos.",
    "No mail server is set; no email is waiting.": "No hay servidor de correo; no espera ningún correo.",
    "{n} emails of this week have not been sent.": "No han salido {n} correos de esta semana.",
    # --- the office ---
    "There is {n}.": "Hay {n}.",
    "{language}.toml lacks {n} sentence, {name}.": "A {language}.toml le falta {n} frase, {name}.",
    "{n} of {most} is missing: {name}.": "Falta {n} de {most}: {name}.",
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
    "{url} does not answer: {error}.": "{url} no contesta: {error}.",
    "There is no secret yet that we share with the TURN server.": (
        "Aún no hay un secreto compartido con el servidor TURN."
    ),
    "{url} refuses the passwords that pages get.": "{url} rechaza las contraseñas que reciben las páginas.",
    "{url} passes no sound on: {error}.": "{url} no deja pasar el sonido: {error}.",
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
    "{n} is overdue.": "{n} está atrasada.",
    "The receiver takes what is sent.": "El receptor acepta lo que se envía.",
    "{n} person can be woken.": "Se puede despertar a {n} persona.",
    "1 may be lost: nobody is responsible for the caller.": "1 quizá se perdió: nadie responde de quien llamó.",
    "{n} recording or voicemail takes {size} MB.": "{n} grabación o mensaje de voz ocupa {size} MB.",
    "{n} fact about a call is not in the database.": "{n} dato de una llamada no está en la base de datos.",
    "{n} fact about a call could not be recorded.": "{n} dato de una llamada no se pudo registrar.",
    "{n} call that Asterisk handled alone is not imported.": (
        "Falta por importar {n} llamada que Asterisk atendió solo."
    ),
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
