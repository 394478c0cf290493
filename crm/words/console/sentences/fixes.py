"""What the doctor looks at, and how to fix what it finds."""

from __future__ import annotations

CHECKS = {
    "home": "instalación",
    "node": "nodo",
    "passwords": "contraseñas",
    "certificate": "certificado",
    "disk": "disco",
    "backup": "copia de seguridad",
    "programs": "programas",
    "packages": "paquetes",
    "app": "aplicación",
    "sending": "envíos",
    "keeper": "supervisor",
    "events": "sucesos",
    "database": "base de datos",
    "workers": "trabajos",
    "pages": "páginas",
    "console": "consola",
    "limits": "límites",
    "ports": "puertos",
    "arrivals": "llegadas",
    "inquiries": "consultas",
    "mailbox": "buzón de correo",
    "emails": "correos",
    "desks": "mostradores",
    "office": "oficina",
    "lines": "líneas",
    "prompts": "locuciones",
    "listings": "viviendas",
    "agents": "agentes",
    "extensions": "extensiones",
    "manager": "responsable",
    "hours": "horario",
    "holidays": "feriados",
    "answering service": "servicio de contestación",
    "languages": "idiomas",
    "users": "usuarios",
    "emergency": "emergencias",
    "devices": "dispositivos",
    "forwarding": "desvíos",
    "relays": "relés",
    "trunks": "troncales",
    "texts": "textos",
    "voice agent": "agente de voz",
    "tasks": "tareas",
    "calls": "llamadas",
    "mail": "correo saliente",
    "recordings": "grabaciones",
    "journal": "diario",
    "rejected": "rechazados",
    "spool": "por importar",
    "closed browsers": "navegadores cerrados",
    "transcripts": "transcripciones",
    "sound": "audio",
    "automatic texts": "textos automáticos",
}
"""What the doctor looks at; those that are not here are called alike."""

