"""What to do about an error or a finding at the terminal, by its code: the commands that fix it."""

from __future__ import annotations

from collections.abc import Mapping

from crm.domain.errors import CrmError

HINTS = {
    # --- the office ---
    "agent_exists": "change it with `leaseline agent set {agent}`.",
    "agent_has_desks": "name another with `leaseline desk set` first.",
    "agent_has_devices": "remove each first, with `leaseline device remove`.",
    "agent_is_last": "add somebody with `leaseline agent add` first.",
    "agent_retired": "bring them back with `leaseline agent restore {agent}`.",
    "agent_is_admin": "make somebody else the admin with `leaseline agent set SLUG --admin`.",
    "agent_unknown": "`leaseline agent list` shows them all.",
    "address_missing": "give it with `leaseline property set {property}`.",
    "answer_unknown": "`leaseline property answer list {property}` shows those there are.",
    "expiry_over": "use `leaseline listing unpublish`.",
    "findings_undecided": "If they may stand, say why with `--despite-findings REASON`.",
    "listing_exists": "change it with `leaseline listing set {listing}`.",
    "listing_unknown": "`leaseline listing list` shows them all.",
    "listing_unpublished": "publish it with `leaseline listing publish {listing}`.",
    "listing_version_unknown": "`leaseline listing history {listing}` shows those that are.",
    "location_exists": "change it with `leaseline location set {location}`.",
    "location_in_use": "give each another location with `leaseline device set`.",
    "location_unknown": "`leaseline location list` shows them all.",
    "listing_not_public": "publish it with `leaseline listing publish {listing}`.",
    "notice_unknown": "`leaseline notice list --agent {agent}` lists those there are.",
    "office_missing": "make one with `leaseline init`.",
    "portfolio_has_lines": "change that with `leaseline line set NUMBER --portfolio ''` first.",
    "portfolio_unknown": "`leaseline portfolio list` shows them all.",
    "property_exists": "change it with `leaseline property set {property}`.",
    "property_has_lines": "move each with `leaseline line set`, or remove it with `leaseline line remove`, first.",
    "property_not_public": "publish it with `leaseline property publish {property}`.",
    "property_retired": "bring it back with `leaseline property restore {property}`.",
    "property_unknown": "`leaseline property list` shows them all.",
    "property_unpublished": "publish it with `leaseline property publish {property}` first.",
    "property_without_subteam": "give it one with --subteam.",
    "special_day_unknown": (
        "`leaseline holiday list` shows them all; to stay open on a public holiday, use "
        "`leaseline holiday add {day} --open usual`."
    ),
    "suggestion_unknown": "`leaseline lead suggestions` lists those there are.",
    "setting_unknown": "`leaseline config show` lists them all.",
    "unit_unknown": "`leaseline listing list` shows the homes there are.",
    "unit_exists": "retire that one first with `leaseline listing remove`.",
    "unit_not_written": "run it as root, or use --print.",
    "user_is_root": "`chown -R USER {home}` does, or name one with --user.",
    "subteam_exists": "change it with `leaseline subteam set {subteam}`.",
    "subteam_has_desks": "name another with `leaseline desk set` first.",
    "subteam_has_properties": "give that to another subteam with `leaseline property set` first.",
    "subteam_member_unknown": "see `leaseline subteam show {subteam}`.",
    "subteam_unknown": "`leaseline subteam list` shows them all.",
    # --- phones ---
    "agent_without_devices": "add one with `leaseline device add NAME --agent {agent}`.",
    "agent_without_mobile": "give its number with `leaseline forward on --agent {agent} --to NUMBER`.",
    "agent_without_phone": "`leaseline device add` gives them one.",
    "ban_exists": "`leaseline ban list` shows until when.",
    "ban_is_ours": "`leaseline trunk list` shows the trunks.",
    "ban_unknown": "`leaseline ban list` shows those that are.",
    "browser_always_encrypts": "leave out --encrypted.",
    "device_is_not_theirs": (
        "add one by another name with `leaseline device add NAME --agent {agent} --kind mobile --number NUMBER`."
    ),
    "device_unknown": "`leaseline device list` shows them all.",
    "emergency_in_progress": "acknowledge it once it is over.",
    "emergency_not_awaited": "`leaseline status` shows for which calls it is.",
    "emergency_unknown": "`leaseline emergency list` shows them all.",
    "line_exists": "change it with `leaseline line set {number}`.",
    "line_property_and_portfolio": "remove one with --property '' or --portfolio ''.",
    "ports_in_use": "stop it with `leaseline down` first.",
    "text_template_unknown": "`leaseline text template list` shows them all.",
    "line_to_text_missing": "add one with `leaseline line add`.",
    "line_unknown": "`leaseline line list` shows them all.",
    "on_record": "leave out `--delete`.",
    "retired_unknown": "add `--retired` to the list to see what there is.",
    "mobile_without_number": "give it with --number.",
    "mobiles_several": "change one with `leaseline device set NAME --number`.",
    "trunk_exists": "change it with `leaseline trunk set {trunk}`.",
    "trunk_unknown": "`leaseline trunk list` shows them all.",
    "trunk_without_address": "give each with --address.",
    "trunk_without_digest": "give them with --username and --password.",
    "trunk_without_login": "give them with --username and --password.",
    "trunk_without_user": "also give --username.",
    # --- people ---
    "application_unknown": "`leaseline application list` shows them all.",
    "block_exists": "`leaseline block list` shows it.",
    "block_is_our_line": "to get rid of it, use `leaseline line remove`.",
    "block_spared": "With --close-lead the lead and its tasks are closed first.",
    "block_unknown": "`leaseline block list` shows them all.",
    "contact_exists": "change it with `leaseline contact set {number}`.",
    "contact_unknown": "`leaseline contact list` shows them all.",
    "erasure_of_held": "If it need not be kept any longer: `leaseline recordings release {call}`.",
    "erasure_with_tour": "use `leaseline tour cancel {tour}`.",
    "filter_unsaved": "`leaseline lead filters` shows those that are.",
    "lead_closed": "open it with `leaseline lead edit {lead} --status in_progress`.",
    "lead_erased": "`leaseline lead erasures` says who did it, and why.",
    "lead_is_two": "if they are one person, use `leaseline lead merge {lead} {other}`.",
    "lead_unreadable": "give them a number with `leaseline lead edit {lead} --add-phone NUMBER`.",
    "lead_unknown": "`leaseline lead list` shows them all.",
    "merge_unknown": "`leaseline lead show {lead}` says what it is.",
    "merge_later": "use `leaseline lead unmerge {lead}`.",
    "nobody_on_duty": "`leaseline agent list` shows who there is.",
    "owners_not_managed_for": "if it does, say so with `leaseline office set --manages-for-owners`.",
    "proposal_decided": "`leaseline lead proposals` shows those that are open.",
    "proposal_unknown": "`leaseline lead proposals` shows those that are open.",
    "close_without_reason": "give it with --reason.",
    "invitations_wrong": "correct them, or use --skip-wrong to invite the others.",
    "document_unknown": "`leaseline application show` lists them.",
    "denial_without_reason": "give it with --reason.",
    "opt_out_exists": "`leaseline optout list` shows it.",
    "opt_out_unknown": "`leaseline optout list` shows those that are.",
    # --- programs ---
    "arrival_not_flagged": "`leaseline lead arrivals` says what became of it.",
    "arrival_unknown": "`leaseline lead arrivals` lists them all.",
    "account_unknown": "`leaseline user list` shows them all.",
    "account_link_unknown": "`leaseline user invite` makes a new one.",
    "api_key_unknown": "`leaseline api key list` shows them all.",
    "source_exists": "change it with `leaseline source set {source}`.",
    "source_unknown": "`leaseline source list` shows them all.",
    "webhook_delivery_unknown": "`leaseline webhook deliveries` shows them all.",
    "webhook_unknown": "`leaseline webhook list` shows them all.",
    # --- calls ---
    "call_unknown": "`leaseline call list` shows them all.",
    "desk_not_straight": "leave --straight out.",
    "desk_target_unknown": "`leaseline {what} list` shows them all.",
    "desk_unknown": "`leaseline desk list` shows them all.",
    "missed_call_unknown": "`leaseline call missed` shows who to call back.",
    "rehearsal_agent_without_phone": "`leaseline device add` makes one.",
    "recording_held": "If it need not be kept any longer: `leaseline recordings release {call}`.",
    "talk_recording_unknown": "`leaseline recordings list` shows them all.",
    "replay_properties_unknown": "`leaseline property list` shows them all.",
    "voicemail_taken": "`leaseline voicemail show` says who.",
    "voicemail_unknown": "`leaseline voicemail list` shows them all.",
    # --- work, texts, tours ---
    "blackout_unknown": "`leaseline tour blackouts` shows them all.",
    "follow_up_unknown": "`leaseline followup list` shows those that are planned.",
    "interest_unknown": "`leaseline lead show {lead}` shows them all.",
    "message_may_have_arrived": "ask the person, then use --unknown to resend it.",
    "lead_unsubscribed": "an answer to what they asked may be sent without --news.",
    "mail_file_gone": "put the folder `mails` of the home back from a backup.",
    "mail_subject_missing": "give it with --subject.",
    "mail_template_unknown": "`leaseline config show` lists those in [mail.templates].",
    "mail_unknown": "`leaseline mail list` shows them.",
    "mail_wording_missing": "give a subject with --subject.",
    "mail_wording_unknown": "`leaseline mail template list` shows them all.",
    "message_unknown": "`leaseline message list --state failed` shows them.",
    "task_unknown": "`leaseline task list` shows them all.",
    "task_unowned": "say who does it with --agent.",
    "texts_not_paused": "`leaseline message list --decision wait` shows what is waiting.",
    "tour_time_taken": "`leaseline tour slots {property}` shows those that are free.",
    "tour_time_unknown": "`leaseline tour slots {property}` shows the times that are free.",
    "tour_unknown": "`leaseline tour list` shows them all.",
    "report_schedule_unknown": "`leaseline report schedule list` shows those there are.",
    # --- the system ---
    "backup_exists": "choose another name.",
    "database_in_use": "stop it with `leaseline down` first.",
    "database_not_empty": "name an empty one.",
    "restore_over_something": "choose an empty or new folder with --home.",
    "database_foreign": "update Leaseline, or put a matching backup in its place.",
    "database_old": "run `leaseline db upgrade`.",
    "database_silent": "run `leaseline doctor` to see why.",
    "demo_answer_unknown": "`leaseline device list` shows them.",
    "demo_line_missing": "add one with `leaseline line add`.",
    "demo_not_running": "start it with `script/up` or `leaseline up` in another terminal.",
    "demo_office_in_use": "start without --demo, or use another home for the demo.",
    "demo_phones_many": "name one of them with --answer.",
    "demo_voice_broken": "name another folder in ai.whisper_model in leaseline.toml.",
    "demo_voice_missing": "run `script/setup voice-demo`, or name a folder in ai.whisper_model in leaseline.toml.",
    "demo_voice_packages": "install them with `script/setup voice`.",
    "demo_without_voice_agent": "name another caller with --from, and see `leaseline doctor`.",
    "demo_stuck": "see `leaseline call list`.",
    "home_exists": "use it as it is, or choose another with --home.",
    "home_holds_other": "choose an empty or new folder with --home.",
    "home_impossible": "choose another folder with --home.",
    "home_not_written": "choose another folder with --home.",
    "home_incomplete": "give --bedrooms (0 for a studio), --bathrooms and --rent.",
    "import_kind_missing": "give --kind, or rename it, such as to units.csv.",
}
"""Codes that are not listed need no command: the error's own text says it all."""

