"""Spanish words for codes that the console shows; the English ones are in `crm.words.codes`.

An enum that is here has all its members.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from crm.domain.applications import ApplicationStatus
from crm.domain.calls import CallStep, Cut, DialStatus, Outcome
from crm.domain.conversation import LinkKind, TransferReason
from crm.domain.delivery import DeliveryState
from crm.domain.heard import CardField
from crm.domain.leads import Happened, LeadKind, LeadStatus, LeadType, LeasingStage, Light
from crm.domain.listings import ListingState
from crm.domain.merging import ProposalReason
from crm.domain.ringing import StageName, Strategy
from crm.domain.route_inputs import CallerKind, DeskKind
from crm.domain.route_plan import About, Path, Rule
from crm.domain.tasks import TaskKind
from crm.domain.tours import TourKind, TourState

SPANISH: Mapping[type[StrEnum], Mapping[str, str]] = {
    CallStep: {
        CallStep.ARRIVED: "entró",
        CallStep.MENU: "en el menú",
        CallStep.TEXT_OFFER: "se le ofrece un texto",
        CallStep.TOUR_OFFER: "se le ofrece una visita",
        CallStep.VOICE_AGENT: "con el agente de voz",
        CallStep.QUEUE: "en la fila",
        CallStep.QUESTION: "dice qué quiere",
        CallStep.RING: "suenan teléfonos",
        CallStep.TALK: "hablando",
        CallStep.VOICEMAIL: "deja un mensaje",
        CallStep.UNKNOWN_LINE: "número sin uso",
        CallStep.TURNED_AWAY: "rechazada",
        CallStep.BLOCKED: "bloqueada",
        CallStep.PARKED: "aparcada",
        CallStep.TRANSFER: "se pasa a otro",
        CallStep.CONSULT: "espera mientras se consulta",
        CallStep.REJOIN: "espera a que vuelva el agente",
        CallStep.DIALLING: "marcando",
        CallStep.LAST_RESORT: "la lleva Asterisk solo",
    },
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
    ApplicationStatus: {
        ApplicationStatus.INVITED: "invitada",
        ApplicationStatus.STARTED: "empezada",
        ApplicationStatus.SUBMITTED: "enviada",
        ApplicationStatus.IN_REVIEW: "en revisión",
        ApplicationStatus.APPROVED: "aprobada",
        ApplicationStatus.DENIED: "denegada",
        ApplicationStatus.WITHDRAWN: "retirada",
    },
    CardField: {
        CardField.NAME: "nombre",
        CardField.NUMBER: "número",
        CardField.PROPERTY: "propiedad",
        CardField.BEDROOMS: "dormitorios",
        CardField.MOVE_IN: "mudanza",
        CardField.BUDGET: "presupuesto",
        CardField.PETS: "mascotas",
    },
    Happened: {
        Happened.CALL_FROM: "llamada",
        Happened.CALL_TO: "llamada nuestra",
        Happened.TRANSCRIPT: "transcripción",
        Happened.TEXT: "texto",
        Happened.APPOINTMENT: "visita",
        Happened.SHOW: "visita hecha",
        Happened.STAGE_CHANGED: "etapa",
        Happened.TASK: "tarea",
        Happened.NOTE: "nota",
        Happened.ENTERED: "introducido",
        Happened.FOLLOW_UP: "seguimiento",
        Happened.VOICEMAIL: "buzón de voz",
        Happened.EMAIL: "correo",
        Happened.LINK_OPENED: "enlace abierto",
        Happened.FORM: "formulario",
        Happened.APPLICATION: "solicitud",
        Happened.MEETING: "reunión",
        Happened.STATUS_CHANGED: "estado",
        Happened.ASSIGNED: "agente",
        Happened.EXPORTED: "exportado",
        Happened.IDENTITY: "quién es",
        Happened.MERGED: "unido",
        Happened.OPT_OUT: "baja",
    },
    LeadKind: {LeadKind.TENANT: "inquilino", LeadKind.OWNER: "propietario"},
    LeadStatus: {
        LeadStatus.NEW: "nuevo",
        LeadStatus.IN_PROGRESS: "en curso",
        LeadStatus.CLOSED: "cerrado",
    },
    LeadType: {LeadType.HOT: "caliente", LeadType.COLD: "frío"},
    Light: {
        Light.GREEN: "hace menos de un día",
        Light.YELLOW: "hace menos de dos días",
        Light.RED: "hace dos días o más",
    },
    ListingState: {
        ListingState.DRAFT: "borrador",
        ListingState.PUBLISHED: "publicada",
        ListingState.CHANGED: "publicada, con cambios que no lo están",
        ListingState.EXPIRED: "caducada",
    },
    ProposalReason: {
        ProposalReason.SAME_PHONE: "el mismo número",
        ProposalReason.SAME_EMAIL: "el mismo correo",
        ProposalReason.BOTH_NAMED: "ambos nombrados",
        ProposalReason.SAME_HOME: "la misma vivienda",
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
    TourKind: {
        TourKind.ACCOMPANIED: "acompañada",
        TourKind.SELF_GUIDED: "por su cuenta",
        TourKind.REMOTE: "por video",
    },
    TourState: {
        TourState.BOOKED: "reservada",
        TourState.DONE: "hecha",
        TourState.MISSED: "no acudió",
        TourState.CANCELLED: "cancelada",
    },
    CallerKind: {
        CallerKind.PROSPECT: "interesado",
        CallerKind.RESIDENT: "residente",
        CallerKind.OWNER: "propietario",
        CallerKind.VENDOR: "proveedor",
    },
    DialStatus: {
        DialStatus.ANSWER: "contestó",
        DialStatus.NOANSWER: "no contestó",
        DialStatus.BUSY: "ocupado",
        DialStatus.CANCEL: "dejó de sonar",
        DialStatus.CHANUNAVAIL: "no disponible",
        DialStatus.CONGESTION: "rechazó",
    },
    StageName: {
        StageName.EMERGENCY: "respuesta a una emergencia",
        StageName.OFFICE: "el número al que va todo",
        StageName.AGENT: "su agente",
        StageName.SUBTEAM: "el equipo",
        StageName.SISTERS: "equipos que ayudan",
        StageName.EVERYONE: "todos",
        StageName.ANSWERING: "servicio de contestación",
        StageName.DESK: "mostrador",
        StageName.QUEUE: "siguiente en espera",
    },
    Path: {
        Path.ASK: "una pregunta",
        Path.LIVE: "suenan los teléfonos",
        Path.DESK: "suena un mostrador",
        Path.LINK: "las viviendas por texto",
        Path.TOUR: "horas para una visita",
        Path.VOICEMAIL: "buzón de voz",
        Path.QUESTION: "graba qué quiere",
        Path.QUEUE: "espera en la fila",
        Path.VOICE_AGENT: "el agente de voz",
        Path.REFUSE: "no es una línea nuestra",
    },
    About: {
        About.LANGUAGE: "idioma",
        About.CALLER: "quien llama",
        About.PROPERTY: "propiedad",
        About.PATH: "qué sigue",
        About.HEARS: "qué oye",
        About.RINGS: "a quién le suena",
        About.OTHERWISE: "si no",
        About.RECORD: "registro",
        About.TASK: "tarea",
        About.TEXTS: "textos",
    },
    Rule: {
        Rule.EMERGENCY: "emergencia",
        Rule.UNKNOWN_LINE: "línea desconocida",
        Rule.MENU: "lo que eligió",
        Rule.LANGUAGE: "idioma",
        Rule.KNOWN_CALLER: "persona conocida",
        Rule.CALLER_KIND: "tipo de persona",
        Rule.CONCERN: "queja",
        Rule.MAINTENANCE: "mantenimiento",
        Rule.PROPERTY: "propiedad",
        Rule.UNSURE: "propiedad poco clara",
        Rule.OFFICE_FORWARD: "todas las llamadas se desvían",
        Rule.OPEN: "abierto",
        Rule.CLOSED: "cerrado",
        Rule.HOLIDAY: "festivo",
        Rule.AFTER_HOURS: "fuera de horario",
        Rule.ASSIGNED_AGENT: "agente asignado",
        Rule.SUBTEAM: "equipo",
        Rule.SISTERS: "equipos que ayudan",
        Rule.EVERYONE: "todos",
        Rule.ANSWERING_SERVICE: "servicio de contestación",
        Rule.OVERFLOW: "nadie está libre",
        Rule.NOBODY: "no hay a quién llamar",
        Rule.VOICE_AGENT: "agente de voz",
        Rule.OWNER: "responsable",
        Rule.NO_LEASING: "no es sobre alquiler",
        Rule.NO_TEXTS: "sin textos a este número",
    },
    Strategy: {
        Strategy.RING_ALL: "todos a la vez",
        Strategy.ROUND_ROBIN: "uno tras otro",
    },
    Cut: {
        Cut.STOPPED: "se detuvo el sistema telefónico",
        Cut.FAILED: "falló el sistema telefónico",
        Cut.LINE_LOST: "se perdió una línea",
    },
    LinkKind: {
        LinkKind.TOURS: "horas para visitas",
        LinkKind.APPLICATION: "solicitud",
        LinkKind.LISTINGS: "viviendas",
        LinkKind.HOME: "una vivienda",
    },
    TransferReason: {
        TransferReason.ASKED: "pidió hablar con una persona",
        TransferReason.KEY: "pulsó la tecla para hablar con una persona",
        TransferReason.NOT_UNDERSTOOD: "no se le entendió",
        TransferReason.DISTRESS: "sonaba alterado",
        TransferReason.STAGE: "ya pasó las primeras preguntas",
        TransferReason.FAIR_HOUSING: "preguntó lo que solo puede contestar una persona",
        TransferReason.NOT_OURS_TO_DECIDE: "preguntó lo que tiene que decidir la oficina",
        TransferReason.LANGUAGE: "habla otro idioma",
        TransferReason.MAINTENANCE: "llama por mantenimiento",
        TransferReason.EMERGENCY: "emergencia",
        TransferReason.SILENCE: "no dijo nada",
        TransferReason.TAKEN: "un colega tomó la llamada",
    },
}

TONGUES: Mapping[str, Mapping[str, str]] = {
    "en": {"en": "English", "es": "Spanish", "fr": "French", "de": "German"},
    "es": {"en": "inglés", "es": "español", "fr": "francés", "de": "alemán"},
}
"""Languages of callers, as each language of the console calls them."""
DESKS: Mapping[str, str] = {
    DeskKind.RESIDENT: "residentes",
    DeskKind.OWNER: "propietarios",
    DeskKind.VENDOR: "proveedores",
    DeskKind.MAINTENANCE: "mantenimiento",
    DeskKind.CONCERN: "quejas",
}
"""Whom or what a desk is for, in Spanish."""
KINDS_WITH_ARTICLE: Mapping[str, Mapping[str, str]] = {
    "en": {kind: f"{'an' if kind is CallerKind.OWNER else 'a'} {kind}" for kind in CallerKind},
    "es": SPANISH[CallerKind],
}
"""After "is known as" and "se le conoce como"."""
