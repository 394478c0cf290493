"""How rents, addresses, numbers and abbreviations are spoken."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asterisk_conf.prompts.wording import house_number, normalize

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        # addresses
        ("1200 Elm St.", "twelve hundred Elm Street."),
        ("1200 Elm Street", "twelve hundred Elm Street"),
        ("Visit 1200 Elm St. Call us!", "Visit twelve hundred Elm Street. Call us!"),
        ("at 1200 Elm St. today", "at twelve hundred Elm Street today"),
        ("205 N. 5th Ave. NW", "two oh five North fifth Avenue Northwest"),
        ("1450 Oak Ridge Blvd, Apt. 204B", "fourteen fifty Oak Ridge Boulevard, apartment two oh four B"),
        ("12 Maple Ct., Austin, TX 78701", "twelve Maple Court, Austin, Texas, seven eight seven zero one"),
        ("12345 Research Blvd Suite 100", "one two three four five Research Boulevard, Suite one hundred"),
        ("Elm St. and 21st St", "Elm Street and twenty-first Street"),
        ("St. Mary's on Elm St. near St. Louis", "Saint Mary's on Elm Street near Saint Louis"),
        ("Dr. Smith on Oak Dr.", "Doctor Smith on Oak Drive."),
        ("I-35 at Hwy. 290", "Interstate thirty-five at Highway two ninety"),
        ("Unit 1204, Bldg. C, #12", "Unit twelve oh four, building C, number twelve"),
        # money
        ("$1,450", "one thousand four hundred fifty dollars"),
        ("$1,450/mo.", "one thousand four hundred fifty dollars a month."),
        ("$1450 per month", "one thousand four hundred fifty dollars a month"),
        ("$1,450-$1,600", "one thousand four hundred fifty to one thousand six hundred dollars"),
        ("$1", "one dollar"),
        ("$99.50", "ninety-nine dollars and fifty cents"),
        ("$50.00", "fifty dollars"),
        # phone numbers
        ("(512) 555-0199", "five one two, five five five, zero one nine nine"),
        ("512.555.0199", "five one two, five five five, zero one nine nine"),
        ("+15125550199", "one, five one two, five five five, zero one nine nine"),
        ("1-800-555-0100", "one, eight zero zero, five five five, zero one zero zero"),
        ("555-0123 ext. 6001", "five five five, zero one two three extension six zero zero one"),
        ("+44 20 7946 0000", "four four, two zero, seven nine four six, zero zero zero zero"),
        # homes
        ("2BR/1.5BA", "two bedroom, one and a half bath"),
        ("a 2 BR avail. now", "a two bedroom available now"),
        ("850 sq ft", "eight hundred fifty square feet"),
        ("850 sq. ft. or 900 ft²", "eight hundred fifty square feet or nine hundred square feet"),
        ("1½ baths w/ W/D & A/C", "one and a half baths with washer and dryer and air conditioning"),
        ("Elm Apts. mgmt.", "Elm apartments management"),
        # times and dates
        ("Mon-Fri 9am-5:30pm", "Monday to Friday nine A M to five thirty P M"),
        ("Sat. 10 a.m. to 2 p.m.", "Saturday ten A M to two P M."),
        ("at 9:05 or 12:00", "at nine oh five or twelve o'clock"),
        ("from Jan. 15, 2026", "from January fifteenth, twenty twenty-six"),
        ("open 24/7 in 2026", "open twenty-four seven in twenty twenty-six"),
        # keys, web, plain numbers
        ("press 1, *, or #", "press one, star, or pound"),
        ("press * now or press # now", "press star now or press pound now"),
        ("www.elm-street.com/homes.", "elm dash street dot com slash homes."),
        ("mail info@elm.com", "mail info at elm dot com"),
        ("3.75 miles, 10x12, 5%", "three point seven five miles, ten by twelve, five percent"),
        ("007 and 1450", "zero zero seven and one thousand four hundred fifty"),
        ("Café Zürich’s “best”—really…", "Cafe Zurich's best, really."),
        ("one line\nanother line", "one line. another line"),
        ("It's our team's office.", "It's our team's office."),
        ("", ""),
        (" ?!... ", ""),
    ],
)
def test_english(written: str, spoken: str) -> None:
    assert normalize(written, "en") == spoken


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("Desde $1,450 al mes.", "Desde mil cuatrocientos cincuenta dólares al mes."),
        ("$21 y $1", "veintiún dólares y un dólar"),
        ("(512) 555-0199", "cinco uno dos, cinco cinco cinco, cero uno nueve nueve"),
        ("oprima 1 o la tecla 2.", "oprima uno o la tecla dos."),
        ("lunes a viernes 9am-5pm", "lunes a viernes nueve de la mañana a cinco de la tarde"),
        ("8:30 p. m.", "ocho y treinta de la noche."),
        ("Apto. 204, Av. Juárez 12", "apartamento doscientos cuatro, avenida Juárez doce"),
        ("¡Hola! ¿Qué tal?", "¡Hola! ¿Qué tal?"),
    ],
)
def test_spanish(written: str, spoken: str) -> None:
    assert normalize(written, "es") == spoken


def test_other_languages_get_their_numbers_in_words_where_these_are_known() -> None:
    assert normalize("21 Wohnungen", "de") == "einundzwanzig Wohnungen"
    assert normalize("21 x", "xx") == "2 1 x"


@pytest.mark.parametrize(
    ("digits", "spoken"),
    [
        ("7", "seven"),
        ("42", "forty-two"),
        ("100", "one hundred"),
        ("205", "two oh five"),
        ("250", "two fifty"),
        ("1000", "one thousand"),
        ("1005", "ten oh five"),
        ("1200", "twelve hundred"),
        ("1450", "fourteen fifty"),
        ("12345", "one two three four five"),
        ("0120", "zero one two zero"),
    ],
)
def test_house_numbers(digits: str, spoken: str) -> None:
    assert house_number(digits) == spoken


# Pieces that the rules look for, mixed with anything else, find more than plain random text.
_PIECES = st.sampled_from(
    [
        "St.",
        "Dr.",
        "$1,450",
        "/mo",
        "-",
        "+1",
        "(512)",
        "555-0199",
        "2BR",
        "1.5",
        "BA",
        "9:30",
        "am",
        "Mon",
        "Jan.",
        "#",
        "*",
        "Apt.",
        "1200",
        "Elm",
        "&",
        "TX",
        "78701",
        "½",
        "²",
        "٣",
        "1200 Elm ",
        "\n",
        "www.a.com",
        "@",
        "'",
        '"',
        "${IFS}",
        "`x`",
        "[[",
        "\x00",
        "é",
    ]
)
_TEXTS = st.text() | st.lists(_PIECES | st.text(max_size=3), max_size=12).map("".join)


@given(_TEXTS)
def test_whatever_is_written_english_comes_out_as_plain_words(written: str) -> None:
    spoken = normalize(written, "en")
    assert spoken.isascii()
    assert all(char.isalpha() or char in " '.,;:!?-" for char in spoken)
    assert spoken == spoken.strip()
    assert not spoken.startswith(("-", "'"))
    assert spoken == "" or any(char.isalpha() for char in spoken)


@given(_TEXTS, st.sampled_from(["es", "de", "fr", "xx"]))
def test_whatever_is_written_no_control_or_special_character_is_left(written: str, language: str) -> None:
    spoken = normalize(written, language)
    allowed = " '.,;:!?-¿¡"
    assert all(char in allowed or unicodedata.category(char)[0] in "LM" or char.isdigit() for char in spoken)
    assert not spoken.startswith("-")
    if language != "xx":
        assert not any(char.isdecimal() for char in spoken)


@pytest.mark.timeout(60)
def test_a_text_of_any_length_is_read() -> None:
    for piece in ("a", "1 ", "12-", "$1,", "Mon-", "-", "St ", ".", "A1 ", "a.", "'"):
        normalize(piece * (2000 // len(piece)), "en")
        normalize(piece * (2000 // len(piece)), "es")
