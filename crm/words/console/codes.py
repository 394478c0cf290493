"""Spanish words for codes that the console shows; the English ones are in `crm.words.codes`.

An enum that is here has all its members.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from crm.domain.calls import Outcome
from crm.domain.delivery import DeliveryState
from crm.domain.leads import LeasingStage
from crm.domain.tasks import TaskKind

SPANISH: Mapping[type[StrEnum], Mapping[str, str]] = {
    DeliveryState: {
        DeliveryState.QUEUED: "en espera",
        DeliveryState.SENDING: "enviándose",
        DeliveryState.SENT: "enviado",
        DeliveryState.DELIVERED: "entregado",
        DeliveryState.FAILED: "no se pudo enviar",
        DeliveryState.BLOCKED: "no enviado",
        DeliveryState.UNKNOWN: "no se sabe si llegó",
        DeliveryState.RECEIVED: "recibido",
    },
    LeasingStage: {
        LeasingStage.CONTACTED: "contactado",
        LeasingStage.SHOWING_DESIRED: "quiere visitar",
        LeasingStage.SHOWING_BOOKED: "visita reservada",
        LeasingStage.SHOWING_MISSED: "no vino a la visita",
        LeasingStage.STILL_DECIDING: "lo está pensando",
        LeasingStage.APPLICATION_SENT: "tiene la solicitud",
        LeasingStage.APPLIED: "solicitó",
        LeasingStage.APPROVED: "aprobado",
        LeasingStage.LEASED: "alquiló",
        LeasingStage.LOST: "perdido",
        LeasingStage.UNRESPONSIVE: "no contesta",
    },
    Outcome: {
        Outcome.TALKED: "se habló",
        Outcome.INTERRUPTED: "se cortó",
        Outcome.LEFT_VOICEMAIL: "dejó un mensaje",
        Outcome.BOOKED: "reservó una visita",
        Outcome.ANSWERED: "contestó el agente de voz",
        Outcome.GOT_LINK: "recibió el enlace",
        Outcome.CALLBACK: "se le devuelve la llamada",
        Outcome.GAVE_UP: "colgó antes",
        Outcome.WRONG_NUMBER: "número equivocado",
        Outcome.BLOCKED: "bloqueada",
        Outcome.HANDED_OVER: "pasada a otro sistema",
        Outcome.NOT_REACHED: "no contestaron",
    },
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
