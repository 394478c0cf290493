"""What people read and hear of errors, findings and notices: a table of sentences for each door.

Services tell what is the case, with a code and facts. What somebody can do about it depends on where they stand: a
command for whoever is at the terminal, somebody to ask for whoever is on the phone.
"""
