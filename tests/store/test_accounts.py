"""People who sign in: their accounts, links, sessions, codes and passkeys, on both databases."""

from __future__ import annotations

from datetime import datetime, timedelta

import pyotp
import pytest
from sqlalchemy import select

from crm.config import Config
from crm.domain.access import WHOLE_OFFICE, Act, Reach, Role, may
from crm.domain.errors import Conflict, Invalid, NotFound
from crm.services import signing_in
from crm.services.access import accounts, passkeys, sessions
from crm.services.access.accounts import AccountChange
from crm.services.access.passkeys import ProvenPasskey, RelyingParty
from crm.services.access.sessions import NotSignedIn, SignedIn
from crm.services.audit import By
from crm.store.models import (
    Account,
    AccountLink,
    AccountPasskey,
    AccountRecoveryCode,
    AccountSession,
    Agent,
    AuditEntry,
    Property,
    Subteam,
)
from crm.store.session import Store
from tests.store.conftest import NOW

pytestmark = [pytest.mark.store, pytest.mark.usefixtures("office")]

BY = By("dana", NOW)
HASH = "$argon2id$of-another-test"


def account(store: Store, name: str = "kim", role: Role = Role.AGENT, **more: object) -> int:
    with store.writing() as session:
        made = accounts.add(session, BY, name, name.title(), role, **more)  # type: ignore[arg-type]
        made.password = HASH
        return made.id


def signed_in(store: Store, config: Config, account_id: int, now: datetime = NOW, code: str = "") -> str:
    with store.writing() as session:
        return sessions.begin(session, config, now, account_id, code=code, address="192.0.2.7", browser="test")


def found(store: Store, token: str, now: datetime = NOW) -> SignedIn | None:
    with store.reading() as session:
        return sessions.find(session, token, now)


def test_a_session_says_who_it_is_and_what_they_see(store: Store, config: Config) -> None:
    with store.writing() as session:
        agent = session.scalars(select(Agent).order_by(Agent.id)).first()
        assert agent is not None
        slug, agent_id = agent.slug, agent.id
        maple = session.scalars(select(Property.id).where(Property.slug == "maple")).one()
    id = account(store, agent=slug, property_slugs=["maple"])
    who = found(store, signed_in(store, config, id))
    assert who is not None
    assert (who.name, who.role, who.agent, who.agent_id) == ("kim", Role.AGENT, slug, agent_id)
    assert who.reach == Reach(frozenset({maple}))
    assert may(who, Act.WORK, maple)
    assert not may(who, Act.WORK, None if maple is None else maple + 1)
    with store.writing() as session:
        accounts.change(session, BY, "kim", AccountChange(property_slugs=(), subteam_slugs=(), agent=""))
    who = found(store, signed_in(store, config, id))
    assert who is not None
    assert (who.reach, who.agent) == (WHOLE_OFFICE, None)


def test_a_subteams_reach_follows_its_properties(store: Store, config: Config) -> None:
    token = signed_in(store, config, account(store, subteam_slugs=["east"]))
    with store.writing() as session:
        team = session.scalars(select(Subteam.id).where(Subteam.slug == "east")).one()
        new = Property(slug="oak", name="Oak Hill", subteam_id=team)
        session.add(new)
        session.flush()
        new_id = new.id
    who = found(store, token)
    assert who is not None
    assert who.reach.holds(new_id)


def test_the_token_is_kept_nowhere(store: Store, config: Config) -> None:
    token = signed_in(store, config, account(store))
    with store.writing() as session:
        link = accounts.invite(session, BY, "kim")
    with store.reading() as session:
        kept = [str(vars(row)) for of in (AccountSession, AccountLink) for row in session.scalars(select(of))]
    assert len(kept) == 2
    assert not any(token in row or link in row for row in kept)
    assert len(token) >= 128 / 6


