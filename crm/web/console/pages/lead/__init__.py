"""One lead, a module for each noun of its page; `sheet` is what the others' forms come back to."""

from crm.web.console.pages.lead import card, entries, interests, merging, opt_outs, record, sheet, tasks

PAGES = (
    *merging.PAGES,
    *sheet.PAGES,
    *card.PAGES,
    *interests.PAGES,
    *opt_outs.PAGES,
    *entries.PAGES,
    *tasks.PAGES,
    *record.PAGES,
)
