"""Importing lists at the command line: all of a file, or nothing of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Leaseline

pytestmark = pytest.mark.cli

PORTFOLIO = """
[[portfolios]]
slug = "east"
name = "East side"
[[agents]]
slug = "carol"
name = "Carol"
extension = "103"
[[subteams]]
slug = "south"
members = ["carol", "bob"]
[[properties]]
slug = "lake"
name = "Lakeside Homes"
portfolio = "east"
subteam = "south"
timezone = "America/Denver"
area = "North Austin"
[[lines]]
number = "6001"
portfolio = "east"
[[lines]]
number = "(512) 555-0102"
property = "lake"
source = "website"
[[units]]
property = "lake"
name = "1A"
bedrooms = 2
bathrooms = "1.5"
rent = "1,450.00"
pets = "cats"
[[hours]]
openings = ["mon-fri 09:00-18:00"]
[[tour_hours]]
property = "lake"
openings = "mon-fri 10:00-16:00"
"""


def test_subteams_name_each_other_as_sisters(office: Leaseline, tmp_path: Path) -> None:
    file = tmp_path / "subteams.csv"
    file.write_text("slug,sisters,answering_service\neast,west north,512-555-0150\nwest,east,\n")
    office.ok("import", str(file))
    east, west = (office.json("subteam", "show", slug) for slug in ("east", "west"))
    assert (east["sisters"], east["answering_service"]) == (["west", "north"], "+15125550150")
    assert (west["sisters"], west["answering_service"]) == (["east"], None)


def test_a_whole_portfolio_in_one_file(office: Leaseline, tmp_path: Path) -> None:
    file = tmp_path / "portfolio.toml"
    file.write_text(PORTFOLIO.replace('members = ["carol", "bob"]', 'members = "carol bob"'))
    done = {one["kind"]: (one["added"], one["changed"]) for one in office.json("import", str(file))}
    assert done == {
        "portfolios": (1, 0),
        "agents": (1, 0),
        "subteams": (1, 0),
        "properties": (1, 0),
        "units": (1, 0),
        "lines": (2, 0),
        "hours": (0, 1),
        "tour_hours": (0, 1),
    }
    lake = office.json("property", "show", "lake")
    assert (lake["portfolio"], lake["subteam"], lake["timezone"]) == ("east", "south", "America/Denver")
    assert (lake["lines"], lake["area"]) == (["+15125550102"], "North Austin")
    assert office.json("line", "show", "6001")["portfolio"] == "east"
    assert office.json("subteam", "show", "south")["members"] == ["bob", "carol"]
    assert len(office.json("hours", "show")) >= 1
    assert office.json("tour", "slots", "lake")
    again = {one["kind"]: (one["added"], one["changed"]) for one in office.json("import", str(file))}
    assert set(again.values()) == {(0, 0)}, "nothing is different"
    assert office.rows("SELECT count(*) FROM listing") == [(1,)], "the same offer is no new version"


def test_a_line_for_a_property_and_a_portfolio_is_refused(office: Leaseline, tmp_path: Path) -> None:
    office.ok("portfolio", "add", "east")
    file = tmp_path / "lines.csv"
    file.write_text("number,portfolio\n5125550100,east\n")
    assert "line 2, column 2 (portfolio)" in office.refused("import", str(file))
    file.write_text("number,property,portfolio\n5125550100,,east\n")
    office.ok("import", str(file))
    assert office.json("line", "show", "5125550100")["portfolio"] == "east"


def test_a_new_rent_is_a_new_version(office: Leaseline, tmp_path: Path) -> None:
    file = tmp_path / "units.csv"
    for rent in ("1450", "1450.00", "1500"):
        file.write_text(f"property,name,bedrooms,bathrooms,rent\nelm,1,1,1,{rent}\n")
        office.ok("import", str(file))
    assert [office.json("listing", "show", "1", "--version", str(version))["rent"] for version in (1, 2)] == [
        "1450.00",
        "1500.00",
    ]
    assert office.json("listing", "show", "1")["latest"] == 2


def test_a_dry_run_writes_nothing(untouched: Leaseline, tmp_path: Path) -> None:
    file = tmp_path / "units.csv"
    file.write_text("property,name,bedrooms,bathrooms,rent\nelm,1,1,1,900\n")
    before = untouched.contents()
    assert "Nothing was written" in untouched.ok("import", str(file), "--dry-run")
    assert untouched.contents() == before


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("units.csv", "property,name,bedrooms,bathrooms,rent\nelm,1,1,1,900\noak,2,1,1,900\n", "line 3, column 1"),
        ("subteams.csv", "slug,members\nwest,alice nobody\n", "line 2, column 2"),
        ("subteams.csv", "slug,sisters\nwest,north nowhere\n", "line 2, column 2"),
        ("subteams.csv", "slug,sisters\nwest,west\n", "own sister"),
        ("subteams.csv", "slug,answering_service\nwest,900-555-0150\n", "line 2, column 2"),
        ("lines.csv", "number,property\n911,elm\n", "line 2, column 1"),
        ("lines.csv", "number,property,portfolio\n6001,elm,east\n", "no portfolio east"),
        ("agents.csv", "slug,extension\nbob,101\n", "line 2, column 2"),
        ("agents.csv", "slug,extension\nbob,911\n", "line 2, column 2"),
        ("properties.csv", "slug,timezone\nelm,Elm Street\n", "line 2, column 2"),
        ("hours.csv", "openings\nmon 10:00-12:00\nmon 11:00-13:00\n", "overlap"),
        ("hours.csv", "property,openings\nelm,mon 10:00-12:00\noak,mon 10:00-12:00\n", "line 3, column 1"),
        ("special_days.csv", "day,open\n2026-12-24,09:00-12:00\n2026-12-25,late\n", "line 3, column 2"),
        ("special_days.csv", "day,open\n2026-12-24,\n2026-12-24,usual\n", "line 3, column 1"),
        ("agent_hours.csv", "agent,openings\nalice,mon 10:00-12:00\nzoe,mon 10:00-12:00\n", "line 3, column 1"),
        ("properties.csv", "slug,holidays\nelm,US-QQ\n", "line 2, column 2"),
        ("tour_hours.csv", "property,openings\noak,mon 10:00-12:00\n", "line 2, column 1"),
        ("tour_hours.csv", "property,openings,minutes\nelm,mon 10:00-10:20,30\n", "line 2, column 2"),
        ("list.csv", "slug\nx\n", "--kind"),
        ("portfolio.toml", "[[properties]]\nslug = 'lake'\nsubteam = 'south'\n", "no subteam south"),
    ],
)
def test_with_one_problem_nothing_is_written(
    untouched: Leaseline, tmp_path: Path, name: str, text: str, told: str
) -> None:
    file = tmp_path / name
    file.write_text(text)
    assert told in untouched.refused("import", str(file))


def test_a_file_that_is_no_text_is_refused(untouched: Leaseline, tmp_path: Path) -> None:
    file = tmp_path / "units.csv"
    file.write_bytes(b"property,name\n\x00\xff\xfe\n")
    assert "UTF-8" in untouched.refused("import", str(file))
    untouched.refused("import", str(tmp_path / "nowhere.csv"))


def problems_of(office: Leaseline, folder: Path) -> list[str]:
    """Everything that is told to be amiss, a line each; nothing is written."""
    before = office.contents()
    result = office("import", str(folder))
    assert (result.exit_code, result.stdout) == (2, "")
    assert office.contents() == before
    *told, error = result.stderr.strip().splitlines()
    if not told:
        return [error.removeprefix("Error: Nothing was written: ")]
    assert error == f"Error: Nothing was written, because of {len(told)} problems."
    return told


def test_a_folder_with_mistakes_in_several_files_tells_each_with_its_file_line_and_column(
    untouched: Leaseline, tmp_path: Path
) -> None:
    (tmp_path / "agents.csv").write_text("slug,extension\nzoe,105\nyan,911\n")
    (tmp_path / "devices.csv").write_text("slug,agent,kind\nzoe-desk,zoe,desk\nZoe Soft,zoe,softphone\nx,zoe,fax\n")
    (tmp_path / "units.csv").write_bytes(b"property,name\n\x00\xff\xfe\n")
    (tmp_path / "rest.toml").write_text("[[agents]]\nslug = 'zoe'\n[[properties]]\nslug = 'lake'\ntimezone = 'Lake'\n")
    found = problems_of(untouched, tmp_path)
    for place in (
        "agents.csv, line 3, column 2 (extension)",
        "devices.csv, line 3, column 1 (slug)",
        "devices.csv, line 4, column 3 (kind)",
        "rest.toml, properties entry 1, timezone",
        "units.csv: ",
    ):
        assert len([one for one in found if one.startswith(place)]) == 1, (place, found)
    [twice] = [one for one in found if one.startswith("rest.toml, agents entry 1, slug")]
    assert "already in agents.csv, line 2" in twice
    assert len(found) == 6


def test_all_that_is_wrong_is_told_at_once_in_the_order_of_the_files(untouched: Leaseline, tmp_path: Path) -> None:
    """Mistyped cells, and names of what there is not; what a wrong row adds is known."""
    (tmp_path / "agents.csv").write_text("slug,extension,email\nzoe,105,not an address\nyan,911,\nXU,106,\nxi,101,\n")
    (tmp_path / "contacts.csv").write_text("number,kind,property\n12,tenant,nowhere\n,vendor,elm\n")
    (tmp_path / "desks.csv").write_text("kind,target,property\nowner,agent:zoe,lake\nfriend,agent:nobody,lake\n")
    (tmp_path / "devices.csv").write_text("slug,agent,kind,number\nz-desk,zoe,,\nx-desk,xu,,\ny-cell,xi,fax,1\n")
    (tmp_path / "lines.csv").write_text("number,property,portfolio\n5125550170,lake,\n911,nowhere,\n")
    (tmp_path / "properties.csv").write_text(
        "slug,timezone,subteam,published\nlake,Lake,west,yes\noak,,north,\nash,,nowhere,\n"
    )
    (tmp_path / "subteams.csv").write_text("slug,strategy,members\nwest,at random,zoe yan ghost\n")
    (tmp_path / "tour_hours.csv").write_text(
        "property,openings,minutes\nlake,mon 9:00-9:20,many\nnowhere,mon 9:00-9:20,30\n"
    )
    (tmp_path / "units.csv").write_text(
        "property,name,bedrooms,bathrooms,rent,published\nlake,1,1,1,900,yes\nnowhere,2,1,1,free,\nlake,3,x,1,900,\n"
    )
    found = [one.partition(": ")[0] for one in problems_of(untouched, tmp_path)]
    assert found == [
        "agents.csv, line 2, column 3 (email)",
        "agents.csv, line 3, column 2 (extension)",
        "agents.csv, line 4, column 1 (slug)",
        "agents.csv, line 5, column 2 (extension)",
        "contacts.csv, line 2, column 1 (number)",
        "contacts.csv, line 2, column 2 (kind)",
        "contacts.csv, line 2, column 3 (property)",
        "contacts.csv, line 3, column 1 (number)",
        "desks.csv, line 3, column 1 (kind)",
        "desks.csv, line 3, column 2 (target)",
        "devices.csv, line 3, column 2 (agent)",
        "devices.csv, line 4, column 3 (kind)",
        "devices.csv, line 4, column 4 (number)",
        "lines.csv, line 3, column 1 (number)",
        "lines.csv, line 3, column 2 (property)",
        "properties.csv, line 2, column 2 (timezone)",
        "properties.csv, line 4, column 3 (subteam)",
        "subteams.csv, line 2, column 2 (strategy)",
        "subteams.csv, line 2, column 3 (members)",
        "tour_hours.csv, line 2, column 3 (minutes)",
        "tour_hours.csv, line 3, column 1 (property)",
        "tour_hours.csv, line 3, column 2 (openings)",
        "units.csv, line 3, column 1 (property)",
        "units.csv, line 3, column 5 (rent)",
        "units.csv, line 4, column 3 (bedrooms)",
    ]


def test_what_a_long_list_names_is_told_with_its_mistyped_cells(untouched: Leaseline, tmp_path: Path) -> None:
    (tmp_path / "properties.csv").write_text("slug,timezone\nlake,Lake\n")
    rows = "".join(f"lake,{number},1,1,{number}00\n" for number in range(1, 60))
    (tmp_path / "units.csv").write_text(f"property,name,bedrooms,bathrooms,rent\n{rows}oak,1,1,1,900\nelm,1,x,1,900\n")
    found = [one.partition(": ")[0] for one in problems_of(untouched, tmp_path)]
    assert found == [
        "properties.csv, line 2, column 2 (timezone)",
        "units.csv, line 61, column 1 (property)",
        "units.csv, line 62, column 3 (bedrooms)",
    ]


def test_names_that_a_file_may_have_that_cannot_be_read_are_not_told_of(untouched: Leaseline, tmp_path: Path) -> None:
    (tmp_path / "agents.csv").write_bytes(b"slug,name\nzoe,\x00\xff\n")
    (tmp_path / "devices.csv").write_text("slug,agent,location\nzoe-desk,zoe,nowhere\n")
    (tmp_path / "desks.csv").write_text("kind,target\nowner,agent:zoe\n")
    found = [one.partition(": ")[0] for one in problems_of(untouched, tmp_path)]
    assert found == ["agents.csv", "devices.csv, line 2, column 3 (location)"]


def test_what_a_folder_names_that_is_nowhere_is_told_for_all_files_at_once(
    untouched: Leaseline, tmp_path: Path
) -> None:
    (tmp_path / "agents.csv").write_text("slug\nzoe\n")
    (tmp_path / "devices.csv").write_text("slug,agent\nzoe-desk,zoe\nyan-desk,yan\n")
    (tmp_path / "subteams.csv").write_text("slug,members\nwest,zoe yan\n")
    (tmp_path / "more.toml").write_text("[[lines]]\nnumber = '6001'\nproperty = 'nowhere'\n")
    found = problems_of(untouched, tmp_path)
    assert [one.partition(": ")[0] for one in found] == [
        "devices.csv, line 3, column 2 (agent)",
        "more.toml, lines entry 1, property",
        "subteams.csv, line 2, column 2 (members)",
    ]


def test_what_two_files_of_a_folder_list_is_told_once_with_its_file(untouched: Leaseline, tmp_path: Path) -> None:
    (tmp_path / "agents.csv").write_text("slug\nzoe\n")
    (tmp_path / "more.toml").write_text("[[agents]]\nslug = 'zoe'\n")
    (tmp_path / "rest.toml").write_text("[[agents]]\nslug = 'yan'\n")
    [found] = problems_of(untouched, tmp_path)
    assert found.startswith("more.toml, agents entry 1, slug")
    assert "agents.csv, line 2" in found


def test_a_whole_folder_with_devices_is_imported(office: Leaseline, tmp_path: Path) -> None:
    (tmp_path / "agents.csv").write_text("slug\nzoe\n")
    (tmp_path / "devices.csv").write_text("slug,agent\nzoe-desk,zoe\n")
    done = {one["kind"]: (one["added"], one["changed"]) for one in office.json("import", str(tmp_path))}
    assert done == {"agents": (1, 0), "devices": (1, 0)}
    assert "zoe-desk" in [one["slug"] for one in office.json("device", "list")]


def test_only_what_is_different_counts_as_changed(office: Leaseline, tmp_path: Path) -> None:
    file = tmp_path / "lists.toml"
    text = """
