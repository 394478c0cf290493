"""A phone dialed a code such as *78: carries it out, and says the result.

Arguments: what was dialed, and the endpoint that dialed it. Sets LL_SAY (files to play), LL_GO (arguments with which
the app takes the call), or both. If neither is set, the dialplan says that codes do not work now.

With LL_ASK set, what is played is a question: the dialplan reads a key, and runs this script again with two more
arguments, the key (empty: none) and LL_ASK.
"""

from __future__ import annotations

import logging

from agi.server import Script
from agi.session import Session
from asterisk_conf.prompts.speech import SpeechError
from crm.context import Crm
from crm.domain.errors import CrmError
from crm.services.audit import By
from crm.services.phones import feature_codes, publish
from crm.services.phones.feature_codes import CodeAnswer
from crm.services.phones.spoken import spoken
from crm.words import phone

log = logging.getLogger(__name__)


def script(crm: Crm) -> Script:
    async def feature_code(session: Session) -> None:
        dialled, device, key, about = (*session.arguments, "", "", "", "")[:4]
        by = By(f"phone {device}", crm.now())
        try:
            answer = await crm.store.run(feature_codes.act, crm.config, dialled, device, by, key=key, about=about)
        except CrmError as error:
            log.warning("a feature code was not carried out: %s", error)
            answer = CodeAnswer(phone.said(error))
        if answer.is_change:
            await _publish(crm)
        if answer.say:
            try:
                sound = await spoken(crm.config, answer.say)
            except SpeechError as error:
                log.warning("the answer to a feature code cannot be spoken: %s", error)
            else:
                if answer.ask_about:
                    await session.set_variable("LL_ASK", answer.ask_about)
                await session.set_variable("LL_SAY", str(sound.with_suffix("")))
        if answer.go:
            await session.set_variable("LL_GO", ",".join(answer.go))

    return feature_code


async def _publish(crm: Crm) -> None:
    """Renews the configuration that Asterisk uses without the app; the app itself goes by the database."""
    try:
        await publish.publish(crm)
    except CrmError as error:
        log.warning("Asterisk's last resort is not renewed: %s", error)
