"""Why a text or an email was not sent, or did not arrive, as carriers and mail servers say it."""

from __future__ import annotations

SENDING = {
    "Given up after 1 try.": "No se intentará más, tras 1 intento.",
    "Given up after {count} tries.": "No se intentará más, tras {count} intentos.",
    "It could not be sent for two days, so it was given up.": "No se pudo enviar en dos días, y no se intentará más.",
    "They have unsubscribed since.": "Desde entonces pidió no recibirlos.",
    "Leaseline was stopped while this {sent} was being sent, so it may or may not have arrived: {advice}.": (
        "Leaseline se detuvo mientras salía, y puede que haya llegado o no: {advice}."
    ),
    "Sending failed in an unexpected way (the log has the details), so the {sent} may or may not have arrived:"
    " {advice}.": (
        "El envío falló de forma inesperada (el registro tiene los detalles), y puede que haya llegado o no: {advice}."
    ),
    # --- carriers with an API ---
    "{carrier} does not accept texts of more than {count} characters.": (
        "{carrier} no acepta textos de más de {count} caracteres."
    ),
    "{carrier} cannot be reached: check this machine's Internet connection.": (
        "No se llega a {carrier}: compruebe la conexión a Internet de esta máquina."
    ),
    "The address of {carrier} in leaseline.toml is not a web address.": (
        "La dirección de {carrier} en leaseline.toml no es una dirección web."
    ),
    "The person has opted out of texts at the carrier ({said}).": (
        "La persona pidió al operador no recibir textos ({said})."
    ),
    "{carrier} cannot take the text right now ({said}).": "{carrier} no puede tomar el texto ahora ({said}).",
    "{carrier} answered {status}: {meaning}.": "{carrier} contestó {status}: {meaning}.",
    "{carrier} answered {status}, error {code}: {meaning}.": "{carrier} contestó {status}, error {code}: {meaning}.",
    "{carrier} says that the person opted out (error {code}).": (
        "{carrier} dice que la persona pidió no recibir textos (error {code})."
    ),
    "{carrier} could not deliver it (error {code}): {meaning}.": (
        "{carrier} no pudo entregarlo (error {code}): {meaning}."
    ),
    "{carrier} did not say whether it accepted the text, so it may or may not have arrived: {advice}.": (
        "{carrier} no dijo si aceptó el texto, y puede que haya llegado o no: {advice}."
    ),
    "The secret of {carrier} is missing: set it again.": "Falta la clave de {carrier}: póngala otra vez.",
    # --- trunks ---
    "The trunk's peer cannot take the text right now ({answered}).": (
        "El otro lado de la troncal no puede tomar el texto ahora ({answered})."
    ),
    "{peer_says} ({answered}): ask the carrier, or call the person.": (
        "{peer_says} ({answered}): pregunte al operador, o llame a la persona."
    ),
    "The trunk's peer {peer} cannot be reached ({reason}): check the trunk's host, port and transport.": (
        "No se llega al otro lado de la troncal, {peer} ({reason}): compruebe su nombre, puerto y transporte."
    ),
    "The trunk's host {peer} was not found: check its name, and this machine's name server.": (
        "No se encontró {peer}, el nombre de la troncal: compruébelo, y el servidor de nombres de esta máquina."
    ),
    "The trunk's peer asks for a user name and password: set them for the trunk.": (
        "El otro lado de la troncal pide usuario y contraseña: póngalos en la troncal."
    ),
    "The trunk's peer asks for an unknown kind of authentication.": (
        "El otro lado de la troncal pide una autenticación desconocida."
    ),
    "The trunk's peer does not accept the trunk's user name or password: correct them.": (
        "El otro lado de la troncal no acepta el usuario o la contraseña de la troncal: corríjalos."
    ),
    "The trunk's peer keeps asking for the password.": "El otro lado de la troncal pide la contraseña una y otra vez.",
    "The text's number is not a phone number, so it cannot be sent.": (
        "El número del texto no es un número de teléfono, y no se puede enviar."
    ),
    "{peer} is not a host name or address: correct the trunk.": (
        "{peer} no es un nombre ni una dirección: corrija la troncal."
    ),
    "The trunk's user name or password has characters that SIP does not allow: correct them.": (
        "El usuario o la contraseña de la troncal tienen caracteres que SIP no permite: corríjalos."
    ),
    "The text is longer than {count} bytes: shorten it, or switch the trunk to TCP.": (
        "El texto pasa de {count} bytes: acórtelo, o cambie la troncal a TCP."
    ),
    "The trunk's peer did not answer, so the text may or may not have arrived: ask the person before you resend it, and"
    " check the trunk.": (
        "El otro lado de la troncal no contestó, y puede que el texto haya llegado o no: pregunte a la persona antes de"
        " reenviarlo, y mire la troncal."
    ),
    "The trunk's peer closed the connection without an answer, so the text may or may not have arrived: {advice}.": (
        "El otro lado de la troncal cerró la conexión sin contestar, y puede que el texto haya llegado o no: {advice}."
    ),
    # --- mail servers ---
    "The mail server's password is missing: set it again.": (
        "Falta la contraseña del servidor de correo: póngala otra vez."
    ),
    "No mail server is set: set mail.server and mail.from_address, then reload the settings.": (
        "No hay servidor de correo: ponga mail.server y mail.from_address, y vuelva a cargar los ajustes."
    ),
    "The mail server {peer} does not accept the user or password: correct mail.user, or set the password again with"
    " `{command}`.": (
        "El servidor de correo {peer} no acepta el usuario o la contraseña: corrija mail.user, o ponga otra vez la"
        " contraseña con `{command}`."
    ),
    "The mail server {peer} does not offer what leaseline.toml requires ({reason}).": (
        "El servidor de correo {peer} no ofrece lo que exige leaseline.toml ({reason})."
    ),
    "The mail server {peer} has no certificate that this machine trusts, or no TLS.": (
        "El servidor de correo {peer} no tiene un certificado de confianza para esta máquina, o no tiene TLS."
    ),
    "The mail server {peer} cannot be reached on port {port}, or does not answer.": (
        "No se llega al servidor de correo {peer} en el puerto {port}, o no contesta."
    ),
    "The mail server {peer} refused the email (reply {code}): check the addresses and mail.user.": (
        "El servidor de correo {peer} rechazó el correo (respuesta {code}): compruebe las direcciones y mail.user."
    ),
    "The mail server {peer} does not accept the email now (reply {code}).": (
        "El servidor de correo {peer} no acepta el correo ahora (respuesta {code})."
    ),
    "The mail server {peer} did not say whether it accepted the email, so it may or may not have arrived; it is not"
    " resent.": (
        "El servidor de correo {peer} no dijo si aceptó el correo, y puede que haya llegado o no; no se reenvía."
    ),
}
"""Of crm.edge and crm.services.outbox."""

