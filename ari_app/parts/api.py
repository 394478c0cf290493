"""The REST API, and the webhooks that tell other programs what happens."""

from __future__ import annotations

from ari_app.parts.listening import listener
from ari_app.parts.shared import Part, Shared
from crm.edge.networks import Allowed
from crm.edge.webhooks import WebhookClient
from crm.services.webhooks import subscriptions
from crm.services.webhooks.delivery import WebhookWorker
from crm.web.api.app import EVERY_SECONDS, ApiServer

PRUNE_SECONDS = 3600.0


async def api(shared: Shared) -> list[Part]:
    """The API has a listener of its own, so that no integration delays the carriers by asking too much."""
    crm = shared.crm
    served = ApiServer(crm)
    client = await shared.stack.enter_async_context(WebhookClient(Allowed.of(crm.config.api.webhook_networks)))

    async def prune() -> None:
        while await crm.store.run(subscriptions.prune, crm.now()) == subscriptions.AT_ONCE:
            pass

    return [
        listener(shared, served.build(), "api"),
        shared.every(EVERY_SECONDS, "keys and answers of the API", served.look),
        shared.keep(WebhookWorker(crm, client, shared.held)),
        shared.every(PRUNE_SECONDS, "deliveries kept long enough", prune),
    ]
