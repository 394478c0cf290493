"""Routing: gathers what the decision about a call is based on."""
