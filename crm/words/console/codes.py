"""Spanish words for codes that the console shows; the English ones are in `crm.words.codes`.

An enum that is here has all its members.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from crm.domain.tasks import TaskKind

SPANISH: Mapping[type[StrEnum], Mapping[str, str]] = {
    TaskKind: {
        TaskKind.CALL_BACK: "devolver la llamada",
        TaskKind.LISTEN: "escuchar el mensaje",
        TaskKind.FOLLOW_UP: "dar seguimiento",
        TaskKind.REPLY: "responder",
        TaskKind.INQUIRY: "responder la consulta",
        TaskKind.FINISH_APPLICATION: "ayudar con la solicitud",
        TaskKind.REVIEW_APPLICATION: "revisar la solicitud",
        TaskKind.TO_DO: "pendiente",
        TaskKind.UNKNOWN_DID: "línea desconocida",
    },
}
