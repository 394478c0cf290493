"""How listing portals write about people: one file for each way, as pure functions of a mail or a form."""
