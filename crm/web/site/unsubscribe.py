"""The page behind the link in news by email, and what mail programs post to it when somebody clicks "unsubscribe".

Opening it changes nothing. A POST needs no previous page, cookie or origin (RFC 8058, 3.2): the link is signed, and can
do nothing but stop the news.
"""

from __future__ import annotations

from functools import partial

from starlette.responses import Response

from crm.domain.errors import Invalid
from crm.services.mails import news
from crm.services.outbox import news_links
from crm.web.site.visit import PageVisit, private, sent_form


async def unsubscribe(visit: PageVisit) -> Response:
    crm, request, say = visit.crm, visit.request, visit.looks.say
    try:
        key = news_links.read(crm.secrets, request.path_params["token"][:300])
    except Invalid as error:
        return private(visit.page("said", await visit.office(), 404, said=say(error.code)))
    # Checked first, so that a link that is posted a thousand times causes one write.
    is_refused = await crm.store.read(news.is_refused, key)
    if request.method == "POST" and not is_refused:
        sent = await sent_form(request)
        how = "The button of the page behind the link" if sent.get("how") == "page" else "One click in a mail program"
        await crm.store.run(partial(news.unsubscribe, how=how), key, crm.now())
        is_refused = True
    if is_refused:
        return private(visit.page("said", await visit.office(), said=say("unsubscribed")))
    return private(visit.page("unsubscribe", await visit.office()))
