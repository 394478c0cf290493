"""Voicemail: mailboxes, recordings, transcripts, escalation and retention."""
