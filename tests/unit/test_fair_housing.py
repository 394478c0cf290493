"""Words that express a preference are named with their place; innocent ones are not."""

from __future__ import annotations

import pytest

from crm.domain.fair_housing import PATTERNS, WHY, Protected, check, check_text, unaccepted
from crm.domain.listings import Fee, PetPolicy, Picture, PropertyContent, Words

pytestmark = pytest.mark.unit

NAMED = [
    ("No children, please", "No children", Protected.FAMILY),
    ("Sorry, no kids or pets.", "no kids", Protected.FAMILY),
    ("Adults only building", "Adults only", Protected.FAMILY),
    ("adult-only community", "adult-only", Protected.FAMILY),
    ("Maximum 2 children", "Maximum 2 children", Protected.FAMILY),
    ("Children not allowed upstairs", "Children not allowed", Protected.FAMILY),
    ("Perfect for a young couple", "Perfect for a young couple", Protected.FAMILY),
    ("Great for families!", "Great for families", Protected.FAMILY),
    ("Ideal for single professionals", "Ideal for single professionals", Protected.FAMILY),
    ("mature person preferred", "mature person", Protected.FAMILY),
    ("Couples preferred", "Couples preferred", Protected.FAMILY),
    ("no single moms", "no single moms", Protected.FAMILY),
    ("A child-free building", "child-free", Protected.FAMILY),
    ("White tenants only", "White tenants", Protected.RACE),
    ("in a Hispanic neighborhood", "Hispanic neighborhood", Protected.RACE),
    ("no blacks", "no blacks", Protected.RACE),
    ("an integrated neighborhood", "integrated neighborhood", Protected.RACE),
    ("No immigrants", "No immigrants", Protected.ORIGIN),
    ("U.S. citizens only", "U.S. citizens only", Protected.ORIGIN),
    ("Must speak English", "Must speak English", Protected.ORIGIN),
    ("English-speaking tenants", "English-speaking", Protected.ORIGIN),
    ("Christian home", "Christian home", Protected.RELIGION),
    ("seeking Jewish tenants", "Jewish tenants", Protected.RELIGION),
    ("Close to St. Patrick's Church", "Close to St. Patrick's Church", Protected.RELIGION),
    ("walking distance to the synagogue", "walking distance to the synagogue", Protected.RELIGION),
    ("Female only", "Female only", Protected.SEX),
    ("Looking for a female roommate", "Looking for a female", Protected.SEX),
    ("ladies preferred", "ladies preferred", Protected.SEX),
    ("no men", "no men", Protected.SEX),
    ("No wheelchairs", "No wheelchairs", Protected.DISABILITY),
    ("able-bodied tenants", "able-bodied", Protected.DISABILITY),
    ("No emotional support animals", "No emotional support animals", Protected.DISABILITY),
    ("Service dogs not allowed", "Service dogs not allowed", Protected.DISABILITY),
    ("Must be able to climb stairs", "Must be able to climb stairs", Protected.DISABILITY),
    ("not suitable for the handicapped", "not suitable for the handicapped", Protected.DISABILITY),
    ("must live independently", "must live independently", Protected.DISABILITY),
    ("No Section 8", "No Section 8", Protected.INCOME),
    ("Section 8 not accepted", "Section 8 not accepted", Protected.INCOME),
    ("We do not accept housing vouchers", "do not accept housing vouchers", Protected.INCOME),
    ("must be employed", "must be employed", Protected.INCOME),
    ("Working professionals only", "Working professionals only", Protected.INCOME),
    ("a 55+ community", "55+", Protected.AGE),
    ("young professionals", "young professionals", Protected.AGE),
    ("no students", "no students", Protected.AGE),
    ("perfect for retirees", "perfect for retirees", Protected.AGE),
    ("No military", "No military", Protected.MILITARY),
    ("in a safe neighborhood", "safe neighborhood", Protected.STEERING),
    ("Excellent schools nearby", "Excellent schools", Protected.STEERING),
]

NAMED_IN_SPANISH = [
    ("No se aceptan niños", "No se aceptan niños", Protected.FAMILY),
    ("sin niños", "sin niños", Protected.FAMILY),
    ("Solo adultos", "Solo adultos", Protected.FAMILY),
    ("Ideal para parejas", "Ideal para parejas", Protected.FAMILY),
    ("Perfecto para una familia", "Perfecto para una familia", Protected.FAMILY),
    ("se busca persona madura", "persona madura", Protected.FAMILY),
    ("Únicamente mujeres", "Únicamente mujeres", Protected.SEX),
    ("solo para señoritas", "solo para señoritas", Protected.SEX),
    ("No se aceptan extranjeros", "No se aceptan extranjeros", Protected.ORIGIN),
    ("Deben hablar inglés", "Deben hablar inglés", Protected.ORIGIN),
    ("solo para ciudadanos", "solo para ciudadanos", Protected.ORIGIN),
    ("familia cristiana", "familia cristiana", Protected.RELIGION),
    ("cerca de la iglesia", "cerca de la iglesia", Protected.RELIGION),
    ("solo blancos", "solo blancos", Protected.RACE),
    ("sin sillas de ruedas", "sin sillas de ruedas", Protected.DISABILITY),
    ("No se permiten animales de servicio", "No se permiten animales de servicio", Protected.DISABILITY),
    ("No aceptamos Sección 8", "No aceptamos Sección 8", Protected.INCOME),
    ("No se aceptan vales de vivienda", "No se aceptan vales de vivienda", Protected.INCOME),
    ("solo profesionales", "solo profesionales", Protected.INCOME),
    ("ideal para jóvenes", "ideal para jóvenes", Protected.AGE),
    ("zona segura", "zona segura", Protected.STEERING),
    ("cerca de buenas escuelas", "buenas escuelas", Protected.STEERING),
]