def test_sessions_that_end_are_told_from_those_that_go_on(store: Store, config: Config) -> None:
    first, second = account(store), account(store, "lee", Role.MANAGER)
    one, other, theirs = (found(store, signed_in(store, config, id)) for id in (first, first, second))
    assert one is not None
    assert other is not None
    assert theirs is not None
    ids = [one.session_id, other.session_id, theirs.session_id, 99]

    def living(now: datetime = NOW) -> set[int]:
        with store.reading() as session:
            return set(sessions.living(session, ids, now))

    assert living() == set(ids[:3])
    with store.writing() as session:
        sessions.end(session, BY, first, one.session_id)
    assert living() == set(ids[1:3])
    with store.writing() as session:
        accounts.disable(session, BY, "lee")
    assert living() == {other.session_id}
    assert living(NOW + timedelta(hours=config.console.idle_hours)) == set()


def test_a_link_of_a_new_system_is_good_for_an_hour_and_makes_an_admin(store: Store) -> None:
    with store.writing() as session:
        assert not accounts.has_admin(session)
        token = accounts.first_admin(session, BY)
        newer = accounts.first_admin(session, BY)
    late = NOW + timedelta(minutes=accounts.FIRST_LINK_MINUTES)
    with store.writing() as session:
        for good_no_more, now in ((token, NOW), (newer, late)):
            with pytest.raises(NotFound):
                accounts.accept(session, now, good_no_more, HASH)
        made = accounts.accept(session, NOW, newer, HASH)
        assert (made.name, made.role) == ("admin", Role.ADMIN)
        assert accounts.has_admin(session)


def test_a_new_systems_link_takes_over_nobodys_account(store: Store) -> None:
    account(store, "admin", Role.READ_ONLY)
    account(store, "admin-2", Role.ADMIN, property_slugs=["maple"])
    with store.writing() as session:
        made = accounts.invited(session, accounts.first_admin(session, BY), NOW)
        assert (made.name, made.role, made.is_narrow) == ("admin-3", Role.ADMIN, False)
        assert not accounts.has_admin(session)


def test_the_last_who_may_do_everything_stays(store: Store) -> None:
    account(store, "dana", Role.ADMIN)
    account(store, "narrow", Role.ADMIN, property_slugs=["maple"])
    with store.writing() as session:
        for wanted in (AccountChange(role=Role.AGENT), AccountChange(property_slugs=["maple"])):
            with pytest.raises(Conflict):
                accounts.change(session, BY, "dana", wanted)
        with pytest.raises(Conflict):
            accounts.disable(session, BY, "dana")
    account(store, "lee", Role.ADMIN)
    with store.writing() as session:
        accounts.disable(session, BY, "dana")


def test_whoever_comes_by_a_link_begins_anew(store: Store, config: Config) -> None:
    id = account(store)
    with_codes(store, id)
    with_passkey(store, id)
    token = signed_in(store, config, id, code=pyotp.TOTP(secret_of(store, id)).at(NOW + timedelta(seconds=30)))
    with store.writing() as session:
        accounts.accept(session, NOW, accounts.invite(session, BY, "kim"), "another")
    assert found(store, token) is None
    with store.reading() as session:
        assert [len(session.scalars(select(of)).all()) for of in (AccountPasskey, AccountRecoveryCode)] == [0, 0]
        assert session.get_one(Account, id).totp == ""


def with_codes(store: Store, id: int) -> list[str]:
    secret = sessions.new_totp()
    with store.writing() as session:
        sessions.set_totp(session, BY, id, secret, pyotp.TOTP(secret).at(NOW))
        return sessions.new_recovery_codes(session, BY, id)


def secret_of(store: Store, id: int) -> str:
    with store.reading() as session:
        return session.get_one(Account, id).totp


def test_a_code_counts_once_whether_shown_or_written_down(store: Store, config: Config) -> None:
    id = account(store)
    written = with_codes(store, id)
    shown = pyotp.TOTP(secret_of(store, id)).at(NOW + timedelta(seconds=30))
    signed_in(store, config, id, code=shown)
    signed_in(store, config, id, code=written[0].upper().replace("-", " "))
    for wrong in (shown, written[0], "", "000000", written[1][:-1]):
        with pytest.raises(NotSignedIn):
            signed_in(store, config, id, code=wrong)
    with store.writing() as session:
        assert sessions.recovery_codes_left(session, id) == sessions.RECOVERY_CODES - 1
        newer = sessions.new_recovery_codes(session, BY, id)
    with pytest.raises(NotSignedIn):
        signed_in(store, config, id, code=written[2])
    signed_in(store, config, id, code=newer[2])
    other = account(store, "lee")
    with_codes(store, other)
    with pytest.raises(NotSignedIn):
        signed_in(store, config, other, code=newer[3])
    with store.writing() as session:
        sessions.drop_totp(session, BY, id)
        assert sessions.recovery_codes_left(session, id) == 0
        assert sessions.recovery_codes_left(session, other) == sessions.RECOVERY_CODES


