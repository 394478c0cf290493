"""What people suffer from with other CRMs and web phones has a test here that is named after where they told of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.unit

OF_CRMS = {
    "twenty_11372": "A very large list takes all the memory when it is imported.",
    "suitecrm_10773": "Lines of a list that were not taken are left out without a word.",
    "chatwoot_1459": "A text and an email from one person make two contacts.",
    "chatwoot_2811": "Whoever has a known email address and another phone is overwritten, or lost.",
    "chatwoot_5115": "Which of two records survives a merge is not for the user to say.",
    "espocrm_3259": "A merge leaves behind what belonged to the other record, and can't be undone.",
    "espocrm_1400": "Answers to a record that was merged reach nobody.",
    "oca_crm_88": "Open tasks of the other record are gone after a merge.",
    "suitecrm_7132": "A merge forgets that somebody wants no messages.",
    "suitecrm_8368": "A merge sends messages to the person.",
    "espocrm_1387": "What somebody known writes by a form is dropped as a duplicate.",
    "espocrm_406": "A number that is written in another way is not found.",
    "frappe_crm_610": "Lists take ever longer, the more there is.",
    "mautic_5795": "So do lists of people by what they did.",
    "twenty_24332": "Emails of the mailbox are missing, and nobody notices.",
    "twenty_25749": "Emails that were there are gone, and nobody knows why.",
    "chatwoot_10028": "An answer by email starts a thread of its own.",
    "chatwoot_15869": "What is about something else is put under the former subject.",
    "chatwoot_pr_13502": "Two people who answer the same email end in one thread.",
    "frappe_crm_975": "The office's own number becomes a lead.",
    "frappe_crm_1352": "From a missed call one can neither call back nor make a lead.",
    "microrealestate_130": "A stranger can't book a visit by themselves.",
    "chatwoot_10221": "What another team may not see shows in searches, lists and notices all the same.",
}
OF_WEB_PHONES = {
    "twilio_voice_js_444": "Callers ring on a tab that the system has frozen, and wait for nothing.",
    "browser_phone_254": "A page that was hidden for half an hour does not ring any more.",
    "sipcore_hass_214": "A page that is shown again says it is ready, and its connection has long been dead.",
    "sip_js_1071": "Calls that come while the phone registers again are lost.",
    "browser_phone_267": "Whoever loads the page anew in a talk has lost it.",
    "jssip_738": "A talk ends when the laptop gets another address.",
    "browser_phone_615": "A talk whose connection dropped seems to go on after the other side has hung up.",
    "active_call_127": "A browser that crashed stays in its call: the agent is busy, and the caller hears nothing.",
    "odoo_55772": "Each tab is a phone of its own: they take the calls from each other, and all ring.",
    "browser_phone_139": "Where the desk phone rings, the browser does not.",
    "browser_phone_619": "Whoever chooses another microphone in a talk ends it.",
    "element_web_7400": "The headset is unplugged, and the talk goes on in silence.",
    "libwebphone_85": "It rings in the headset, which lies on the desk.",
    "browser_phone_181": "A network that lets no sound through looks like a talk in which nobody says anything.",
    "browser_phone_558": "No call can be placed while the phone registers again.",
    "chatwoot_14295": "Browsers keep the first ringing silent, because nobody has clicked yet.",
    "chatwoot_8675": "It makes a sound about what is somebody else's.",
    "ntfy_1203": "Browsers give up what they subscribed to, and nobody notices that nothing comes any more.",
    "home_assistant_11611": "Parts of pages can't be reached by keyboard, and a screen reader hears of none of it.",
    "borg_ui_1140": "After a gap in the network the board shows what is no longer so.",
    "htmx_2531": "Going back to a former page breaks what was alive in it.",
    "browser_phone_197": "Calls and settings are kept in one browser, and gone in another.",
    "frappe_crm_1128": "On a phone's screen the button to call is missing.",
    "chatwoot_775": "Two agents answer the same person, because neither sees the other write.",
    "yaai_180": "Who calls is shown to an agent after another one has taken the call.",
}
"""What was told, by project and number of the report."""


@pytest.mark.parametrize("told", [OF_CRMS, OF_WEB_PHONES], ids=["CRMs", "web phones"])
def test_each_has_a_test_with_its_name(told: dict[str, str]) -> None:
    texts = [path.read_text(encoding="utf-8") for path in Path("tests").rglob("test_*.py")]
    named = " ".join(name for text in texts for name in re.findall(r"def (test_\w+)", text))
    assert [one for one in told if not re.search(rf"{one}(?!\d)", named)] == []
