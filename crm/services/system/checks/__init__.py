"""The doctor's checks, grouped by what they examine."""
