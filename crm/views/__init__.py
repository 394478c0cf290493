"""Read models for display: one module per noun, each with its structs and the functions that fill them.

The command line prints them; `--json` and the web return them. Each selects only the columns it shows and leaves
filtering, sorting and limiting to the database, so that a list costs as much as what is shown of it. To find out
whether there are more rows, ask for one more than you show.

Decisions are made in `crm.services`, which read what they need by themselves: neither depends on the other.
"""
