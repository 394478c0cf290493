"""What people spell, dictate and correct."""

from __future__ import annotations

import pytest

from crm.domain import spelling

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("said", "word"),
    [
        ("N-G-U-Y-E-N", "nguyen"),
        ("it's n g u y e n", "nguyen"),
        ("N as in Nancy, G as in George, U, Y, E, N", "nguyen"),
        ("en gee you why ee en", "nguyen"),
        ("S M I double T H", "smitth"),
        ("november golf uniform", "ngu"),
        ("ge a erre ce i a", "garcia"),
        ("I have a dog", ""),
        ("can you see it", ""),
    ],
)
def test_letters(said: str, word: str) -> None:
    assert spelling.letters(said) == word


@pytest.mark.parametrize(
    ("said", "number"),
    [
        ("512 555 0199", "5125550199"),
        ("(512) 555-0199", "5125550199"),
        ("five one two, five five five, oh one nine nine", "5125550199"),
        ("one five one two five five five zero one double nine", "5125550199"),
        ("five twelve five fifty five zero one ninety nine", "5125550199"),
        ("cinco uno dos cinco cinco cinco cero uno nueve nueve", "5125550199"),
        ("I need two bedrooms for 1500", ""),
        ("112 555 0199", ""),
    ],
)
def test_numbers(said: str, number: str) -> None:
    assert spelling.number(said) == number


@pytest.mark.parametrize(
    ("correction", "number"),
    [
        ("no, 0199", "5125550199"),
        ("the last four are zero one nine nine", "5125550199"),
        ("it ends in nine", "5125550199"),
        ("the area code is 737", "7375550198"),
        ("no, 512 555 0144", "5125550144"),
        ("that's wrong", ""),
    ],
)
def test_corrections_of_5125550198(correction: str, number: str) -> None:
    assert spelling.corrected("5125550198", correction) == number


@pytest.mark.parametrize(
    ("said", "address"),
    [
        ("anna.nguyen@gmail.com", "anna.nguyen@gmail.com"),
        ("my email is anna dot nguyen at gmail dot com", "anna.nguyen@gmail.com"),
        ("a n n a underscore n at yahoo dot com", "anna_n@yahoo.com"),
        ("it's j smith 42 at g mail dot com", "jsmith42@gmail.com"),
        ("mi correo es ana punto lopez arroba hotmail punto com", "ana.lopez@hotmail.com"),
        ("I am at the office", ""),
        ("at", ""),
        ("meet me at noon", ""),
    ],
)
def test_email_addresses(said: str, address: str) -> None:
    assert spelling.email(said) == address


def test_what_is_read_back_holds_no_web_address() -> None:
    assert spelling.read_email("anna.n@gmail.com", "en") == ("A, N, N, A, dot, N", "gmail dot com")
    assert spelling.read_email("ana@gmail.com", "es") == ("A, N, A", "gmail punto com")
    assert spelling.read_number("+15125550199") == "5 1 2, 5 5 5, 0 1 9 9"


@pytest.mark.parametrize(
    ("heard", "word"),
    [
        ("N as in Nancy, G as in golf, U as in uncle", "ngu"),
        ("Enner's a Nancy, Giers and Golf, Ears and Uncle, Wise and Yellow, Ears and Echo, Enner's a Nancy", "nguyen"),
        ("No, I don't want to, sorry", ""),
        ("N as in Nancy", ""),
    ],
)
def test_letters_told_by_words_are_those_that_the_words_begin_with(heard: str, word: str) -> None:
    assert spelling.by_examples(heard) == word
