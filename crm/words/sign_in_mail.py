"""The email about a sign-in from somewhere new, or with another browser."""

from __future__ import annotations

from datetime import datetime

from babel.dates import format_datetime

from crm.words.console.account import WORDS

_LOCALES = {"en": "en_US", "es": "es_US"}
_SUBJECTS = {
    "en": "New sign-in to Leaseline from {address}",
    "es": "Nuevo inicio de sesión en Leaseline desde {address}",
}
_BODIES = {
    "en": (
        "Hello {name},\n\n"
        "Somebody has signed in to your Leaseline account {account} from an address or with a browser that it had not "
        "been used with before.\n\n"
        "When: {when}\n"
        "Network address: {address}\n"
        "Browser: {browser}\n\n"
        "Was it you? Then there is nothing to do.\n\n"
        "If it was not you:\n"
        "1. Sign in, open the page of your account{page}, and press “{others}”.\n"
        "2. Choose another password there, and set up one-time codes or a passkey.\n"
        "3. Tell an admin of your office. If you can no longer sign in, they can disable the account at once, and send "
        "you a link to choose a new password.\n"
    ),
    "es": (
        "Hola, {name}:\n\n"
        "Alguien inició sesión en su cuenta {account} de Leaseline desde una dirección o con un navegador con los que "
        "no se había usado antes.\n\n"
        "Cuándo: {when}\n"
        "Dirección de red: {address}\n"
        "Navegador: {browser}\n\n"
        "¿Fue usted? Entonces no tiene que hacer nada.\n\n"
        "Si no fue usted:\n"
        "1. Entre, abra la página de su cuenta{page} y pulse «{others}».\n"
        "2. Elija allí otra contraseña y configure códigos de un solo uso o una llave de acceso.\n"
        "3. Avise a un administrador de su oficina. Si ya no puede entrar, un administrador puede desactivar la cuenta "
        "de inmediato y enviarle un enlace para elegir otra contraseña.\n"
    ),
}


def mail(
    language: str, *, name: str, account: str, address: str, browser: str, url: str, at: datetime
) -> tuple[str, str]:
    """Subject and text. `at` is in the office's time zone; without `url`, the page is named and not linked."""
    language = language if language in _BODIES else "en"
    facts = {
        "name": name,
        "account": account,
        "address": _plain(address),
        "browser": _plain(browser) or "-",
        "when": format_datetime(at, "long", locale=_LOCALES[language]),
        "page": f" ({url.rstrip('/')}/account)" if url else "",
        "others": WORDS[language]["end_others"],
    }
    return _SUBJECTS[language].format_map(facts), _BODIES[language].format_map(facts)


def _plain(text: str) -> str:
    """What comes from outside, on one line and with nothing that a program makes a link of."""
    return "".join(one if one.isprintable() else " " for one in text).replace("://", " ")[:120]
