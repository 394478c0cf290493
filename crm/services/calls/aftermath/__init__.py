"""What a call leaves behind: its outcome, the person's lead, the next action, texts and promises."""
