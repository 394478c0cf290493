"""What is shown: read models, one module per noun, each with its structs and the functions of a session that fill them.

The command line prints them, `--json` and the web answer with them. Each selects the columns it shows and leaves
filters, order and limit to the database, so that a list costs as much as what is shown of it. Whoever wants to know
whether there are more asks for one more than they show.

Deciding anything is up to `crm.services`, which reads for itself: neither knows the other.
"""