INNOCENT = [
    "Family room, master bedroom with a walk-in closet, and a mother-in-law suite.",
    "Single-family home on St. Mary's Street.",
    "Across from Church Street, close to Church Street Park.",
    "White cabinets, black granite, no white walls.",
    "Walking distance to jogging trails, with a view of the lake.",
    "Wheelchair accessible: ramp, roll-in shower, and accessible parking.",
    "Children's playground and a kids' pool; near Children's Hospital.",
    "Quiet streets in a desirable neighborhood.",
    "Section 8 welcome. Housing vouchers accepted.",
    "Service animals are welcome; no pet fee for assistance animals.",
    "No smoking. No pets. No bicycles in the hall.",
    "Great for family dinners; perfect for entertaining.",
    "Available to everybody. Equal housing opportunity.",
    "Heat and hot water included; window blinds in all rooms.",
    "Spanish tile, French doors, Chinese elm in the yard.",
    "Two people on the lease need two applications.",
    "Bachelor apartment with a kitchenette.",
    "Christian Street 12, Jewish Museum nearby.",
    "Gas range, stainless appliances, high ceilings, private balcony, secure entry.",
    "Minutes from downtown; single sink in the second bath; a couple of blocks from the bus.",
    "Must see! Apply with proof of income.",
    "Professional management; professionally cleaned.",
    "Seniors' discount at the cafe next door, student desk in the nook.",
    "Only one unit left. No application fee for the first week.",
    "A family of ducks lives at the pond.",
    "Military discount for everybody who serves.",
    "The home is 62 years old.",
    "Men's and women's locker rooms at the gym.",
]
INNOCENT_IN_SPANISH = [
    "Sala familiar, recámara principal con vestidor y casa unifamiliar.",
    "Calle Santa María 12, cerca del parque.",
    "Gabinetes blancos y pisos negros.",
    "Área de juegos para niños y alberca.",
    "Se aceptan mascotas. Animales de servicio bienvenidos.",
    "Se acepta la Sección 8 y los vales de vivienda.",
    "Rampa y estacionamiento accesible para sillas de ruedas.",
    "Sin cuota de solicitud este mes; no se permite fumar.",
    "Agua y basura incluidas; calle tranquila.",
    "Solo queda un departamento; dos baños y un estudio.",
]


@pytest.mark.parametrize(("text", "words", "protected"), NAMED)
def test_english_words_that_exclude_or_prefer_are_named(text: str, words: str, protected: Protected) -> None:
    [found] = check_text("en", "text", text)
    assert (found.words, found.protected) == (words, protected)
    assert text[found.at - 1 :].startswith(words)


@pytest.mark.parametrize(("text", "words", "protected"), NAMED_IN_SPANISH)
def test_spanish_words_that_exclude_or_prefer_are_named(text: str, words: str, protected: Protected) -> None:
    [found] = check_text("es", "text", text)
    assert (found.words, found.protected) == (words, protected)
    assert text[found.at - 1 :].startswith(words)


@pytest.mark.parametrize(
    ("language", "text"), [("en", one) for one in INNOCENT] + [("es", one) for one in INNOCENT_IN_SPANISH]
)
def test_innocent_words_are_left_alone(language: str, text: str) -> None:
    assert [str(one) for one in check_text(language, "text", text)] == []


def test_every_class_has_words_in_both_languages_and_a_reason() -> None:
    assert set(WHY) == set(Protected)
    for patterns in PATTERNS.values():
        assert set(patterns) == set(Protected)


def test_accents_dashes_and_line_breaks_hide_nothing() -> None:
    assert [one.words for one in check_text("es", "text", "NO SE ACEPTAN\nNINOS")] == ["NO SE ACEPTAN NINOS"]
    assert [one.words for one in check_text("en", "text", "Child\u2011free. No\n  children.")] == [
        "Child\u2011free",
        "No children",
    ]
    assert check_text("en", "text", "solo adultos"), "the other language's words are seen, too"


def test_every_text_is_read_and_its_place_is_named() -> None:
    content = PropertyContent(
        words={"en": Words(text="Nice.", policies="No kids."), "es": Words(text="Solo adultos.")},
        pictures=(Picture("a" * 64), Picture("b" * 64, {"en": "Pool, adults only"})),
        pets=PetPolicy(note="no service animals"),
        fees=(),
    )
    found = {(one.part, one.language, one.at) for one in check(content)}
    assert found == {("policies", "en", 1), ("text", "es", 1), ("picture 2", "en", 7), ("pets", "en", 1)}
    assert check(PropertyContent(fees=(Fee("children", 50, purpose="no kids"),)))  # type: ignore[arg-type]
    [first] = check_text("en", "text", "Nice. No kids.")
    assert str(first) == (
        "text (en), character 7: “No kids” (familial or marital status): families with children, and people who live "
        "alone or together, are to be as welcome as others"
    )


def test_what_was_accepted_is_accepted_wherever_it_moves_but_nothing_else_is() -> None:
    accepted = check_text("en", "text", "A 55+ community.")
    assert unaccepted(check_text("en", "text", "Welcome to our 55+ community."), accepted) == []
    assert unaccepted(check_text("en", "headline", "A 55+ community."), accepted)
    assert [one.words for one in unaccepted(check_text("en", "text", "55+ community, no kids."), accepted)] == [
        "no kids"
    ]


def test_a_long_text_is_read_in_one_pass() -> None:
    text = "no no children not for near the church walking to " * 80
    assert len(check_text("en", "text", text)) == 160