def with_passkey(store: Store, id: int) -> int:
    with store.writing() as session:
        made = AccountPasskey(
            account_id=id, name="laptop", digest=str(id), credential=b"id", public_key=b"", signed=0, made_at=NOW
        )
        session.add(made)
        session.flush()
        return made.id


def test_what_a_passkey_has_signed_opens_one_session(store: Store, config: Config) -> None:
    proven = ProvenPasskey(with_passkey(store, account(store)), 4_000_000_000)

    def begin(asked_at: datetime, now: datetime) -> str:
        with store.writing() as session:
            return signing_in.with_passkey(session, config, now, proven, asked_at, address="192.0.2.7", browser="test")

    later = NOW + timedelta(seconds=1)
    who = found(store, begin(NOW, later), later)
    assert who is not None
    assert who.name == "kim"
    with pytest.raises(NotSignedIn):
        begin(NOW, later + timedelta(seconds=1))
    begin(later + timedelta(seconds=1), later + timedelta(seconds=2))
    with store.writing() as session:
        accounts.disable(session, BY, "kim")
    with pytest.raises(NotSignedIn):
        begin(later + timedelta(seconds=3), later + timedelta(seconds=4))


PARTY = RelyingParty("localhost", "http://localhost:8095")


@pytest.mark.parametrize("credential", ["", "[]", "{}", "null", '{"rawId": 3}', '{"rawId": "\\u00e9"}', "{" * 5000])
def test_what_is_no_passkey_is_refused_like_a_wrong_one(store: Store, credential: str) -> None:
    id = account(store)
    with store.reading() as session, pytest.raises(NotSignedIn):
        passkeys.proven(session, PARTY, b"c" * 32, credential)
    with store.writing() as session, pytest.raises(Invalid):
        passkeys.add(session, BY, id, PARTY, b"c" * 32, credential, "laptop")


def test_a_passkey_is_removed_by_its_owner_alone(store: Store) -> None:
    id, other = account(store), account(store, "lee")
    passkey = with_passkey(store, id)
    with store.writing() as session:
        with pytest.raises(NotFound):
            passkeys.remove(session, BY, other, passkey)
        passkeys.remove(session, BY, id, passkey)
        assert session.scalars(select(AccountPasskey)).all() == []


@pytest.mark.parametrize(
    ("host", "is_secure", "wanted"),
    [
        ("localhost:8095", False, PARTY),
        ("desk.example.com", True, RelyingParty("desk.example.com", "https://desk.example.com")),
        ("desk.example.com:8443", True, RelyingParty("desk.example.com", "https://desk.example.com:8443")),
        ("desk.example.com", False, None),
        ("127.0.0.1:8095", False, None),
        ("[::1]:8095", True, None),
        ("[", True, None),
        ("", True, None),
    ],
)
def test_passkeys_are_for_a_host_with_a_name(host: str, is_secure: bool, wanted: RelyingParty | None) -> None:
    assert passkeys.party(host, is_secure=is_secure) == wanted


def test_what_is_done_with_accounts_is_on_record(store: Store) -> None:
    account(store)
    with store.writing() as session:
        accounts.change(session, BY, "kim", AccountChange(role=Role.MANAGER, property_slugs=["maple"]))
        accounts.invite(session, BY, "kim")
        accounts.disable(session, BY, "kim")
        accounts.enable(session, BY, "kim")
        assert [one.what for one in session.scalars(select(AuditEntry).order_by(AuditEntry.id))][-6:] == [
            "account kim added as agent",
            "account kim is manager now, was agent",
            "account kim sees maple",
            "link for account kim made",
            "account kim disabled",
            "account kim enabled",
        ]
