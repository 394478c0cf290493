"""What emails to people outside say, in each language, as long as the office writes nothing else
(`crm.domain.mail_templates`)."""

from __future__ import annotations

from collections.abc import Mapping

STANDARD: Mapping[str, Mapping[str, str]] = {
    "en": {
        "mail.application_invited.subject": "Apply for {home}",
        "mail.application_invited.text": (
            "We invite you to apply for {home}. Fill in the application here; this link is yours alone, so keep it to "
            "yourself. It is good for {days} days:\n\n{url}\n\nIf you are not looking for a home, you can ignore this "
            "email."
        ),
        "mail.application_link.subject": "Your application for {home}",
        "mail.application_link.text": (
            "You have started an application for {home}. Continue it here; this link is yours alone, so keep it to "
            "yourself. It is good for {days} days:\n\n{url}\n\nIf you did not start one, you can ignore this email."
        ),
        "mail.application_received.subject": "We have your application for {home}",
        "mail.application_received.text": (
            "Thank you. We have your application for {home}, will look at it and get back to you."
        ),
        "mail.tour_booked.subject": "{name}: {when}",
        "mail.tour_moved.subject": "{name}: {when}",
        "mail.tour_cancelled.subject": "{name}: {when}",
        "mail.unsubscribe.text": ("You get this because you asked {office} about a home. To get no more news: {url}"),
        "mail.unsubscribe_by_reply.text": (
            "You get this because you asked {office} about a home. To get no more news, answer with the word "
            "unsubscribe."
        ),
    },
    "es": {
        "mail.application_invited.subject": "Solicite {home}",
        "mail.application_invited.text": (
            "Le invitamos a presentar una solicitud para {home}. Complétela aquí; este enlace es solo para usted, no "
            "lo comparta. Vale durante {days} días:\n\n{url}\n\nSi no busca vivienda, puede ignorar este correo."
        ),
        "mail.application_link.subject": "Su solicitud para {home}",
        "mail.application_link.text": (
            "Ha empezado una solicitud para {home}. Continúe aquí; este enlace es solo para usted, no lo comparta. "
            "Vale durante {days} días:\n\n{url}\n\nSi no ha empezado ninguna, puede ignorar este correo."
        ),
        "mail.application_received.subject": "Hemos recibido su solicitud para {home}",
        "mail.application_received.text": (
            "Gracias. Hemos recibido su solicitud para {home}; la revisaremos y le responderemos."
        ),
        "mail.tour_booked.subject": "{name}: {when}",
        "mail.tour_moved.subject": "{name}: {when}",
        "mail.tour_cancelled.subject": "{name}: {when}",
        "mail.unsubscribe.text": (
            "Recibe este mensaje porque preguntó a {office} por una vivienda. Para no recibir más novedades: {url}"
        ),
        "mail.unsubscribe_by_reply.text": (
            "Recibe este mensaje porque preguntó a {office} por una vivienda. Para no recibir más novedades, responda "
            "con la palabra unsubscribe."
        ),
    },
}
"""The emails about tours have no texts of their own here: they say what the texts about them do."""


_TOUR = {"en": "Tour: {name}", "es": "Visita: {name}"}


def tour(name: str, language: str) -> str:
    """The entry in the calendar of somebody who comes to see a property."""
    return _TOUR.get(language[:2], _TOUR["en"]).format(name=name)
