"""What callers hear: sentences by language, how they are spelled out for speech, and tones."""
