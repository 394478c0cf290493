"""What the doctor found and a page of the console can mend: what to do, and where. What has no place here is mended at
the terminal alone (`crm.words.terminal.FIXES`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Mend:
    path: str
    """With facts of the finding's in braces."""
    text: Mapping[str, str]
    """By language: what the link to the page says."""


def _at(path: str, english: str, spanish: str) -> Mend:
    return Mend(path, {"en": english, "es": spanish})


MENDS: Mapping[str, Mend] = {
    "callback_advertised": _at(
        "/settings/places/{location}",
        "Give the place another callback number: a line of its own, without property and source.",
        "Dé al lugar otro número para devolver la llamada: una línea propia, sin propiedad ni origen.",
    ),
    "callback_not_ours": _at(
        "/settings/places/{location}",
        "Give the place the number of one of our lines.",
        "Dé al lugar el número de una de nuestras líneas.",
    ),
    "calls_lost": _at("/missed", "See which calls they are.", "Vea qué llamadas son."),
    "console_admin_missing": _at("/people", "Make somebody an admin.", "Haga administrador a alguien."),
    "device_without_location": _at(
        "/settings/devices", "Say for each where it stands.", "Diga de cada uno dónde está."
    ),
    "devices_plain": _at(
        "/settings/devices",
        "Set the phone's transport to TLS, or no longer require encryption of it.",
        "Ponga el teléfono en TLS, o deje de exigirle cifrado.",
    ),
    "dnd_endless": _at(
        "/settings/devices/{device}",
        "If it was forgotten, let the phone ring again.",
        "Si se olvidó, que vuelva a sonar.",
    ),
    "extension_hidden": _at("/settings/agents", "Give them another extension.", "Deles otra extensión."),
    "forwarding_of_agent_refused": _at(
        "/settings/forwarding", "Give another number, or switch it off.", "Ponga otro número, o quite el desvío."
    ),
    "forwarding_of_office_refused": _at(
        "/settings/forwarding", "Give another number, or switch it off.", "Ponga otro número, o quite el desvío."
    ),
    "hours_closed": _at("/settings/hours", "See the hours and holidays.", "Vea el horario y los festivos."),
    "hours_of_agent_outside": _at(
        "/settings/agents/{agent}",
        "Change their hours, unless they are meant to answer only after hours.",
        "Cambie su horario, salvo que deba contestar solo fuera de horas.",
    ),
    "limits_near": _at("/recent", "See who has called.", "Vea quién ha llamado."),
    "lines_missing": _at("/settings/lines", "Add a line.", "Añada una línea."),
    "nobody_on_duty": _at("/settings/agents", "Put somebody on duty.", "Ponga a alguien de turno."),
    "nobody_rings": _at(
        "/settings/devices",
        "Connect a phone: its page shows what to enter on it. Or switch on the phone in these pages.",
        "Conecte un teléfono: su página dice qué se escribe en él. O encienda el teléfono de estas páginas.",
    ),
    "office_forwards": _at(
        "/settings/forwarding", "If it was forgotten, switch it off.", "Si se olvidó, quite el desvío."
    ),
    "phone_forwards": _at(
        "/settings/forwarding",
        "Turn that off on the phone; a mobile that is to ring as well is forwarded to here.",
        "Quítelo en el teléfono; si también ha de sonar un móvil, desvíelo aquí.",
    ),
    "tasks_overdue": _at("/tasks?whose=everybody", "See them.", "Véalas."),
}
"""By the finding's code."""
