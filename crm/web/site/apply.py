"""Pages for rental applications: begun at a home or a property, and continued by a personal link."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial
from typing import Any

from starlette.responses import RedirectResponse, Response

from crm.domain import applications as rules
from crm.domain.applications import FIELDS, UNFINISHED, ApplicationStatus, FieldKind, Step
from crm.domain.errors import Conflict, Invalid, NotFound, Unavailable
from crm.edge import documents as files
from crm.services.applications import documents, links, online
from crm.services.applications.links import ApplicationLink
from crm.services.applications.online import Beginning, Signed
from crm.services.arrivals.forms import FieldErrors
from crm.services.audit import By
from crm.services.system import disk
from crm.views import applications as views
from crm.views.applications import ApplicationPage
from crm.views.site import SiteOffice
from crm.web.site import uploads, visitors
from crm.web.site.visit import FormTopic, PageVisit, private, sent_form, what_about
from crm.web.site.visitors import Robot, TooOld, TooQuick
from crm.words.applications import SIGNED, SIGNED_VERSION
from crm.words.site import CONSENT, CONSENT_VERSION

WHO = "website"
LONGEST_STEP = 64 * 1024
"""Bytes."""
MOST_FIELDS = 150
"""Fields of a step, including all sets of its groups."""
STEPS = {step.value: step for step in Step}


async def start(visit: PageVisit) -> Response:
    """The first step, at a home or a property."""
    about = await what_about(visit)
    if visit.request.method != "POST":
        return _show_start(visit, about)
    sent = await sent_form(visit.request)
    return await visit.accepted(about.office, partial(_begin, visit, about, sent))


async def _begin(visit: PageVisit, about: FormTopic, sent: dict[str, str]) -> Response:
    try:
        key = _checked(visit, sent)
        crm, now = visit.crm, visit.crm.now()
        beginning = _beginning(visit, about, sent, key)
        id = await crm.store.run(online.begin, crm.config, crm.secrets, By(WHO, now), beginning)
    except FieldErrors as error:
        return _show_start(visit, about, sent, error.by_field, 422)
    except TooOld:
        return _show_start(visit, about, sent, {"": "expired"}, 409)
    except TooQuick:
        return _show_start(visit, about, sent, {"": "too_quick"}, 409)
    except Robot:
        return visit.page("said", about.office, said=visit.looks.say("sent"), back=about.back, back_to=about.name)
    token = links.token(crm.config, crm.secrets, id, now, is_sent=False)
    return _to(visit, token, rules.after(Step.YOU))


def _beginning(visit: PageVisit, about: FormTopic, sent: dict[str, str], key: str) -> Beginning:
    language = visit.looks.language
    return Beginning(
        key=key,
        answers=rules.read(Step.YOU, sent),
        property_id=about.property_id,
        listing_id=about.listing_id,
        fee=about.fee,
        agreed_to=CONSENT[language].format(office=about.office.name) if sent.get("texts") == "yes" else "",
        wording_version=CONSENT_VERSION,
        language=language,
        came_from=visit.address,
    )


def _show_start(
    visit: PageVisit,
    about: FormTopic,
    sent: dict[str, str] | None = None,
    wrong: dict[str, str] | None = None,
    status: int = 200,
) -> Response:
    return visit.page(
        "apply_start",
        about.office,
        status,
        about=about,
        shown=_shown(Step.YOU, rules.read(Step.YOU, sent or {}), wrong or {}),
        sent=sent or {},
        wrong=wrong or {},
        key=_key(visit, sent, wrong),
        trap=visitors.TRAP,
        steps=len(Step),
        consent=CONSENT[visit.looks.language].format(office=about.office.name),
    )


async def step(visit: PageVisit) -> Response:
    """One of the further steps, by the personal link."""
    crm, params = visit.crm, visit.request.path_params
    try:
        link = links.read(crm.secrets, params["token"][:200], crm.now())
    except Invalid as error:
        if error.code == "application_link_late":
            return await resume(visit, said="apply_link_late")
        raise NotFound(str(error), code="page_unknown") from None
    application = await crm.store.read(views.page, link.application_id)
    office = await visit.office(application.property)
    if application.status not in UNFINISHED:
        return _over(visit, office, application)
    if application.is_confirmed and not link.is_sent:
        return private(visit.page("said", office, 409, said=visit.looks.say("apply_link_moved")))
    name = params.get("step")
    if name is None:
        return _to(visit, params["token"], rules.next_step(application.answers))
    if name == "saved":
        return _saved(visit, office, application)
    if name not in STEPS:
        raise NotFound("There is no such step.", code="page_unknown")
    wanted = STEPS[name]
    if visit.request.method == "POST":
        if wanted is Step.DOCUMENTS:
            return await _post_documents(visit, office, application, link)
        return await _post(visit, office, application, link, wanted)
    if wanted is Step.REVIEW:
        return await _show_review(visit, office, application)
    if wanted is Step.DOCUMENTS:
        return await _show_documents(visit, office, application)
    more = visit.request.query_params.get("more", "")
    return _show_step(visit, office, application, wanted, application.answers.get(wanted, {}), more=more)


async def _post(
    visit: PageVisit, office: SiteOffice, application: ApplicationPage, link: ApplicationLink, wanted: Step
) -> Response:
    crm, by, sent = visit.crm, By(WHO, visit.crm.now()), await sent_form(visit.request, LONGEST_STEP, MOST_FIELDS)
    answers = rules.read(wanted, sent)
    try:
        _check_step(visit, sent)
        if wanted is Step.REVIEW:
            signed = Signed(
                sent.get("signature", ""),
                SIGNED[visit.looks.language].format(office=office.name) if sent.get("agreed") == "yes" else "",
                SIGNED_VERSION,
                visit.address,
            )
            await crm.store.run(online.submit, crm.config, by, link, signed)
            return _to(visit, visit.request.path_params["token"], Step.REVIEW)
        saved = await crm.store.run(online.save, crm.config, by, link, wanted, answers, language=visit.looks.language)
    except TooOld:
        if wanted is Step.REVIEW:
            return await _show_review(visit, office, application, sent, {"": "expired"}, 409)
        return _show_step(visit, office, application, wanted, answers, {"": "expired"}, 409)
    except FieldErrors as error:
        return await _show_review(visit, office, application, sent, error.by_field, 422)
    except Conflict:
        # Sent or withdrawn in another window.
        return _to(visit, visit.request.path_params["token"], wanted)
    act, _, what = sent.get("act", "").partition(":")
    token = visit.request.path_params["token"]
    if act == "later":
        return _to(visit, token, None)
    if act == "add" and what in {group.name for group in FIELDS[wanted].groups}:
        return _to(visit, token, wanted, f"?more={what}#{what}")
    if saved.problems:
        return _show_step(visit, office, application, wanted, answers, saved.problems, 422)
    return _to(visit, token, rules.after(wanted))


async def _post_documents(
    visit: PageVisit, office: SiteOffice, application: ApplicationPage, link: ApplicationLink
) -> Response:
    """Takes in or withdraws a document, or continues without further ones."""
    crm, by = visit.crm, By(WHO, visit.crm.now())
    token = visit.request.path_params["token"]
    if visit.request.headers.get("Content-Type", "").startswith("multipart/"):
        return await _upload(visit, office, application, link)
    sent = await sent_form(visit.request)
    act, _, what = sent.get("act", "").partition(":")
    try:
        _check_step(visit, sent)
        if act == "remove":
            id = int(what) if what.isascii() and what.isdigit() and len(what) < 10 else 0
            if file := await crm.store.run(documents.remove, crm.config, by, link, id):
                await asyncio.to_thread(files.delete, crm.config.documents_folder, file)
            return _to(visit, token, Step.DOCUMENTS)
        await crm.store.run(online.save, crm.config, by, link, Step.DOCUMENTS, {}, language=visit.looks.language)
    except TooOld:
        return await _show_documents(visit, office, application, {}, {"": "expired"}, 409)
    except Conflict:
        return _to(visit, token, Step.DOCUMENTS)
    return _to(visit, token, rules.after(Step.DOCUMENTS) if act != "later" else None)


async def _upload(
    visit: PageVisit, office: SiteOffice, application: ApplicationPage, link: ApplicationLink
) -> Response:
    crm, folder, limits = visit.crm, visit.crm.config.documents_folder, visit.crm.config.applications
    if seconds := visit.limits.upload(visit.address):
        return private(visit.slow_down(office, seconds))
    if (await asyncio.to_thread(disk.look, crm.config)).is_low:
        raise Unavailable("There is little room on the disk.", code="disk_low")
    if len(await crm.store.read(views.documents, application.id)) >= limits.most_documents:
        return await _show_documents(visit, office, application, {}, {"document": "documents_many"}, 422)
    sent = await uploads.receive(visit.request, folder, "document", limits.document_megabytes * 1_000_000)
    is_kept = False
    try:
        _check_step(visit, sent.fields)
        kind = files.media_type(sent.head)
        wrong = "document_large" if sent.is_too_large else "document_missing" if not sent.size else ""
        if not wrong and kind is None:
            wrong = "document_type"
        if wrong:
            return await _show_documents(visit, office, application, sent.fields, {"document": wrong}, 422)
        assert kind is not None
        upload = documents.Upload(sent.fields.get("kind", ""), sent.name, kind, sent.size, sent.sha256, sent.file)
        is_kept = await crm.store.run(documents.add, crm.config, By(WHO, crm.now()), link, upload)
    except TooOld:
        return await _show_documents(visit, office, application, sent.fields, {"": "expired"}, 409)
    except FieldErrors as error:
        return await _show_documents(visit, office, application, sent.fields, error.by_field, 422)
    except Conflict:
        pass
    finally:
        if sent.file and not is_kept:
            await asyncio.to_thread(files.delete, folder, sent.file)
    return _to(visit, visit.request.path_params["token"], Step.DOCUMENTS)


async def _show_documents(
    visit: PageVisit,
    office: SiteOffice,
    application: ApplicationPage,
    sent: dict[str, str] | None = None,
    wrong: dict[str, str] | None = None,
    status: int = 200,
) -> Response:
    limits = visit.crm.config.applications
    there = await visit.crm.store.read(views.documents, application.id)
    return private(
        visit.page(
            "apply_documents",
            office,
            status,
            **_frame(visit, application, Step.DOCUMENTS),
            there=there,
            may_grow=len(there) < limits.most_documents,
            kinds=rules.DOCUMENT_KINDS,
            accept=",".join(files.TYPES),
            megabytes=limits.document_megabytes,
            most=limits.most_documents,
            sent=sent or {},
            wrong=wrong or {},
            key=visit.keys.new(),
        )
    )


def _show_step(
    visit: PageVisit,
    office: SiteOffice,
    application: ApplicationPage,
    wanted: Step,
    answers: dict[str, Any],
    wrong: dict[str, str] | None = None,
    status: int = 200,
    *,
    more: str = "",
) -> Response:
    shown = _shown(wanted, answers, wrong or {}, more)
    return private(
        visit.page(
            "apply_step",
            office,
            status,
            **_frame(visit, application, wanted),
            shown=shown,
            wrong=wrong or {},
            key=visit.keys.new(),
        )
    )


async def _show_review(
    visit: PageVisit,
    office: SiteOffice,
    application: ApplicationPage,
    sent: dict[str, str] | None = None,
    wrong: dict[str, str] | None = None,
    status: int = 200,
) -> Response:
    config = visit.crm.config
    there = await visit.crm.store.read(views.documents, application.id)
    return private(
        visit.page(
            "apply_review",
            office,
            status,
            **_frame(visit, application, Step.REVIEW),
            parts=[
                (one, _shown(one, application.answers.get(one, {}), {}, empty=False))
                for one in Step
                if one not in (Step.DOCUMENTS, Step.REVIEW)
            ],
            there=there,
            missing=online.incomplete(config, application.answers),
            sent=sent or {},
            wrong=wrong or {},
            key=visit.keys.new(),
            signed=SIGNED[visit.looks.language].format(office=office.name),
        )
    )


def _frame(visit: PageVisit, application: ApplicationPage, wanted: Step) -> dict[str, Any]:
    """What every page of an application shows."""
    base = f"{visit.looks.prefix}{links.PATH}{visit.request.path_params['token']}"
    return {
        "application": application,
        "step": wanted,
        "number": list(Step).index(wanted) + 1,
        "steps": [(one, f"{base}/{one}", one in application.answers) for one in Step],
    }


def _over(visit: PageVisit, office: SiteOffice, application: ApplicationPage) -> Response:
    say = visit.looks.say
    if application.status == ApplicationStatus.WITHDRAWN:
        return private(visit.page("said", office, said=say("apply_over")))
    said = say("apply_done", name=application.name)
    return private(visit.page("said", office, said=said, more=say("apply_done_more")))


def _saved(visit: PageVisit, office: SiteOffice, application: ApplicationPage) -> Response:
    say, days = visit.looks.say, visit.crm.config.applications.link_days
    if visit.crm.config.site.public_url:
        how = say("apply_saved_sent", email=application.email, days=days)
    else:
        how = say("apply_saved_here", days=days)
    back = visit.request.url.path.removesuffix("/saved")
    page = visit.page("said", office, said=say("apply_saved"), more=how, back=back, back_words=say("apply_go_on"))
    return private(page)


async def resume(visit: PageVisit, said: str = "") -> Response:
    """Sends the link of an unfinished application again, to its address; it never reveals whether there is one."""
    office = await visit.office()
    if visit.request.method != "POST" or said:
        return _show_resume(visit, office, {}, {}, 410 if said else 200, said)
    sent = await sent_form(visit.request)
    return await visit.accepted(office, partial(_send_links, visit, office, sent))


async def _send_links(visit: PageVisit, office: SiteOffice, sent: dict[str, str]) -> Response:
    crm = visit.crm
    try:
        _checked(visit, sent)
        await crm.store.run(online.send_links, crm.config, crm.secrets, sent.get("email", ""), crm.now())
    except Robot:
        pass
    except TooOld:
        return _show_resume(visit, office, sent, {"": "expired"}, 409)
    except TooQuick:
        return _show_resume(visit, office, sent, {"": "too_quick"}, 409)
    except FieldErrors as error:
        return _show_resume(visit, office, sent, error.by_field, 422)
    return visit.page("said", office, said=visit.looks.say("apply_resume_done"))


def _show_resume(
    visit: PageVisit, office: SiteOffice, sent: dict[str, str], wrong: dict[str, str], status: int, said: str = ""
) -> Response:
    return visit.page(
        "apply_resume",
        office,
        status,
        said=said,
        action=f"{visit.looks.prefix}/apply",
        sent=sent,
        wrong=wrong,
        key=_key(visit, sent, wrong),
        trap=visitors.TRAP,
    )


def _checked(visit: PageVisit, sent: dict[str, str]) -> str:
    """The key of a form. Raises TooOld, TooQuick, Robot."""
    if not visitors.is_from_here(visit.request):
        raise TooOld
    key = visit.keys.read(sent.get("key", ""))
    if sent.get(visitors.TRAP):
        raise Robot
    return key


def _check_step(visit: PageVisit, sent: dict[str, str]) -> None:
    """Checks a form behind a personal link, where no program comes by: people may send it as quickly as they like.
    Raises TooOld."""
    if not visitors.is_from_here(visit.request):
        raise TooOld
    visit.keys.opened(sent.get("key", ""))


def _key(visit: PageVisit, sent: dict[str, str] | None, wrong: dict[str, str] | None) -> str:
    key = (sent or {}).get("key", "")
    return visit.keys.new() if not key or (wrong or {}).get("") == "expired" else key


def _to(visit: PageVisit, token: str, wanted: Step | None, more: str = "") -> Response:
    """Redirects to a step, or to the page that says that it is saved."""
    path = f"{visit.looks.prefix}{links.PATH}{token}/{wanted.value if wanted else 'saved'}{more}"
    return private(RedirectResponse(path, 303))


# --- fields as a template shows them ---


@dataclass(frozen=True)
class ShownField:
    id: str
    """Its name in the form."""
    label: str
    """Key of its label."""
    kind: FieldKind
    value: str
    is_required: bool
    longest: int
    choices: tuple[str, ...]
    autocomplete: str
    hint: str
    """Key of its hint; empty: none."""
    wrong: str
    """Key of what has to be corrected; empty: nothing."""
    group: str
    """Its group; empty: none."""
    number: int
    """Number of its set in the group, from 1."""


@dataclass(frozen=True)
class ShownGroup:
    name: str
    sets: list[list[ShownField]]
    is_required: bool
    """At least one set is required."""
    may_grow: bool


@dataclass(frozen=True)
class ShownStep:
    fields: list[ShownField]
    groups: list[ShownGroup]

    @property
    def wrong(self) -> list[ShownField]:
        """Fields that have to be corrected, in order."""
        all = [*self.fields, *(one for group in self.groups for some in group.sets for one in some)]
        return [one for one in all if one.wrong]


def _shown(
    step: Step, answers: dict[str, Any], wrong: dict[str, str], more: str = "", *, empty: bool = True
) -> ShownStep:
    """The fields of a step with their answers; `more` names a group that gets an additional empty set.

    With `empty`, every group has at least one set to fill in.
    """
    asked = FIELDS[step]
    groups = []
    for group in asked.groups:
        given = list(answers.get(group.name) or [])
        if empty and (len(given) < max(group.least, 1) or more == group.name) and len(given) < group.most:
            given.append({})
        sets = [
            [_field(field, one, wrong, group.name, number) for field in group.fields]
            for number, one in enumerate(given, start=1)
        ]
        groups.append(ShownGroup(group.name, sets, group.least > 0, len(given) < group.most))
    fields = [_field(field, answers, wrong, step.value) for field in asked.fields]
    return ShownStep(fields, groups)


def _field(field: rules.Field, answers: dict[str, Any], wrong: dict[str, str], of: str, number: int = 0) -> ShownField:
    """A field of a step, or of a set of a group (`of`); 0: of a step."""
    id = f"{of}-{number}-{field.name}" if number else field.name
    hint = "until_hint" if field.name == "until" else "month_hint" if field.kind is FieldKind.MONTH else ""
    return ShownField(
        id=id,
        label=f"ask_{of}_{field.name}",
        kind=field.kind,
        value=answers.get(field.name, ""),
        is_required=field.is_required,
        longest=field.longest,
        choices=field.choices,
        autocomplete=field.autocomplete,
        hint=hint,
        wrong=wrong.get(id, ""),
        group=of if number else "",
        number=number,
    )
