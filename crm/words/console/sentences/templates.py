"""When the texts and emails leave that the office may word."""

from __future__ import annotations

SENT = {
    "follow-up {number} while {standing}": "seguimiento {number} mientras: {standing}",
    "after the first text to a person, which has to say who writes": (
        "después del primer texto a una persona, que tiene que decir quién escribe"
    ),
    "a caller asked for the homes": "alguien preguntó por las viviendas al llamar",
    "a caller asked the voice agent for tour times": "alguien pidió horas de visita al agente de voz",
    "a caller asked the voice agent for the application": "alguien pidió la solicitud al agente de voz",
    "a caller asked the voice agent for one home": "alguien preguntó al agente de voz por una vivienda",
    "nobody talked with a new caller": "nadie habló con alguien que llamaba por primera vez",
    "nobody talked with somebody who had called before": "nadie habló con alguien que ya había llamado",
    "a tour was booked": "se reservó una visita",
    "a tour was moved": "se cambió la hora de una visita",
    "a tour was canceled": "se canceló una visita",
    "before a tour": "antes de una visita",
    "at the end of these, with a link to change it": "al final de estos, con un enlace para cambiarla",
    "at the end of these, without a link": "al final de estos, sin enlace",
    "the link to an application they have begun": "el enlace a una solicitud que empezó",
    "an agent pressed 3 instead of taking the call": "un agente pulsó 3 en vez de tomar la llamada",
    "a caller keeps their place in line and hung up": "alguien conserva su lugar en la fila y colgó",
    "the one answer to STOP": "la única respuesta a STOP",
    "the answer to START": "la respuesta a START",
    "the answer to HELP": "la respuesta a HELP",
    "somebody is invited to apply": "se invita a alguien a hacer una solicitud",
    "somebody has begun an application, or asks for its link again": (
        "alguien empezó una solicitud, o pide otra vez su enlace"
    ),
    "an application was submitted": "se envió una solicitud",
    "below news, with a link to get no more of it": "debajo de novedades, con un enlace para darse de baja",
    "below news, without a public site": "debajo de novedades, sin sitio público",
}
