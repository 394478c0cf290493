"""Imported lists: all of a file, or nothing.

Existing records are changed in the columns that a list has; what it does not name stays as it is.
"""

from crm.services.system.imports.acts import SLICE, Imported, load, rehearse, take_over, write
from crm.services.system.imports.files import LONGEST_FILE, read
from crm.services.system.imports.writing import Progress

__all__ = ["LONGEST_FILE", "SLICE", "Imported", "Progress", "load", "read", "rehearse", "take_over", "write"]
