"""The tables. Times are aware UTC, phone numbers E.164, names in the field's own words.

Closed sets are StrEnums of `crm.domain`, stored as their text, so that a new value needs no migration.

A model is mapped when it is first imported from here, with all those that it refers to: to map all of them takes longer
than most commands. The files of this folder only declare them, so elsewhere they are never imported from those.
"""

from __future__ import annotations

import importlib
import re
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from sqlalchemy import Table, event
from sqlalchemy.orm import Mapper
from sqlalchemy.orm.interfaces import EXT_SKIP

from crm.store.models.base import DECLARED
from crm.store.models.base import Base as _Base

if TYPE_CHECKING:
    from crm.store.models.access import (
        Account,
        AccountLink,
        AccountPasskey,
        AccountReach,
        AccountRecoveryCode,
        AccountSession,
        AccountSignIn,
        ApiKey,
        ApiKeyReach,
        KeptAnswer,
        PushSubscription,
    )
    from crm.store.models.agents import (
        Agent,
        AgentHours,
        Device,
        Location,
        Subteam,
        SubteamMember,
        SubteamSister,
    )
    from crm.store.models.applications import Application, ApplicationDocument
    from crm.store.models.arrivals import ArrivalRecord, Consent, LeadSource, MailFolder, MailFolderEntry, ShortLink
    from crm.store.models.audit import AuditEntry
    from crm.store.models.base import Base, UtcDateTime
    from crm.store.models.calls import (
        AudioHold,
        Call,
        CallEvent,
        CallReview,
        Leg,
        Recording,
        Roster,
        RoutingDecision,
        TalkRecord,
        Voicemail,
        VoiceTurn,
    )
    from crm.store.models.erasures import ErasedIdentity, Erasure, ErasureWork
    from crm.store.models.exports import LeadExport, LeadExportPart
    from crm.store.models.inbox import InboxDraft, InboxThread
    from crm.store.models.listings import Answer, ContentVersion, Listing, PictureFile, PropertyProfile, Publication
    from crm.store.models.nodes import Node
    from crm.store.models.office import (
        CALLED,
        Desk,
        FormerName,
        Hours,
        OfficeMark,
        Organization,
        Portfolio,
        Property,
        SiteMark,
        SpecialDay,
        Unit,
    )
    from crm.store.models.orders import CallOrder
    from crm.store.models.people import (
        Activity,
        BlockedCaller,
        Contact,
        Interest,
        Lead,
        LeadEmail,
        LeadMerge,
        LeadPhone,
        LeadProposal,
        OptOut,
        SavedFilter,
        Suggestion,
    )
    from crm.store.models.phones import Dialled, EmergencyCall, Line, SipBan, Trunk
    from crm.store.models.reports import ReportSchedule
    from crm.store.models.tasks import FollowUp, FollowUpLook, FollowUpRulesSeen, Notice, NoticeSetting, Task, TaskCall
    from crm.store.models.texts import Mail, MailAttachment, MailThread, Message, Sendable, TextPause, TextWording
    from crm.store.models.tours import CalendarFeed, Tour, TourBlackout, TourHours, TourSlot
    from crm.store.models.webhooks import Happening, Webhook, WebhookDelivery, WebhookReach

