"""The pages before somebody has signed in."""

from __future__ import annotations

from crm.words.console import Words

WORDS: Words = {
    "en": {
        "user": "User name",
        "password": "Password",
        "code": "One-time code",
        "code_hint": "Only if you have set up an authenticator.",
        "slow_down": "Too many tries from here. Wait a minute.",
        "welcome": "Welcome, {name}",
        "choose": "Choose a password",
        "choose_hint": "At least {n} characters: a few words that only you would put together.",
        "again": "The same once more",
        "differs": "The two are not the same.",
        "your_name": "You sign in as {name}.",
    },
    "es": {
        "user": "Usuario",
        "password": "Contraseña",
        "code": "Código de un solo uso",
        "code_hint": "Solo si ha configurado un autenticador.",
        "slow_down": "Demasiados intentos desde aquí. Espere un minuto.",
        "welcome": "Le damos la bienvenida, {name}",
        "choose": "Elija una contraseña",
        "choose_hint": "Al menos {n} caracteres: unas palabras que solo usted juntaría.",
        "again": "La misma otra vez",
        "differs": "No son iguales.",
        "your_name": "Su usuario es {name}.",
    },
}