[[agents]]
slug = "zoe"
name = "Zoe"
[[devices]]
slug = "zoe-desk"
agent = "zoe"
[[subteams]]
slug = "west"
members = "zoe"
[[properties]]
slug = "lake"
name = "Lake"
[[hours]]
openings = ["mon-fri 9-5"]
[[special_days]]
day = "12/24/2030"
open = "9am-noon"
[[contacts]]
number = "(512) 555-0177"
kind = "resident"
name = "Ann"
[[desks]]
kind = "vendor"
target = "agent:zoe"
"""
    file.write_text(text)
    first = {one["kind"]: (one["added"], one["changed"]) for one in office.json("import", str(file))}
    assert first["agents"] == first["special_days"] == (1, 0)
    assert first["hours"] == (0, 1)
    assert {(one["added"], one["changed"]) for one in office.json("import", str(file))} == {(0, 0)}
    file.write_text(
        text.replace("9-5", "9-6").replace("9am", "8am").replace('"Ann"', '"Bo"').replace('"Lake"', '"Lakes"')
    )
    again = {one["kind"]: (one["added"], one["changed"]) for one in office.json("import", str(file))}
    assert {kind for kind, counts in again.items() if counts == (0, 1)} == {
        *("hours", "special_days", "contacts", "properties"),
    }


def test_devices_have_a_location_or_a_mobiles_number(office: Leaseline, tmp_path: Path) -> None:
    office.ok("location", "add", "home", "--address", "1 Main St, Austin, TX", "--callback", "+15125550199")
    file = tmp_path / "devices.csv"
    file.write_text("slug,agent,kind,location,number\na-desk,alice,desk,home,\na-cell,alice,mobile,,(512) 555-0151\n")
    office.ok("import", str(file))
    devices = {one["slug"]: one for one in office.json("device", "list")}
    assert devices["a-desk"]["location"] == "home"
    assert (devices["a-cell"]["kind"], devices["a-cell"]["number"]) == ("mobile", "+15125550151")
    assert '"device/a-cell"' not in (office.home / "secrets.json").read_text()
    file.write_text(
        "slug,agent,kind,location,number\n"
        "b-desk,alice,desk,nowhere,\nb-cell,alice,mobile,home,911\na-desk,alice,mobile,,5125550152\nc-desk,alice,desk,,5125550153\n"
    )
    told = problems_of(office, file)
    assert [one.partition(":")[0] for one in told] == [
        "line 2, column 4 (location)",
        "line 3, column 4 (location)",
        "line 3, column 5 (number)",
        "line 4, column 1 (slug)",
        "line 5, column 5 (number)",
    ]


def test_a_list_in_utf_16_is_read(office: Leaseline, tmp_path: Path) -> None:
    file = tmp_path / "contacts.csv"
    file.write_bytes("number\tkind\tname\n+15125550201\tresident\tZoë Nuñez\n".encode("utf-16"))
    office.ok("import", str(file))
    assert office.json("contact", "list")[0]["name"] == "Zoë Nuñez"


def test_the_audit_log_counts_what_was_imported_in_words(office: Leaseline, tmp_path: Path) -> None:
    rows = "property,name,bedrooms,bathrooms,rent\nelm,1,1,1,900\n"
    (tmp_path / "units.csv").write_text(rows)
    office.ok("import", str(tmp_path / "units.csv"))
    (tmp_path / "units.csv").write_text(f"{rows}elm,2,1,1,900\nelm,3,1,1,900\n")
    office.ok("import", str(tmp_path / "units.csv"))
    told = office.ok("audit", "list")
    assert "imported 1 unit\n" in told
    assert "imported 2 units\n" in told
