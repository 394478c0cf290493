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
        "passkey_use": "Sign in with a passkey",
        "passkey_none": "No passkey was used. Try again, or sign in with your password.",
        "passkey_failed": "That passkey did not match. Sign in with your password.",
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
        "passkey_use": "Entrar con una llave de acceso",
        "passkey_none": "No se usó ninguna llave de acceso. Inténtelo otra vez, o entre con su contraseña.",
        "passkey_failed": "Esa llave de acceso no coincide. Entre con su contraseña.",
    },
}
