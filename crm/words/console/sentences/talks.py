"""What a talk was about, in short: as the voice agent writes it, and as it is read from recordings and voicemails."""

from __future__ import annotations

TALKS = {
    "looks for {wishes}": "busca {wishes}",
    "is interested in {property}": "le interesa {property}",
    "asked about {topics}": "preguntó por {topics}",
    "speaks {language}": "habla {language}",
    "about {topics}": "sobre {topics}",
    "{whom} wants a person": "{whom} quiere hablar con una persona",
    "{whom} pressed a key": "{whom} pulsó una tecla",
    "{whom} was not understood": "{whom}: no se le entendió",
    "{whom} is upset, or has a complaint": "{whom} está molesto, o tiene una queja",
    "{whom} is already in touch with us about a tour, an application or a lease": (
        "{whom} ya está en contacto con nosotros por una visita, una solicitud o un contrato"
    ),
    "{whom} asked something that only a person may answer": "{whom} preguntó algo que solo puede contestar una persona",
    "{whom} asked for a decision": "{whom} pidió una decisión",
    "{whom} speaks another language": "{whom} habla otro idioma",
    "{whom} reports an emergency": "{whom} avisa de una emergencia",
    "{whom} needs a repair": "{whom} necesita una reparación",
    "{whom} was silent": "{whom} no dijo nada",
}
"""Of crm.domain.composing and crm.domain.talk_gist; a talk is told in several of them, with semicolons between."""

TOPICS = {
    "a call back": "que se le llame",
    "a complaint": "una queja",
    "a lower price": "un precio más bajo",
    "a repair": "una reparación",
    "a tour": "una visita",
    "a tour that is booked": "una visita reservada",
    "address": "la dirección",
    "amenities": "los servicios",
    "an application": "una solicitud",
    "app fee": "la cuota de solicitud",
    "applying": "cómo solicitar",
    "availability": "qué hay libre",
    "calling back": "que se le llame",
    "criteria": "los requisitos",
    "deposit": "el depósito",
    "fees": "las cuotas",
    "hours": "el horario",
    "laundry": "la lavandería",
    "lease term": "la duración del contrato",
    "lease terms": "la duración del contrato",
    "move in": "cuándo mudarse",
    "parking": "el estacionamiento",
    "pet fee": "la cuota por mascotas",
    "pet fees": "las cuotas por mascotas",
    "pets": "las mascotas",
    "rent": "la renta",
    "size": "el tamaño",
    "specials": "las ofertas",
    "the application": "la solicitud",
    "the application fee": "la cuota de solicitud",
    "the deposit": "el depósito",
    "the lease term": "la duración del contrato",
    "the pet deposit": "el depósito por mascotas",
    "the rent": "la renta",
    "tour": "una visita",
    "utilities": "los servicios públicos",
    "what it takes to qualify": "los requisitos",
    "when to move in": "cuándo mudarse",
}
ANIMALS = {
    "dog": "perro",
    "dogs": "perros",
    "cat": "gato",
    "cats": "gatos",
    "puppy": "cachorro",
    "kitten": "gatito",
}
