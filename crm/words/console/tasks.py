"""The page with what has to be done next."""

from __future__ import annotations

from crm.words.console import Words

WORDS: Words = {
    "en": {
        "whose": "Whose",
        "mine": "Mine",
        "everybody": "Everybody's",
        "due": "Due",
        "kind": "What",
        "why": "Why",
        "who": "Who",
        "owner": "Owner",
        "actions": "Actions",
        "lead": "Lead {id}",
        "result": "What came of it",
        "done": "Done",
        "finished": "Task {id} is done.",
        "nothing": "There is nothing to do. Missed calls, messages and texts put tasks here by themselves.",
    },
    "es": {
        "whose": "De quién",
        "mine": "Mías",
        "everybody": "De todos",
        "due": "Para",
        "kind": "Qué",
        "why": "Por qué",
        "who": "Quién",
        "owner": "Responsable",
        "actions": "Acciones",
        "lead": "Prospecto {id}",
        "result": "Resultado",
        "done": "Hecha",
        "finished": "La tarea {id} está hecha.",
        "nothing": "No hay nada que hacer. Las llamadas perdidas, mensajes y textos crean tareas por sí solos.",
    },
}
