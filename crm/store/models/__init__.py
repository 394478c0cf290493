"""The tables. Times are aware UTC, phone numbers E.164, names in the field's own words.

Closed sets are StrEnums of `crm.domain`, stored as their text, so that a new value needs no migration.
"""

from __future__ import annotations

from crm.store.models.access import ApiKey, ApiKeyReach, KeptAnswer
from crm.store.models.applications import Application, ApplicationDocument
from crm.store.models.arrivals import ArrivalRecord, Consent, LeadSource, MailFolder, MailFolderEntry, ShortLink
from crm.store.models.audit import AuditEntry
from crm.store.models.base import Base, UtcDateTime
from crm.store.models.calls import (
    Call,
    CallEvent,
    CallOrder,
    CallReview,
    Leg,
    Recording,
    Roster,
    RoutingDecision,
    Voicemail,
)
from crm.store.models.erasures import ErasedIdentity, Erasure, ErasureWork
from crm.store.models.exports import LeadExport, LeadExportPart
from crm.store.models.listings import Answer, ContentVersion, Listing, PictureFile, PropertyProfile, Publication
from crm.store.models.nodes import Node
from crm.store.models.office import (
    Agent,
    AgentHours,
    Desk,
    Hours,
    Location,
    OfficeMark,
    Organization,
    Portfolio,
    Property,
    SiteMark,
    SpecialDay,
    Subteam,
    SubteamMember,
    SubteamSister,
    Unit,
)
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
from crm.store.models.phones import Device, Dialled, EmergencyCall, Line, SipBan, Trunk
from crm.store.models.tasks import FollowUp, FollowUpLook, FollowUpRulesSeen, Notice, Task, TaskCall
from crm.store.models.texts import Mail, MailAttachment, MailThread, Message, Sendable, TextPause
from crm.store.models.tours import Tour, TourBlackout, TourHours, TourSlot
from crm.store.models.webhooks import Happening, Webhook, WebhookDelivery, WebhookReach

__all__ = [
    "Activity",
    "Agent",
    "AgentHours",
    "Answer",
    "ApiKey",
    "ApiKeyReach",
    "Application",
    "ApplicationDocument",
    "ArrivalRecord",
    "AuditEntry",
    "Base",
    "BlockedCaller",
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
    "Happening",
    "Hours",
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
    "OfficeMark",
    "OptOut",
    "Organization",
    "PictureFile",
    "Portfolio",
    "Property",
    "PropertyProfile",
    "Publication",
    "Recording",
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
    "Task",
    "TaskCall",
    "TextPause",
    "Tour",
    "TourBlackout",
    "TourHours",
    "TourSlot",
    "Trunk",
    "Unit",
    "UtcDateTime",
    "Voicemail",
    "Webhook",
    "WebhookDelivery",
    "WebhookReach",
]
