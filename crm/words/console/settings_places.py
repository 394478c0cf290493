"""Settings: where phones are, for 911."""

from __future__ import annotations

from crm.words.console import Words

WORDS: Words = {
    "en": {
        "why": (
            "A call to 911 shows the callback number of the phone's location. Have the carrier register that number "
            "for exactly that address, with floor and room, and dial 933 from a phone there: it reads the address back."
        ),
        "place": "Location",
        "place_hint": "A short name, such as office.",
        "address": "Address",
        "address_hint": "Street, city, state, and floor or room.",
        "callback": "Callback number",
        "callback_hint": "Registered with the carrier for this address.",
        "phones": "Phones there",
        "nowhere": "Phones without a location, for which 911 has no address: ",
        "no_places": "There is no location yet: 911 would not be told where a call comes from.",
        "new_place": "New location",
        "place_added": "Location {place} is added. Dial 933 from a phone there to check it.",
        "place_changed": "Location {place} is changed. Dial 933 from a phone there to check it.",
        "place_retired": "Location {place} is out of use. Emergency calls keep its address.",
        "no_phones": "No phone is here yet.",
        "put": "It is here",
        "put_phone": "A phone that is here",
        "phone_put": "Device {device} is at {place} now.",
        "now_at": "{device}, now at {place}",
        "retire_place_ask": "Take this location out of use? It can be restored.",
    },
    "es": {
        "why": (
            "Una llamada al 911 muestra el número de retorno del lugar del teléfono. Haga que el operador registre ese "
            "número para exactamente esa dirección, con piso y sala, y marque 933 desde un teléfono de allí: le lee la "
            "dirección."
        ),
        "place": "Lugar",
        "place_hint": "Un nombre corto, como office.",
        "address": "Dirección",
        "address_hint": "Calle, ciudad, estado, y piso o sala.",
        "callback": "Número de retorno",
        "callback_hint": "Registrado con el operador para esta dirección.",
        "phones": "Teléfonos allí",
        "nowhere": "Teléfonos sin lugar, de los que el 911 no tiene dirección: ",
        "no_places": "Todavía no hay lugares: el 911 no sabría de dónde viene una llamada.",
        "new_place": "Nuevo lugar",
        "place_added": "El lugar {place} está añadido. Marque 933 desde un teléfono de allí para comprobarlo.",
        "place_changed": "El lugar {place} está cambiado. Marque 933 desde un teléfono de allí para comprobarlo.",
        "place_retired": "El lugar {place} está fuera de uso. Las llamadas de emergencia conservan su dirección.",
        "no_phones": "Todavía no hay ningún teléfono aquí.",
        "put": "Está aquí",
        "put_phone": "Un teléfono que está aquí",
        "phone_put": "El dispositivo {device} está ahora en {place}.",
        "now_at": "{device}, ahora en {place}",
        "retire_place_ask": "¿Poner este lugar fuera de uso? Se puede recuperar.",
    },
}
