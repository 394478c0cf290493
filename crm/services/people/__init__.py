"""People outside the office: who they are, whose calls are accepted, and who may be texted."""
