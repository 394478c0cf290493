"""Read models for display: one module per noun, each with its structs and the functions of a session that fill them.

The command line prints them; `--json` and the web return them. Each selects the columns it shows and leaves filtering,
sorting and limiting to the database, so that a list costs as much as what is shown of it. To know whether there are
more rows, ask for one more than you show.

Decisions belong to `crm.services`, which reads for itself: neither knows the other.
"""
