"""Settings: the agents."""

from __future__ import annotations

from crm.words.console import Words

WORDS: Words = {
    "en": {
        "slug": "User name",
        "slug_hint": "A short name, such as alice.",
        "name": "Name",
        "extension": "Extension",
        "extension_hint": "2 to 6 digits that colleagues dial; empty: none.",
        "email": "Email",
        "email_hint": "Gets notices and voicemail; empty: none.",
        "dialing": "Outside numbers",
        "dialing_allowed": "may be dialed, and forwarded to",
        "dialing_none": "may not",
        "on_duty": "On duty: calls ring their phones",
        "duty": "On duty",
        "openings": "Working hours",
        "openings_hint": (
            "One line each, such as mon-fri 09:00-17:00. No line at all: while the office is open. "
            "mon-sun 00:00-24:00: at any hour, even on holidays."
        ),
        "hours_why": (
            "Outside these hours their phones do not ring for callers, even on duty; colleagues still reach them. "
            "Within them they ring even while the office is closed, except on holidays."
        ),
        "as_office": "while the office is open",
        "not_now": "not right now",
        "day_off": "For a day off, say when no tours of theirs can be booked:",
        "subteams": "Subteams",
        "devices": "Devices",
        "admin": "admin",
        "no_agents": "There is no agent yet. Add the first person who leases.",
        "new_agent": "New agent",
        "agent_added": "Agent {agent} is added. Give them a phone under Devices.",
        "agent_changed": "Agent {agent} is changed.",
        "agent_retired": "Agent {agent} is out of use, and {heir} takes over.",
        "leaves": "When somebody leaves",
        "passes": (
            "Open tasks: {tasks}, leads: {leads}, voicemails: {voicemails}, and tours to come pass on. "
            "Unless somebody else is chosen, {heir} takes over. History keeps the name."
        ),
        "successor": "Who takes over",
        "retire_agent_ask": "Take this agent out of use? Their work passes on.",
    },
    "es": {
        "slug": "Nombre de usuario",
        "slug_hint": "Un nombre corto, como alice.",
        "name": "Nombre",
        "extension": "Extensión",
        "extension_hint": "De 2 a 6 dígitos que marcan los colegas; vacío: ninguna.",
        "email": "Correo",
        "email_hint": "Recibe avisos y buzón de voz; vacío: ninguno.",
        "dialing": "Números externos",
        "dialing_allowed": "se pueden marcar, y desviar a ellos",
        "dialing_none": "no se pueden",
        "on_duty": "De turno: las llamadas suenan en sus teléfonos",
        "duty": "De turno",
        "openings": "Horario de trabajo",
        "openings_hint": (
            "Una línea cada uno, como mon-fri 09:00-17:00. Sin ninguna: mientras la oficina está abierta. "
            "mon-sun 00:00-24:00: a cualquier hora, también en feriados."
        ),
        "hours_why": (
            "Fuera de este horario sus teléfonos no suenan para quienes llaman, ni de turno; los colegas sí llaman. "
            "Dentro de él suenan aunque la oficina esté cerrada, salvo en feriados."
        ),
        "as_office": "mientras la oficina está abierta",
        "not_now": "ahora no",
        "day_off": "Para un día libre, indique cuándo no se pueden reservar sus visitas:",
        "subteams": "Equipos",
        "devices": "Dispositivos",
        "admin": "administrador",
        "no_agents": "Todavía no hay agentes. Añada a la primera persona que alquila.",
        "new_agent": "Nuevo agente",
        "agent_added": "El agente {agent} está añadido. Dele un teléfono en Dispositivos.",
        "agent_changed": "El agente {agent} está cambiado.",
        "agent_retired": "El agente {agent} está fuera de uso, y {heir} se hace cargo.",
        "leaves": "Cuando alguien se va",
        "passes": (
            "Tareas abiertas: {tasks}, prospectos: {leads}, mensajes de voz: {voicemails}, y las visitas por venir "
            "pasan a otra persona. Si no se elige a nadie, a {heir}. El historial conserva el nombre."
        ),
        "successor": "Quién se hace cargo",
        "retire_agent_ask": "¿Poner a este agente fuera de uso? Su trabajo pasa a otra persona.",
    },
}
