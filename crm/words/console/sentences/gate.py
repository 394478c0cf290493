"""What the gate of texts decides, and what may not be texted."""

from __future__ import annotations

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
