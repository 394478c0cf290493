"""Workers for all calls at once, besides the calls' flows."""
