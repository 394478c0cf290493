"""What callers hear: sentences by language, how they are written for speaking, and tones."""
