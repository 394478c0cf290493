"""The people outside: who they are, and who may reach us or be texted."""