TABLES = {
    "account": "access.Account",
    "account_link": "access.AccountLink",
    "account_passkey": "access.AccountPasskey",
    "account_reach": "access.AccountReach",
    "account_recovery_code": "access.AccountRecoveryCode",
    "account_session": "access.AccountSession",
    "account_sign_in": "access.AccountSignIn",
    "activity": "people.Activity",
    "agent": "agents.Agent",
    "agent_hours": "agents.AgentHours",
    "answer": "listings.Answer",
    "api_key": "access.ApiKey",
    "api_key_reach": "access.ApiKeyReach",
    "application": "applications.Application",
    "application_document": "applications.ApplicationDocument",
    "arrival": "arrivals.ArrivalRecord",
    "audio_hold": "calls.AudioHold",
    "audit_entry": "audit.AuditEntry",
    "blocked_caller": "people.BlockedCaller",
    "calendar_feed": "tours.CalendarFeed",
    "call": "calls.Call",
    "call_event": "calls.CallEvent",
    "call_order": "orders.CallOrder",
    "call_review": "calls.CallReview",
    "consent": "arrivals.Consent",
    "contact": "people.Contact",
    "content_version": "listings.ContentVersion",
    "desk": "office.Desk",
    "device": "agents.Device",
    "dialled": "phones.Dialled",
    "emergency_call": "phones.EmergencyCall",
    "erased_identity": "erasures.ErasedIdentity",
    "erasure": "erasures.Erasure",
    "erasure_work": "erasures.ErasureWork",
    "follow_up": "tasks.FollowUp",
    "follow_up_look": "tasks.FollowUpLook",
    "follow_up_rules_seen": "tasks.FollowUpRulesSeen",
    "former_name": "office.FormerName",
    "happening": "webhooks.Happening",
    "hours": "office.Hours",
    "inbox_draft": "inbox.InboxDraft",
    "inbox_thread": "inbox.InboxThread",
    "interest": "people.Interest",
    "kept_answer": "access.KeptAnswer",
    "lead": "people.Lead",
    "lead_email": "people.LeadEmail",
    "lead_export": "exports.LeadExport",
    "lead_export_part": "exports.LeadExportPart",
    "lead_merge": "people.LeadMerge",
    "lead_phone": "people.LeadPhone",
    "lead_proposal": "people.LeadProposal",
    "lead_source": "arrivals.LeadSource",
    "leg": "calls.Leg",
    "line": "phones.Line",
    "listing": "listings.Listing",
    "location": "agents.Location",
    "mail": "texts.Mail",
    "mail_attachment": "texts.MailAttachment",
    "mail_folder": "arrivals.MailFolder",
    "mail_folder_entry": "arrivals.MailFolderEntry",
    "mail_thread": "texts.MailThread",
    "message": "texts.Message",
    "node": "nodes.Node",
    "notice": "tasks.Notice",
    "notice_setting": "tasks.NoticeSetting",
    "office_mark": "office.OfficeMark",
    "opt_out": "people.OptOut",
    "organization": "office.Organization",
    "picture": "listings.PictureFile",
    "portfolio": "office.Portfolio",
    "property": "office.Property",
    "property_profile": "listings.PropertyProfile",
    "publication": "listings.Publication",
    "push_subscription": "access.PushSubscription",
    "recording": "calls.Recording",
    "report_schedule": "reports.ReportSchedule",
    "roster": "calls.Roster",
    "routing_decision": "calls.RoutingDecision",
    "saved_filter": "people.SavedFilter",
    "short_link": "arrivals.ShortLink",
    "sip_ban": "phones.SipBan",
    "site_mark": "office.SiteMark",
    "special_day": "office.SpecialDay",
    "subteam": "agents.Subteam",
    "subteam_member": "agents.SubteamMember",
    "subteam_sister": "agents.SubteamSister",
    "suggestion": "people.Suggestion",
    "task": "tasks.Task",
    "task_call": "tasks.TaskCall",
    "text_pause": "texts.TextPause",
    "text_wording": "texts.TextWording",
    "tour": "tours.Tour",
    "tour_blackout": "tours.TourBlackout",
    "tour_hours": "tours.TourHours",
    "tour_slot": "tours.TourSlot",
    "trunk": "phones.Trunk",
    "unit": "office.Unit",
    "voice_talk": "calls.TalkRecord",
    "voice_turn": "calls.VoiceTurn",
    "voicemail": "calls.Voicemail",
    "webhook": "webhooks.Webhook",
    "webhook_delivery": "webhooks.WebhookDelivery",
    "webhook_reach": "webhooks.WebhookReach",
}
"""Of each table, the file and the class that declare it."""
_FILES = {model: file for file, _, model in (where.partition(".") for where in TABLES.values())}
_OTHERS = {"CALLED": "office", "Sendable": "texts", "UtcDateTime": "base"}
"""What else has a name here, and its file."""
_WORD = re.compile(r"\w+")
_alone = threading.RLock()
_halfway: dict[type, str] = {}
"""Classes that are being mapped, for which something that they refer to may still be missing."""


