"""`leaseline demo call`: its phones, and how it recognizes what they hear."""

CALLER = "+15125550199"
"""A fictional number (555-0100 to 555-0199 are reserved for fiction)."""