ADVICE = {
    "ask the recipient": "pregunte a quien debía recibirlo",
    "ask the person before you resend it": "pregunte a la persona antes de reenviarlo",
}
PEER_SAYS = {
    "The trunk's peer does not allow this text": "El otro lado de la troncal no permite este texto",
    "The trunk's peer does not know the number": "El otro lado de la troncal no conoce el número",
    "The trunk's peer does not accept texts": "El otro lado de la troncal no acepta textos",
    "The text is too long for the trunk's peer": "El texto es demasiado largo para el otro lado de la troncal",
    "The trunk's peer does not accept plain texts": "El otro lado de la troncal no acepta textos sin formato",
    "The trunk's peer says that the number is incomplete": "El otro lado de la troncal dice que falta parte del número",
    "The trunk's peer refused the text": "El otro lado de la troncal rechazó el texto",
}
MEANINGS = {
    "look up the number in its list of errors": "busque el número en su lista de errores",
    "it does not accept our account or secret: correct them": "no acepta nuestra cuenta o clave: corríjalas",
    "it does not accept the account or the auth token: correct texts.twilio_account and the secret": (
        "no acepta la cuenta o la clave: corrija texts.twilio_account y la clave"
    ),
    "it does not accept the API key: correct the secret": "no acepta la clave: corríjala",
    "the number is not valid": "el número no es válido",
    "the account may not text this country: allow it in Twilio's console": (
        "la cuenta no puede enviar textos a este país: permítalo en la consola de Twilio"
    ),
    "our number cannot send texts: buy or verify it at Twilio": (
        "nuestro número no puede enviar textos: cómprelo o verifíquelo en Twilio"
    ),
    "this number cannot be texted from ours": "desde nuestro número no se pueden enviar textos a este",
    "the number is not a mobile number": "el número no es de un móvil",
    "the text is longer than 1600 characters": "el texto pasa de 1600 caracteres",
    "the text is too long": "el texto es demasiado largo",
    "our number does not belong to the account": "nuestro número no es de la cuenta",
    "the phone cannot be reached": "no se llega al teléfono",
    "the text was blocked": "el texto fue bloqueado",
    "the number is unknown": "el número es desconocido",
    "the number is a landline or cannot be reached": "el número es fijo, o no se llega a él",
    "the carrier filtered the text out": "el operador filtró el texto",
    "the carrier does not say why": "el operador no dice por qué",
    "our number is not registered for texts to the United States (A2P 10DLC)": (
        "nuestro número no está registrado para textos a Estados Unidos (A2P 10DLC)"
    ),
    "our number is not registered for texts to the United States (10DLC)": (
        "nuestro número no está registrado para textos a Estados Unidos (10DLC)"
    ),
    "it was considered spam": "se tomó por spam",
    "our number is blocked as a sender of spam": "nuestro número está bloqueado por spam",
    "the recipient's carrier refused it": "el operador de la persona lo rechazó",
    "it expired on its way": "caducó por el camino",
    "the recipient's carrier did not accept it": "el operador de la persona no lo aceptó",
    "the recipient's carrier rejected its content": "el operador de la persona rechazó el contenido",
    "our number is not valid as a sender": "nuestro número no es válido como remitente",
    "the messaging profile is turned off": "el perfil de mensajes está apagado",
    "texts are turned off for the account": "los textos están apagados en la cuenta",
}