FIXES = {
    # --- the machine and the programs ---
    "app_down": "Start it with `leaseline up`.",
    "app_in_trouble": "See {folder} for more.",
    "worker_in_trouble": "See {folder} for more.",
    "app_not_connected": "See {folder} for the reason; it keeps trying.",
    "asterisk_down": "Start it with `leaseline up`.",
    "backup_failed": "Once that is mended: `leaseline backup run`.",
    "backup_gone": "Make another with `leaseline backup run`.",
    "backup_none": "The app makes it while it runs; `leaseline backup run` makes it now.",
    "backup_old": "The app makes them while it runs; `leaseline backup run` makes one now.",
    "backup_room_low": "Make room, or keep fewer with `leaseline backup schedule --keep`.",
    "backup_unchecked": "`leaseline backup check {file}`",
    "certificate_ours": "`leaseline up` makes them.",
    "certificate_theirs": "Correct sip.certificate and sip.private_key in leaseline.toml.",
    "console_certificate": "Renew it; a new one is taken up by itself. Its paths are in {settings}.",
    "console_refused": "Set it in {settings}, then `leaseline reload`.",
    "database_down": "Check the disk and the database server.",
    "database_foreign": "Update Leaseline, or put a matching backup in its place.",
    "database_old": "Bring it up to date with `leaseline db upgrade`.",
    "disk_full": "Free some space on the disk of {home}.",
    "disk_low": "Free some space on the disk of {home}.",
    "events_unknown": "Update Leaseline to a version for this Asterisk.",
    "home_not_writable": "Run as the user who owns it.",
    "home_open": "chmod 700 {home}",
    "limits_files": "Raise it with `ulimit -n`, or LimitNOFILE= in the unit.",
    "limits_near": "See `leaseline status` for who calls.",
    "limits_refused": "Raise it in {settings}, or have the carrier of trunk {trunk} stop the flood.",
    "limits_rtp": "Raise ports.rtp_last in {settings}.",
    "node_silent": "Start it again. After an hour the others end the calls it left open; after a month they forget it.",
    "node_twice": "Stop one of the two, delete its {file}, and start it again.",
    "packages_old": "`leaseline setup refresh` fetches it for the next start of Asterisk.",
    "packages_waiting": "Stop Leaseline with `leaseline down` when nobody is on the line, and start it again.",
    "pages_down": "See `leaseline logs --pages`; they are started again by themselves.",
    "pages_hang": "`leaseline up` starts them again within a minute; see `leaseline logs --pages`.",
    "port_taken": "Set another ports.{name} in {settings}.",
    "program_missing": "Run script/setup.",
    "programs_left": "`leaseline up` takes them over, `leaseline down` ends them.",
    "secrets_missing": "`leaseline up` makes them.",
    "secrets_open": "chmod 600 {path}",
    "secrets_unreadable": "Restore the file from a backup.",
    "sending_held": "If this home is the one to send from now on: `leaseline home release`.",
    # --- the office ---
    "extension_hidden": "Give them another with `leaseline agent set SLUG --extension`, or change the setting.",
    "manager_unknown": "Name one with `leaseline config set tasks.manager SLUG`, then `leaseline reload`.",
    "console_admin_missing": "`leaseline up` prints a link that makes one; so does `leaseline user invite NAME`.",
    "console_plain": "Set console.public_url to the https address of a proxy with a certificate.",
    "admin_missing": "Choose one with `leaseline agent set SLUG --admin`.",
    "answering_service_of_office": "Give another number with `leaseline office set --answering-service NUMBER`.",
    "answering_service_of_subteam": (
        "Give another number with `leaseline subteam set {subteam} --answering-service NUMBER`."
    ),
    "desk_missing": "Make one with `leaseline desk set {kind}`.",
    "desk_unreachable": "Name another target with `leaseline desk set {kind}`.",
    "holiday_calendar_gone": "Name another with `leaseline holiday set`.",
    "hours_closed": "`leaseline hours show` and `holiday list` show why.",
    "hours_of_agent_outside": (
        "`leaseline agent hours {agent} ...`, unless {agent} is meant to answer only after hours."
    ),
    "language_incomplete": ("Add them to {language}.toml, beside en.toml, or remove the language from menu.languages."),
    "lines_missing": "Add one with `leaseline line add`.",
    "listings_url_missing": "Give one to the office, `leaseline office set --listings-url URL`, or to a property.",
    "nobody_on_duty": "Put somebody on duty with `leaseline agent set SLUG --on-duty`.",
    "prompts_missing": "Start `leaseline up`, which makes them.",
    # --- phones ---
    "callback_advertised": (
        "Add a line of its own without property and source, and give it with `leaseline location set {location} "
        "--callback`."
    ),
    "callback_not_ours": "Add the line, or give another with `leaseline location set {location} --callback`.",
    "caller_numbers_unread": (
        "Say how it gives them with `leaseline trunk set {trunk} --number-format`, such as 9national."
    ),
    "device_without_location": (
        "Add the location with `leaseline location add`, then `leaseline device set SLUG --location LOCATION`."
    ),
    "devices_deaf": "The tab of the phone may be frozen: open it again, and exempt it from the browser's memory saver.",
    "devices_plain": "Set the phone's transport to TLS, or `leaseline device set SLUG --no-encrypted`.",
    "devices_silent": "Check the phone's power, network and account.",
    "dnd_endless": "If it was forgotten: `leaseline dnd off {device}`.",
    "emergency_untold": "`leaseline agent set SLUG --email ADDRESS`, and `leaseline emergency notify add SLUG`.",
    "emergency_without_trunk": "Name one with `leaseline trunk set SLUG --emergency`.",
    "forwarding_of_agent_refused": "Give another number, or `leaseline forward off --agent {agent}`.",
    "forwarding_of_office_refused": "Give another number, or `leaseline forward office off`.",
    "relays_missing": (
        "Run coturn with what `leaseline turn config --realm DOMAIN` prints, and name it in console.ice_servers."
    ),
    "relay_failing": "Its log says why; coturn may be set up with what `leaseline turn config --realm DOMAIN` prints.",
    "relay_refuses": (
        "Give it the secret that `leaseline turn config --realm DOMAIN` prints, or give us its own with `leaseline "
        "turn secret`; and compare the clocks of both machines."
    ),
    "relay_silent": (
        "Start the server, and let UDP and TCP through to its port; or take it out of console.ice_servers in "
        "{settings}."
    ),
    "nobody_rings": "Register one: `leaseline device show SLUG --secret` says what to enter on the phone.",
    "office_forwards": "If it was forgotten: `leaseline forward office off`.",
    "phone_forwards": (
        "Turn that off on the phone; to ring a mobile as well, use `leaseline forward on --agent {agent} --to NUMBER`."
    ),
    "public_url_missing": "Set it in {settings} to the address at which the carrier reaches us.",
    "texts_secret_missing": "Give it with `leaseline message secret {carrier}`.",
    "texts_trunk_not_used": "Correct it in {settings}.",
    "trunk_silent": "Some carriers never do. Otherwise check the peer's host and port: `leaseline trunk show {trunk}`.",
    "trunk_without_password": "Set it with `leaseline trunk set {trunk} --password`.",
    "trunks_missing": "Add one with `leaseline trunk add`.",
    # --- work ---
    "calls_lost": "`leaseline report lost` shows them; the app finishes those without an outcome.",
    "calls_spooled": "Start the app, which imports them.",
    "figures_unsent": "Set mail.server and the address (`leaseline agent set SLUG --email`), or end them with"
    " `leaseline report schedule remove`.",
    "facts_rejected": "Report {path}, then move it away.",
    "facts_waiting": "Start the app and check the database.",
    "arrivals_amiss": "`leaseline lead arrivals --problems` shows them.",
    "arrivals_unread": "Start the app with `leaseline up`, or read them now with `leaseline lead intake --again`.",
    "mailbox_incomplete": "The app fetches them at the next count, within six hours; the log says what it could not.",
    "mailbox_unread": "`leaseline status` says what is wrong; the password is set with `leaseline mail secret --in`.",
    "mails_lost": "Put the folder `mails` of the home back from a backup.",
    "mail_unsent": "`leaseline mail list` shows why.",
    "mail_unset": "Write mail.server and mail.from_address into leaseline.toml, then `leaseline mail secret`.",
    "sound_lost": "Restore the recordings folder from a backup, or let `leaseline recordings repair` mark it as gone.",
    "sound_stray": "`leaseline recordings repair` records them with their calls.",
    "tasks_overdue": "`leaseline task list` shows them.",
    "texts_failed": "`leaseline message list --state failed` shows why, `leaseline message resend` resends them.",
    "texts_paused": "Check `leaseline call list`, then run `leaseline message resume`.",
    "push_failing": (
        "Check that this machine reaches the services in console.push_hosts; then {account} switches Ring when closed "
        "off and on again in the console."
    ),
    "webhook_silent": (
        "See `leaseline webhook deliveries --webhook {webhook}`; once its receiver works, `leaseline webhook replay "
        "{webhook} --failed` sends what was given up."
    ),
    "voice_agent_down": "End `leaseline up` and start it again, or run `leaseline serve --only voice` beside the app.",
    "dialogue_wrong": "`leaseline ai check` says what else has to be put right.",
    "sentence_model_missing": "Correct ai.sentence_model in leaseline.toml.",
    "voice_file_missing": "Correct ai.piper_voices in leaseline.toml.",
    "voice_model_broken": "Correct ai.whisper_model in leaseline.toml.",
    "voice_model_missing": "Name a folder with one in ai.whisper_model in leaseline.toml.",
    "address_untested": "Dial 933 from a phone there: the carrier reads out the address it has.",
    "line_uncalled": "Call them once from a mobile.",
    "texts_unreported": "Send one to your own mobile: `leaseline message send NUMBER TEXT`.",
    "transcripts_off": "Correct voice.whisper_model.",
}
"""How to fix what the doctor found, by the finding's code."""


def told(error: CrmError) -> str:
    """The error and what to do about it: one sentence, or two if the hint begins with a capital letter."""
    return hinted(str(error), error.code, error.facts)


def hinted(text: str, code: str, facts: Mapping[str, object] | None = None) -> str:
    """The same for an error that comes in parts."""
    hint = HINTS.get(code, "").format_map(facts or {})
    if not hint:
        return text
    if text.endswith("?"):
        return f"{text} {hint[0].upper()}{hint[1:]}"
    return f"{text} {hint}" if hint[0].isupper() else f"{text.removesuffix('.')}: {hint}"