FIXES = {
    # --- the machine and the programs ---
    "app_down": "Arránquela con `leaseline up`.",
    "app_in_trouble": "Hay más en {folder}.",
    "worker_in_trouble": "Hay más en {folder}.",
    "app_not_connected": "El motivo está en {folder}; lo sigue intentando.",
    "asterisk_down": "Arránquelo con `leaseline up`.",
    "backup_failed": "Cuando eso esté arreglado: `leaseline backup run`.",
    "backup_gone": "Haga otra con `leaseline backup run`.",
    "backup_none": "La aplicación la hace mientras funciona; `leaseline backup run` la hace ahora.",
    "backup_old": "La aplicación las hace mientras funciona; `leaseline backup run` hace una ahora.",
    "backup_room_low": "Haga sitio, o guarde menos con `leaseline backup schedule --keep`.",
    "backup_unchecked": "`leaseline backup check {file}`",
    "certificate_ours": "`leaseline up` los hace.",
    "certificate_theirs": "Corrija sip.certificate y sip.private_key en leaseline.toml.",
    "console_certificate": "Renuévelo; uno nuevo se toma solo. Sus rutas están en {settings}.",
    "console_refused": "Defínalo en {settings}, y después `leaseline reload`.",
    "database_down": "Compruebe el disco y el servidor de la base de datos.",
    "database_foreign": "Actualice Leaseline, o ponga en su lugar una copia que corresponda.",
    "database_old": "Póngala al día con `leaseline db upgrade`.",
    "disk_full": "Libere espacio en el disco de {home}.",
    "disk_low": "Libere espacio en el disco de {home}.",
    "events_unknown": "Actualice Leaseline a una versión para este Asterisk.",
    "home_not_writable": "Ejecútelo con el usuario a quien pertenece.",
    "home_open": "chmod 700 {home}",
    "limits_files": "Súbalo con `ulimit -n`, o LimitNOFILE= en la unidad.",
    "limits_near": "`leaseline status` muestra quién llama.",
    "limits_refused": "Súbalo en {settings}, o pida al operador de la troncal {trunk} que pare la avalancha.",
    "limits_rtp": "Suba ports.rtp_last en {settings}.",
    "node_silent": (
        "Arránquelo otra vez. Tras una hora los demás cierran las llamadas que dejó abiertas; tras un mes lo olvidan."
    ),
    "node_twice": "Pare uno de los dos, borre su {file}, y arránquelo otra vez.",
    "packages_old": "`leaseline setup refresh` los trae para el próximo arranque de Asterisk.",
    "packages_waiting": "Pare Leaseline con `leaseline down` cuando nadie esté en línea, y arránquelo otra vez.",
    "pages_down": "Mire `leaseline logs --pages`; se arrancan otra vez solas.",
    "pages_hang": "`leaseline up` las arranca otra vez en menos de un minuto; mire `leaseline logs --pages`.",
    "port_taken": "Defina otro ports.{name} en {settings}.",
    "program_missing": "Ejecute script/setup.",
    "programs_left": "`leaseline up` los toma a su cargo, `leaseline down` los termina.",
    "secrets_missing": "`leaseline up` las hace.",
    "secrets_open": "chmod 600 {path}",
    "secrets_unreadable": "Recupere el archivo de una copia de seguridad.",
    "sending_held": "Si desde ahora se envía desde esta instalación: `leaseline home release`.",
    # --- the office ---
    "extension_hidden": "Dele otra con `leaseline agent set SLUG --extension`, o cambie el ajuste.",
    "manager_unknown": "Nombre uno con `leaseline config set tasks.manager SLUG`, y después `leaseline reload`.",
    "console_admin_missing": "`leaseline up` muestra un enlace que la crea; también `leaseline user invite NAME`.",
    "console_plain": "Ponga en console.public_url la dirección https de un proxy con certificado.",
    "admin_missing": "Elija a alguien con `leaseline agent set SLUG --admin`.",
    "answering_service_of_office": "Dé otro número con `leaseline office set --answering-service NUMBER`.",
    "answering_service_of_subteam": "Dé otro número con `leaseline subteam set {subteam} --answering-service NUMBER`.",
    "desk_missing": "Cree uno con `leaseline desk set {kind}`.",
    "desk_unreachable": "Nombre otro destino con `leaseline desk set {kind}`.",
    "holiday_calendar_gone": "Nombre otro con `leaseline holiday set`.",
    "hours_closed": "`leaseline hours show` y `holiday list` muestran por qué.",
    "hours_of_agent_outside": (
        "`leaseline agent hours {agent} ...`, a no ser que {agent} deba contestar solo fuera de horario."
    ),
    "language_incomplete": "Añádalas a {language}.toml, junto a en.toml, o quite el idioma de menu.languages.",
    "lines_missing": "Añada una con `leaseline line add`.",
    "listings_url_missing": "Dé uno a la oficina, `leaseline office set --listings-url URL`, o a una propiedad.",
    "nobody_on_duty": "Ponga a alguien de turno con `leaseline agent set SLUG --on-duty`.",
    "prompts_missing": "Arranque `leaseline up`, que las hace.",
    # --- phones ---
    "callback_advertised": (
        "Añada una línea propia, sin propiedad ni origen, y désela con `leaseline location set {location} --callback`."
    ),
    "callback_not_ours": "Añada la línea, o dé otra con `leaseline location set {location} --callback`.",
    "caller_numbers_unread": (
        "Diga cómo los da con `leaseline trunk set {trunk} --number-format`, por ejemplo 9national."
    ),
    "device_without_location": (
        "Añada el lugar con `leaseline location add`, y después `leaseline device set SLUG --location LOCATION`."
    ),
    "devices_deaf": (
        "La pestaña del teléfono puede estar dormida: ábrala otra vez, y exclúyala del ahorro de memoria del navegador."
    ),
    "devices_plain": "Ponga el transporte del teléfono en TLS, o `leaseline device set SLUG --no-encrypted`.",
    "devices_silent": "Compruebe la corriente, la red y la cuenta del teléfono.",
    "dnd_endless": "Si se olvidó: `leaseline dnd off {device}`.",
    "emergency_untold": "`leaseline agent set SLUG --email ADDRESS`, y `leaseline emergency notify add SLUG`.",
    "emergency_without_trunk": "Nombre una con `leaseline trunk set SLUG --emergency`.",
    "forwarding_of_agent_refused": "Dé otro número, o `leaseline forward off --agent {agent}`.",
    "forwarding_of_office_refused": "Dé otro número, o `leaseline forward office off`.",
    "relays_missing": (
        "Arranque coturn con lo que da `leaseline turn config --realm DOMAIN`, y nómbrelo en console.ice_servers."
    ),
    "relay_failing": (
        "Su registro dice por qué; coturn puede configurarse con lo que da `leaseline turn config --realm DOMAIN`."
    ),
    "relay_refuses": (
        "Póngale el secreto que da `leaseline turn config --realm DOMAIN`, o dénos el suyo con `leaseline turn "
        "secret`; y compare los relojes de las dos máquinas."
    ),
    "relay_silent": (
        "Arranque el servidor y deje pasar UDP y TCP hasta su puerto; o quítelo de console.ice_servers en {settings}."
    ),
    "nobody_rings": "Registre uno: `leaseline device show SLUG --secret` dice qué escribir en el teléfono.",
    "office_forwards": "Si se olvidó: `leaseline forward office off`.",
    "phone_forwards": (
        "Quítelo en el teléfono; para que suene también un móvil, `leaseline forward on --agent {agent} --to NUMBER`."
    ),
    "public_url_missing": "Ponga en {settings} la dirección en la que nos alcanza el operador.",
    "texts_secret_missing": "Désela con `leaseline message secret {carrier}`.",
    "texts_trunk_not_used": "Corríjalo en {settings}.",
    "trunk_silent": (
        "Algunos operadores nunca contestan. Si no, compruebe host y puerto: `leaseline trunk show {trunk}`."
    ),
    "trunk_without_password": "Póngala con `leaseline trunk set {trunk} --password`.",
    "trunks_missing": "Añada una con `leaseline trunk add`.",
    # --- work ---
    "calls_lost": "`leaseline report lost` las muestra; la aplicación cierra las que no tienen resultado.",
    "calls_spooled": "Arranque la aplicación, que las importa.",
    "facts_rejected": "Informe de {path}, y después apártelo.",
    "facts_waiting": "Arranque la aplicación y compruebe la base de datos.",
    "arrivals_amiss": "`leaseline lead arrivals --problems` los muestra.",
    "arrivals_unread": "Arranque la aplicación con `leaseline up`, o léalos ahora con `leaseline lead intake --again`.",
    "mailbox_incomplete": (
        "La aplicación los trae en la próxima cuenta, en menos de seis horas; el registro dice cuáles no pudo."
    ),
    "mailbox_unread": "`leaseline status` dice qué falla; la contraseña se pone con `leaseline mail secret --in`.",
    "mails_lost": "Recupere la carpeta `mails` de la instalación de una copia de seguridad.",
    "mail_unsent": "`leaseline mail list` muestra por qué.",
    "figures_unsent": "Ponga mail.server y la dirección (`leaseline agent set SLUG --email`), o termínelas con"
    " `leaseline report schedule remove`.",
    "mail_unset": "Escriba mail.server y mail.from_address en leaseline.toml, y después `leaseline mail secret`.",
    "sound_lost": (
        "Recupere la carpeta de grabaciones de una copia, o deje que `leaseline recordings repair` lo dé por perdido."
    ),
    "sound_stray": "`leaseline recordings repair` los registra con sus llamadas.",
    "tasks_overdue": "`leaseline task list` las muestra.",
    "texts_failed": (
        "`leaseline message list --state failed` muestra por qué, `leaseline message resend` los reenvía."
    ),
    "texts_paused": "Mire `leaseline call list`, y después `leaseline message resume`.",
    "push_failing": (
        "Compruebe que esta máquina llega a los servicios de console.push_hosts; después, que {account} apague y "
        "encienda en la consola el timbre con la página cerrada."
    ),
    "webhook_silent": (
        "Mire `leaseline webhook deliveries --webhook {webhook}`; cuando su receptor funcione, `leaseline webhook "
        "replay {webhook} --failed` envía lo que se abandonó."
    ),
    "voice_agent_down": (
        "Termine `leaseline up` y arránquelo otra vez, o `leaseline serve --only voice` junto a la aplicación."
    ),
    "dialogue_wrong": "`leaseline ai check` dice qué más hay que corregir.",
    "sentence_model_missing": "Corrija ai.sentence_model en leaseline.toml.",
    "voice_file_missing": "Corrija ai.piper_voices en leaseline.toml.",
    "voice_model_broken": "Corrija ai.whisper_model en leaseline.toml.",
    "voice_model_missing": "Nombre una carpeta que tenga uno en ai.whisper_model, en leaseline.toml.",
    "address_untested": "Marque el 933 desde un teléfono de allí: el operador lee la dirección que tiene.",
    "line_uncalled": "Llámelas una vez desde un móvil.",
    "texts_unreported": "Envíe uno a su propio móvil: `leaseline message send NUMBER TEXT`.",
    "transcripts_off": "Corrija voice.whisper_model.",
}
"""How to fix what the doctor found, by the finding's code, as `crm.words.terminal.FIXES` says it in English."""
