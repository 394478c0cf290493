"""`leaseline listing`, and what a property offers."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from PIL import Image

from tests.cli.conftest import Leaseline

pytestmark = pytest.mark.cli

ADDRESS = ("--street", "100 Elm Street", "--city", "Austin", "--state", "TX", "--postal-code", "78701")
HOME = ("--bedrooms", "2", "--bathrooms", "1.5", "--rent", "1450", "--available-on", "2026-05-01")


def offered(office: Leaseline, *more: str) -> None:
    """Elm is public, and so is listing 1."""
    office.ok("property", "set", "elm", *ADDRESS, "--pets", "2 cats, monthly 25", "--text", "By the park.")
    office.ok("property", "publish", "elm")
    office.ok("listing", "add", "elm", "204B", *HOME, *more)
    office.ok("listing", "publish", "1")


def test_a_home_is_offered_changed_and_shown_as_it_was(office: Leaseline) -> None:
    offered(office, "--deposit", "500", "--fees", "application 50 per applicant: credit check")
    assert "version 2" in office.ok("listing", "set", "1", "--rent", "1,500", "--headline", "Two rooms by the park")
    assert "already" in office.ok("listing", "set", "1", "--rent", "1500")
    [entry] = office.json("listing", "list", "--state", "published")
    assert (entry["id"], entry["property"], entry["unit"], entry["rent"]) == (1, "elm", "204B", "1500.00")
    shown = office.json("listing", "show", "1")
    assert shown["terms"]["pets"] == {
        "allowed": [{"kind": "cats", "most": 2, "pounds": None, "deposit": None, "monthly": "25.00"}],
        "note": "",
    }
    assert shown["terms"]["fees"] == [
        {"name": "application", "amount": "50.00", "per": "per applicant", "purpose": "credit check"}
    ]
    assert (shown["state"], shown["public"], shown["address"]["street"]) == ("published", True, "100 Elm Street")
    assert office.json("listing", "show", "1", "--version", "1")["rent"] == "1450.00"
    assert [one["version"] for one in office.json("listing", "history", "1")] == [1, 2]
    for text in (
        "2 cats, monthly 25",
        "application 50 per applicant (credit check)",
        "100 Elm Street, Austin, TX 78701",
    ):
        assert text in office.ok("listing", "show", "1")
    assert "204B" in office.ok("listing", "list", "--beds", "2", "--rent-to", "1500", "--pets", "cats")
    assert "No listings found" in office.ok("listing", "list", "--pets", "dogs")
    assert "No listings found" in office.ok("listing", "list", "--after", "1")
    office.ok("listing", "expire", "1", "--on", "2099-01-31")
    assert office.json("listing", "show", "1")["expires_at"] == "2099-02-01T06:00:00Z"
    office.ok("listing", "unpublish", "1")
    assert office.json("listing", "show", "1")["state"] == "draft"


def test_one_room_is_one_bedroom_and_one_dog_no_dogs(office: Leaseline) -> None:
    office.ok("listing", "add", "elm", "1", "--bedrooms", "1", "--bathrooms", "1", "--rent", "900", "--pets", "1 dog")
    shown = office.ok("listing", "show", "1")
    assert "1 bedroom, 1 bathroom\n" in shown
    assert "1 dog\n" in shown
    assert "Nothing changes" in office.ok("listing", "set", "1", "--pets", "1 dog")
    office.ok("listing", "set", "1", "--bedrooms", "0", "--bathrooms", "1.5")
    assert "studio, 1.5 bathrooms\n" in office.ok("listing", "show", "1")


def test_a_day_in_the_past_is_meant_as_people_write_it(office: Leaseline) -> None:
    offered(office)
    today = datetime.now(ZoneInfo("America/Chicago"))
    for written in ("today", f"{today:%m/%d/%Y}", f"{today:%B} {today.day}", f"{today:%Y-%m-%d}", f"{today:%A}", "now"):
        assert office.json("listing", "show", "1", "--at", written)["version"] == 1
    office.refused("listing", "show", "1", "--at", "yesterday")


def test_words_that_exclude_are_named_and_somebody_decides(office: Leaseline) -> None:
    offered(office)
    result = office("listing", "set", "1", "--text", "Adults only. No kids.", "--policies", "x")
    assert result.exit_code == 2, "a home has no policies"
    result = office("listing", "set", "1", "--text", "Adults only. No kids.")
    assert result.exit_code == 0
    assert "“Adults only”" in result.stderr
    assert "stays public" in result.stderr
    assert office.json("listing", "show", "1")["state"] == "changed"
    assert "“No kids”" in office.ok("listing", "check", "1")
    refused = office("listing", "publish", "1")
    assert refused.exit_code == 2
    assert "“No kids”" in refused.stderr.splitlines()[0], "all of them are told"
    assert "--despite-findings" in refused.stderr.splitlines()[-1]
    office.ok("listing", "publish", "1", "--despite-findings", "exemption on file")
    assert office.json("listing", "show", "1")["state"] == "published"
    assert office.json("listing", "history", "1")[-1]["despite"] == "exemption on file"


def test_a_property_offers_and_answers(office: Leaseline, tmp_path: Path) -> None:
    file = tmp_path / "text.md"
    file.write_text("Built in 1962.\n\nBy the creek.\n")
    office.ok("property", "set", "elm", *ADDRESS, "--text-file", str(file), "--utilities", "water, trash")
    office.ok("property", "set", "elm", "--language", "es", "--policies", "No se permite fumar.")
    assert "2 of 2" in office.ok("property", "offer", "elm")
    entry = office.json("property", "offer", "elm", "--language", "es")
    assert (entry["text"], entry["policies"]) == ("Built in 1962.\n\nBy the creek.", "No se permite fumar.")
    assert (entry["state"], entry["terms"]["utilities"]) == ("draft", ["water", "trash"])
    assert [one["public_from"] for one in office.json("property", "history", "elm")] == [None, None]
    assert "another option" in office.refused("listing", "set", "1")
    office.ok("property", "answer", "set", "office", "vouchers", "We welcome housing choice vouchers.")
    office.ok("property", "answer", "set", "elm", "vouchers", "--file", str(file), "--language", "es")
    assert office.json("property", "answer", "show", "elm", "vouchers")["text"] == "We welcome housing choice vouchers."
    assert [one["language"] for one in office.json("property", "answer", "list", "elm")] == ["en", "es"]
    assert "source of income" in office.refused("property", "answer", "set", "elm", "vouchers", "No Section 8.")
    assert "property answer list elm" in office.refused("property", "answer", "show", "elm", "pool")


def test_pictures_are_taken_in_ordered_and_described(office: Leaseline, tmp_path: Path) -> None:
    offered(office)
    for name, color in (("kitchen.jpg", "tan"), ("bath.png", "azure")):
        Image.new("RGB", (2000, 1500), color).save(tmp_path / name)
    office.ok("listing", "picture", "add", "1", str(tmp_path / "kitchen.jpg"), "--alt", "Kitchen")
    office.ok("listing", "picture", "add", "1", str(tmp_path / "bath.png"), "--at", "1")
    office.ok("listing", "picture", "set", "1", "1", "--alt", "Bath", "--alt-es", "Baño", "--at", "2")
    [kitchen, bath] = office.json("listing", "picture", "list", "1")
    assert (kitchen["alt"], bath["alt"], bath["widths"]) == ("Kitchen", "Bath", [480, 960, 1600])
    files = sorted(path.name for path in (office.home / "pictures" / bath["hash"][:2]).iterdir())
    assert files == [f"{bath['hash']}-{size}" for size in ("1600.webp", "480.webp", "960.webp", "card.jpg")]
    assert "there already" in office.refused("listing", "picture", "add", "1", str(tmp_path / "kitchen.jpg"))
    office.ok("listing", "picture", "remove", "1", "1")
    assert [one["alt"] for one in office.json("listing", "show", "1", "--language", "es")["pictures"]] == ["Baño"]
    assert len(office.json("listing", "show", "1", "--version", "3")["pictures"]) == 2
    office.ok("property", "picture", "add", "elm", str(tmp_path / "bath.png"), "--alt", "The pool")
    office.ok("property", "picture", "set", "elm", "1", "--alt", "Pool")
    [pool] = office.json("property", "picture", "list", "elm")
    assert (pool["hash"], pool["alt"]) == (bath["hash"], "Pool")
    text = tmp_path / "picture.jpg"
    text.write_text("<script>")
    assert "JPEG, PNG or WebP" in office.refused("listing", "picture", "add", "1", str(text))
    assert "no picture 7" in office.refused("listing", "picture", "remove", "1", "7")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("listing", "add", "elm", "1", "--bedrooms", "1", "--bathrooms", "1"), "needs rent"),
        (("listing", "add", "elm", "1"), "needs bedrooms and bathrooms and rent: give --bedrooms"),
        (("listing", "import", "mine.csv"), "mine.csv does not say what it lists: name it"),
        (("listing", "add", "elm", "1", *HOME[:4], "--rent", "cheap"), "is not an amount"),
        (("listing", "add", "oak", "1", *HOME), "no property oak"),
        (("listing", "add", "elm", "1", *HOME, "--pets", "hamsters maybe"), "says nothing about pets"),
        (("listing", "add", "elm", "1", *HOME, "--fees", "a lot"), "is not a fee"),
        (("listing", "add", "elm", "1", *HOME, "--utilities", "water, love"), "not a kind of utility"),
        (("listing", "add", "elm", "1", *HOME, "--parking", "none, lot"), "contradict"),
        (("listing", "show", "7"), "no listing 7"),
        (("listing", "show", "7", "--at", "someday"), "is not a time"),
        (("listing", "publish", "7"), "no listing 7"),
        (("listing", "expire", "7"), "Say when"),
        (("property", "set", "elm", "--state", "Texas"), "two letters"),
        (("property", "set", "elm", "--position", "here"), "latitude and longitude"),
        (("property", "publish", "elm"), "no street yet"),
        (("listing", "picture", "add", "7", "no.jpg"), "no listing 7"),
        (("property", "picture", "add", "elm", "no.jpg"), "cannot be read"),
    ],
)
def test_what_cannot_be_is_one_sentence(untouched: Leaseline, arguments: tuple[str, ...], told: str) -> None:
    assert told in untouched.refused(*arguments)


def test_everything_goes_out_and_comes_back_in(office: Leaseline, leaseline: Leaseline, tmp_path: Path) -> None:
    offered(office, "--headline", "=Two rooms", "--concession", "1 month free")
    Image.new("RGB", (700, 500), "tan").save(tmp_path / "kitchen.jpg")
    office.ok("listing", "picture", "add", "1", str(tmp_path / "kitchen.jpg"), "--alt", "Kitchen")
    office.ok("property", "answer", "set", "office", "vouchers", "We welcome vouchers.")
    feed, pictures, tables = tmp_path / "feed.json", tmp_path / "pictures", tmp_path / "lists"
    office.ok("listing", "export", str(feed), "--pictures", str(pictures))
    assert len(list(pictures.iterdir())) == 1
    office.ok("listing", "export", str(tables))
    assert sorted(path.name for path in tables.iterdir()) == ["answers.csv", "properties.csv", "units.csv"]
    assert "'=Two rooms" in (tables / "units.csv").read_text()
    assert "pictures/" in office.ok("listing", "import", "--help")
    dry = leaseline.ok("listing", "import", str(feed), "--pictures", str(pictures), "--dry-run")
    assert "Nothing was written" in dry
    assert leaseline.json("listing", "list") == []
    assert not list((leaseline.home / "pictures").iterdir())
    leaseline.ok("listing", "import", str(feed), "--pictures", str(pictures))
    again = tmp_path / "again.json"
    leaseline.ok("listing", "export", str(again))
    assert again.read_bytes() == feed.read_bytes()
    for text in ("listing import", "import"):
        leaseline.ok(*text.split(), str(tables))
    leaseline.ok("listing", "export", str(tmp_path / "other"))
    for path in tables.iterdir():
        assert (tmp_path / "other" / path.name).read_bytes() == path.read_bytes()
    assert leaseline.json("listing", "show", "1")["latest"] == office.json("listing", "show", "1")["latest"] - 1
    office.ok("listing", "export", str(tmp_path / "units.csv"), "--property", "elm", "--raw")
    assert "elm,204B" in (tmp_path / "units.csv").read_text()


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("feed.json", "{", "is not JSON"),
        (
            "feed.json",
            '{"format": "leaseline-listings/1", "properties": [{"slug": "elm", "listings": [{}]}]}',
            "listing 1",
        ),
        ("units.csv", "property,name,bedrooms,bathrooms,rent,pets,fees\nelm,1,1,1,900,cats,some\n", "column 7 (fees)"),
        ("units.csv", "property,name,bedrooms,bathrooms,rent,published\nelm,1,1,1,900,yes\n", "column 6 (published)"),
        ("units.csv", "property,name,bedrooms,bathrooms,rent,last_day\nelm,1,1,1,900,soon\n", "column 6 (last_day)"),
        ("properties.csv", "slug,state\nelm,Texas\n", "line 2, column 2 (state)"),
        ("answers.csv", "property,topic,language,text\nelm,pets,en,No Section 8\n", "column 4 (text)"),
        ("agents.csv", "slug\nzoe\n", "leaseline import"),
    ],
)
def test_a_list_with_a_mistake_is_refused(
    untouched: Leaseline, tmp_path: Path, name: str, content: str, told: str
) -> None:
    (tmp_path / name).write_text(content)
    assert told in untouched.refused("listing", "import", str(tmp_path / name))


def test_a_list_goes_nowhere_it_cannot(untouched: Leaseline, tmp_path: Path) -> None:
    assert "name it" in untouched.refused("listing", "export", str(tmp_path / "homes.csv"))
    assert "cannot be written" in untouched.refused("listing", "export", str(tmp_path / "nowhere" / "feed.json"))
    assert "no property oak" in untouched.refused("listing", "export", str(tmp_path / "feed.json"), "--property", "oak")
    assert "cannot be read" in untouched.refused("listing", "import", str(tmp_path / "none.json"))
    assert list(tmp_path.iterdir()) == []