def __getattr__(name: str) -> Any:
    if name in _FILES:
        _map(name)
        return globals()[name]
    if name == "Base":
        # Who asks for it wants to see all tables; as a type, it is imported from its file.
        for model in _FILES:
            _map(model)
        return _Base
    if name in _OTHERS:
        return getattr(importlib.import_module(f"{__name__}.{_OTHERS[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def table_of(name: str) -> Table:
    """A table by its name, for statements without the ORM."""
    _map(TABLES[name].partition(".")[2])
    return _Base.metadata.tables[name]


def all_tables() -> list[Table]:
    """All tables, each after those that it refers to."""
    base: type[_Base] = __getattr__("Base")
    return base.metadata.sorted_tables


def _map(name: str) -> None:
    """Maps a class, and all that it refers to in turn."""
    with _alone:
        left = [name]
        while left:
            one = left.pop()
            if one in globals() or one in _halfway.values():
                continue
            importlib.import_module(f"{__name__}.{_FILES[one]}")
            model = DECLARED[one].model
            _halfway[model] = one
            _Base.registry.mapped(model)
            left += _referred_to(model)
        globals().update({one: model for model, one in _halfway.items()})
        _halfway.clear()


def _referred_to(model: type[_Base]) -> Iterator[str]:
    """Names of the classes that this one refers to, by relationships or keys."""
    for annotation in model.__annotations__.values():
        yield from (word for word in _WORD.findall(annotation) if word in _FILES)
    for key in _Base.metadata.tables[model.__tablename__].foreign_keys:
        yield TABLES[key.target_fullname.partition(".")[0]].partition(".")[2]
    yield from DECLARED[model.__name__].along


@event.listens_for(Mapper, "before_mapper_configured", retval=True)
def _only_with_all_that_it_refers_to(mapper: Mapper[Any], model: type) -> object:
    """A query in another thread has all mappers configured that there are, and one whose relationships lead nowhere
    stays broken."""
    return EXT_SKIP if model in _halfway else None


__all__ = [
    "CALLED",
    "Account",
    "AccountLink",
    "AccountPasskey",
    "AccountReach",
    "AccountRecoveryCode",
    "AccountSession",
    "AccountSignIn",
    "Activity",
    "Agent",
    "AgentHours",
    "Answer",
    "ApiKey",
    "ApiKeyReach",
    "Application",
    "ApplicationDocument",
    "ArrivalRecord",
    "AudioHold",
    "AuditEntry",
    "Base",
    "BlockedCaller",
    "CalendarFeed",
    "Call",
    "CallEvent",
    "CallOrder",
    "CallReview",
    "Consent",
    "Contact",
    "ContentVersion",
    "Desk",
    "Device",
    "Dialled",
    "EmergencyCall",
    "ErasedIdentity",
    "Erasure",
    "ErasureWork",
    "FollowUp",
    "FollowUpLook",
    "FollowUpRulesSeen",
    "FormerName",
    "Happening",
    "Hours",
    "InboxDraft",
    "InboxThread",
    "Interest",
    "KeptAnswer",
    "Lead",
    "LeadEmail",
    "LeadExport",
    "LeadExportPart",
    "LeadMerge",
    "LeadPhone",
    "LeadProposal",
    "LeadSource",
    "Leg",
    "Line",
    "Listing",
    "Location",
    "Mail",
    "MailAttachment",
    "MailFolder",
    "MailFolderEntry",
    "MailThread",
    "Message",
    "Node",
    "Notice",
    "NoticeSetting",
    "OfficeMark",
    "OptOut",
    "Organization",
    "PictureFile",
    "Portfolio",
    "Property",
    "PropertyProfile",
    "Publication",
    "PushSubscription",
    "Recording",
    "ReportSchedule",
    "Roster",
    "RoutingDecision",
    "SavedFilter",
    "Sendable",
    "ShortLink",
    "SipBan",
    "SiteMark",
    "SpecialDay",
    "Subteam",
    "SubteamMember",
    "SubteamSister",
    "Suggestion",
    "TalkRecord",
    "Task",
    "TaskCall",
    "TextPause",
    "TextWording",
    "Tour",
    "TourBlackout",
    "TourHours",
    "TourSlot",
    "Trunk",
    "Unit",
    "UtcDateTime",
    "VoiceTurn",
    "Voicemail",
    "Webhook",
    "WebhookDelivery",
    "WebhookReach",
    "all_tables",
    "table_of",
]
