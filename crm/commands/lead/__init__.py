"""`leaseline lead`: a module for each kind of command, which adds its own to the group."""

from crm.commands.lead import arrivals, card, invitations, lists, merging, privacy, suggestions, transfer
from crm.commands.lead.group import lead

__all__ = ["arrivals", "card", "invitations", "lead", "lists", "merging", "privacy", "suggestions", "transfer"]
