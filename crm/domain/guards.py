"""What is noticed before anything else a caller says: emergencies, wishes to stop, and what fair-housing law touches.

Not data that an office can edit: each has one lawful way to go on. Patterns read `folded` text, in both languages,
whatever the talk's. They are wide on purpose: a wrong yes costs a minute of somebody's time.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from crm.domain import optout
from crm.domain.optout import TextKeyword


class Danger(StrEnum):
    GAS = "gas"
    FIRE = "fire"
    WATER = "water"
    PERSON = "person"
    """Somebody is hurt, or in danger."""


class Sensitive(StrEnum):
    """What a question is about, where nothing may be said but the fixed sentence."""

    INCOME = "income"
    """Vouchers and other income than wages."""
    ANIMALS = "animals"
    """Service, support and other assistance animals."""
    ACCESS = "access"
    """Disability."""
    PEOPLE = "people"
    """Who lives there."""
    FAMILIES = "families"
    """Children, pregnancy, marriage, age: theirs, or the neighbors'."""
    SAFETY = "safety"
    SCHOOLS = "schools"
    NEUTRAL = "neutral"
    """Religion, origin, race, orientation and the like."""


@dataclass(frozen=True)
class Sentry:
    """What was noticed in one utterance."""

    emergency: Danger | None = None
    opt_out: str = ""
    """The words of it; empty: none."""
    sensitive: tuple[Sensitive, ...] = ()
    states_family: bool = False
    """They say who will live with them, without a question about it: it changes nothing of the answer."""
    rest: str = ""
    """What was said, folded, without the words that are sensitive."""


def _pattern(*parts: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w)(?:{'|'.join(parts)})(?!\w)")


# "guess", "glass", "grass" and "gasp" are what transcribers make of "gas" after "smell".
_SMELL = r"(?:smell(?:s|ed|ing)?|smelt|odou?r|sm[eo]ll|stink(?:s|ing)?|huel[eo]|huele a|hay olor a|olor a)"
_GAS = r"(?:gas|guess|gass|glass|grass|gasp|gaz|gus|rotten eggs?|sulph?fur|propane|huevos? podridos?)"
_EMERGENCIES: dict[Danger, re.Pattern[str]] = {
    Danger.GAS: _pattern(
        rf"{_SMELL}(?: \w+){{0,4}} {_GAS}",
        r"(?:gas|propane) (?:is )?(?:coming|leak(?:s|ing|age)?|smell|odou?r|line (?:broke|burst|is)|everywhere|escaping)",
        r"(?:leak(?:s|ing)?|leaking of) (?:gas|propane)|(?:gas|propane)(?: \w+){0,3} hissing|hissing(?: \w+){0,4} (?:gas|propane)",
        # What is left of "I smell gas in my apartment" when the beginning was not understood.
        r"(?:gas|propane) (?:in|inside|all over|through) (?:my|our) (?:\w+ )?(?:apartment|unit|home|house|place|kitchen|building|hallway|room|bedroom|basement)",
        r"(?:fuga|escape|olor|huele|se escapa)(?: \w+){0,2} (?:el )?gas",
        r"carbon monoxide(?! (?:detectors?|alarms?|monitors?))|(?:co|c o|co2|gas|monoxide) (?:alarms?|detectors?|monitors?)(?: \w+){0,3} (?:going|go|goes|beep\w*|chirping|sound\w*|went|off|stop|screaming)",
        r"(?<!detector de )(?<!detectores de )(?<!alarma de )(?<!alarmas de )monoxido|(?:suena|sonando|pita|pitando|sono|activo)(?: \w+){0,4} monoxido|monoxido(?: de carbono)?(?: \w+){0,3} (?:suena|sonando|pita|pitando|sono|activo|activada)",
    ),
    Danger.FIRE: _pattern(
        r"(?:theres|there is|have|had|got|is|its|see|seeing) (?:an? )?(?:\w+ )?fire(?! (?:place|pit|station|escape|alarm test|extinguisher|department|code|sprinkler|exit|door|insurance))(?: in| at| on)?",
        r"(?:on fire|caught fire|burning down|in flames|flames|house fire|kitchen fire|electrical fire|fire in (?:my|the|our))",
        rf"(?:{_SMELL}|see|seeing|full of|lots of|theres|there is)(?: \w+){{0,2}} (?:smoke|smoking|something burning|burning)(?! (?:weed|free|area|section|detector|inside|indoors|policy|allowed))",
        r"smoke (?:in|coming|is coming|everywhere|filling|from)",
        r"spark(?:s|ing)?(?: \w+){0,3} (?:from|coming|flying|out)|(?:outlets?|plugs?|wires?|wiring|sockets?|panel|breakers?|breaker box|fuse box|stove|oven|dryer|heater|furnace|microwave|fridge|washer|switch|lights?)(?: (?:is|are|was|just|started|keeps|kept|its|theyre|there|and))* (?:spark\w*|smok(?:ing|es)|burning|melt\w*)",
        r"(?:power|electric\w*|live) (?:lines?|wires?)(?: \w+){0,2} (?:down|fell|fallen|sparking)|downed (?:power )?lines?|(?:got|being|was|is) electrocuted|(?:some ?thing|whats?)(?: is|s)? burning(?! (?:calories|question))",
        r"(?:hay|tenemos|un) (?:un )?(?:incendio|fuego)|incendio|se (?:esta )?quema\w*|(?:se|esta) (?:esta )?incendi\w+|en llamas|(?:hay|sale|saliendo|huele(?: \w+)? a) (?:mucho )?humo|huelo (?:a )?humo|(?:huele|olor|huelo)(?: \w+)? a quemado|chisp\w+|corto circuito|cables? (?:pelad|caid|quemad)\w+",
    ),
    Danger.WATER: _pattern(
        r"flood(?:s|ed|ing)(?: \w+){0,3}|(?:a|the) flood",
        r"(?:pipe|pipes|water main|water heater)(?: \w+){0,2} (?:burst|bursting|broke|broken|exploded)|burst (?:a )?pipes?",
        r"waters?(?: is)? (?:\w+ )?(?:pouring|gushing|shooting|squirting|blasting|rushing|coming|running|streaming|leaking|spraying|everywhere|all over)(?: \w+){0,3} ?(?:ceiling|walls?|everywhere|floor|light|out|through|in|down)?",
        r"(?:toilets?|tubs?|bathtubs?|sinks?|shower|washer|washing machine|dishwasher|drains?)(?: \w+){0,3} (?:overflow\w*|over flow\w*|flooding|pouring)|overflowing(?: \w+){0,3} (?:into|through|onto|in|all over) (?:my|our|the)",
        r"(?:cant|wont|doesnt|not able to)(?: \w+){0,2} (?:shut|turn)(?: \w+){0,2} (?:the )?water(?: \w+)? off|(?:cant|wont)(?: \w+){0,2} (?:shut|turn) off the water",
        r"(?:desborda\w*|rebosa\w*)|(?:se )?(?:esta )?(?:cayendo|cae|derrumb\w+)(?: \w+)? (?:el |mi )?techo|techo(?: \w+){0,2} (?:cayendo|se cae|se cayo|derrumb\w+)",
        r"ceiling(?: is| has| just)* (?:collaps\w+|caving|coming down|falling|fell)|sewage(?: \w+){0,3} (?:back\w*|coming|up|everywhere)",
        r"inund\w+|se (?:rompio|revento|exploto) (?:una?|la|el)? ?(?:tuberia|tubo|cano|caneria)|(?:sale|saliendo|cae|cayendo|entra|entrando|hay) (?:mucha )?agua(?: \w+){0,3} (?:techo|por todos lados|piso|pared)|se cayo el techo",
    ),
    Danger.PERSON: _pattern(
        r"(?:some(?:one|body)|he|she|a (?:man|guy|person|stranger))(?: \w+){0,4} (?:broke|breaking|broken|break) (?:in|into)(?: \w+){0,3}",
        r"(?:alguien|un (?:hombre|tipo|extrano)|unos hombres)(?: \w+){0,3} (?:met|entr)\w+(?: \w+)? (?:a|en|por) mi|se (?:esta )?met\w+(?: \w+){0,2} (?:a|en) mi (?:casa|apartamento|departamento)",
        r"break ?in (?:in progress|right now)|intruder|being robbed|has a gun|have a gun|gunshots?|shots fired|shooting at",
        r"(?:call|need)(?: an)? (?:ambulance|911|nine one one|the police|paramedics?)|heart attack|(?:not|isnt|wasnt|stopped|quit|barely|hardly) breathing|cant breathe|unconscious|bleeding|overdos\w+|having a stroke|trapped in|stuck in the elevator",
        r"(?:some(?:one|body)|he|she|my \w+|i|im)(?: (?:just|got|was|being|is))* (?:shot|stabbed|attacked|assaulted)(?! there)|(?:being|getting) (?:attacked|assaulted|followed|beaten|chased)|(?:attacking|hitting|beating|stabbing) (?:me|her|him|us|somebody|someone)|with a (?:gun|knife)|chest pains?|having a seizure|passed out|(?:he|she|hes|shes|is|just|my \w+) collapsed|(?:(?:hes|shes|he is|she is|still|and) not|isnt) (?:moving|responding|waking up|conscious)(?=$| (?:and|at all|any ?more|he|she|please|help))|(?:wont|doesnt|cant) (?:wake|breathe)",
        r"(?:man|guy|someone|somebody|person|stranger|people)(?: \w+){0,2} (?:trying|tries|wants) to (?:get|come|break|force)(?: \w+){0,3} (?:in|into|inside|through)(?: \w+){0,2} (?:my|our|the) (?:door|window|house|apartment|home|unit|place)",
        r"(?:trapped|stuck) (?:in|inside|on) (?:the |an |my )?(?:elevator|lift)|(?:elevators?|lift)(?: \w+){0,3} (?:stuck|stopped|stalled)(?: \w+){0,4} (?:in it|inside|in here|in there)|(?:atrapad|encerrad|atorad)[oa]s?(?: \w+){0,2} (?:elevador|ascensor)|(?:con|tiene|trae)(?: una?)? (?:pistola|arma|cuchillo|navaja)|(?:oi|oimos|escuche|escucho|se oyen|se escuchan)(?: \w+)? (?:balazos|disparos)|no (?:despierta|reacciona|se mueve)|(?:se )?desmay\w+|inconsciente|dolor(?:es)? (?:de|en el) pecho|infarto|(?:metio|meten|metieron|metiendo|entro|entraron|entrando)(?: \w+){0,4} (?:robar|robarme)|(?:quiere|quieren|trata de|tratan de|intenta|intentan)(?: \w+)? (?:entrar|meterse)(?: \w+)? (?:a|en|por) mi",
        r"(?:its|this is|is|have) an? emergency(?! (?:contact|exit|number))|emergencia|ambulancia|auxilio|me (?:estan )?(?:robando|roban)|no (?:respira|puedo respirar)",
        r"(?:kill|hurt) myself|suicid\w+|going to die",
    ),
}
_NOT_NOW = _pattern(
    r"gas (?:and|or|included|bill|stove|range|heat|heating|station|grill|company|utilit\w+)",
    r"(?:smoke|fire) (?:detectors?|alarms?|extinguishers?|sprinklers?|place|pits?|escape)",
    r"flood (?:zone|plain|insurance)|(?:in|near) a flood",
)
"""What names the same things without danger: counted only if nothing else is said."""

_DISABLED = r"(?:disab(?:led|ility|ilities)|handicap(?:ped|s)?|wheel ?chairs?|mobility|blind|deaf|autis\w+|ptsd|mental(?:ly)? (?:ill|illness|health)|crutches|oxygen tank|hiv|aids|cancer|epilep\w+|seizures|recovering|sober living)"
_ORIGINS = (
    r"(?:asians|blacks|whites|hispanics|latin[oax]s|mexicans?|arabs?|indians|russians?|haitians?|somalis?|cubans?|africans"
    r"|puerto ricans?|foreigners|chinese|koreans?|vietnamese|filipinos?|japanese|pakistanis?|nigerians?|ethiopians?|ukrainians?"
    r"|afghans?|syrians?|iraqis?|iranians?|venezuelans?|hondurans?|salvadorans?|guatemalans?|dominicans?|colombians?|brazilians?"
    r"|native americans?|arabes?|chin[oa]s|asiatic[oa]s|african[oa]s|gringos)"
)
_COUNTRIES = (
    r"(?:mexico|haiti|honduras|guatemala|(?:el )?salvador|cuba|venezuela|colombia|nicaragua|ecuador|peru|brazil|brasil|argentina"
    r"|chile|bolivia|dominican republic|republica dominicana|puerto rico|nigeria|ethiopia|eritrea|somalia|kenya|ghana|congo|sudan"
    r"|egypt|morocco|africa|asia|india|pakistan|bangladesh|nepal|china|korea|japan|vietnam|(?:the )?philippines|russia|ukraine"
    r"|poland|turkey|syria|iraq|iran|israel|lebanon|palestine|afghanistan|(?:the )?middle east)"
)
_SENSITIVE: dict[Sensitive, re.Pattern[str]] = {
    Sensitive.ANIMALS: _pattern(
        r"(?:service|support|assistance|guide|therapy|emotional|comfort|seeing eye|hearing|psychiatric|medical alert)(?: \w+)? (?:animals?|dogs?|cats?|pets?|puppy|pony|horse|bird|rabbit|pit ?bull)",
        r"(?:dog|cat|pet|animal)s?(?: \w+){0,3} (?:for (?:my|a|emotional) (?:anxiety|disability|ptsd|depression|support)|certified|registered|prescribed)",
        r"prescri\w+(?: \w+){0,4} (?:animals?|dogs?|cats?|pets?|puppy)|(?:doctor|therapist|psychiatrist|psychologist)(?: \w+){0,6} (?:animals?|dogs?|cats?|pets?|puppy)",
        r"(?:seizures?|diabet\w+|epilep\w+|allergy|alert|psychiatric)(?: \w+){0,2} (?:dogs?|cats?|animals?)",
        r"(?:dog|cat|pet|animal)s?(?: \w+){0,4} (?:ptsd|anxiety|depression|seizures?|diabet\w+|epilep\w+|disabilit\w+|panic attacks)",
        r"(?:an|my|our|registered) esa|e s a|esas?(?! \w*(?:casa|unidad|propiedad))(?= (?:letter|dog|cat|animal|allowed|ok|okay|accepted)|$)|emotional support",
        r"(?:doctora?|medic[oa]|terapeuta|psiquiatra|psicolog[oa])(?: \w+){0,5} (?:perr[oa]|gat[oa]|mascota|animal)|recet\w+(?: \w+){0,3} (?:perr[oa]|gat[oa]|mascota|animal)",
        r"(?:animal|animales|perr[oa]s?|gat[oa]s?|mascotas?)(?: (?:es|son|que es))?(?: un)?(?: entrenad[oa]s?)? (?:de |para )?(?:servicio|apoyo|asistencia|terapia|soporte|guia)|apoyo emocional|perro guia",
    ),
    Sensitive.INCOME: _pattern(
        r"section (?:8|eight|ate)|(?:housing )?vouchers?|h ?c ?v|housing (?:choice|authority|assistance|program|help)|rental assistance|rent assistance",
        r"(?:government|public|state|county|federal) (?:assistance|aid|help|program|benefits|housing)|welfare|food stamps|\bssd?i\b|s s d?i|social security|tanf|unemployment|vash|rapid rehousing|disability (?:income|checks?|benefits|payments)|(?:case ?worker|social worker)s?|child support|alimony|(?:on|get|gets|receive|draw|drawing) disability|fixed income|low income|income restricted|subsidi\w+|tax credit",
        r"(?:paid|covered|helps?|pays?|subsidized|assistance)(?: \w+){0,5} (?:by|from|through|with)(?: the| a| my)? (?:county|city|state|government|agency|program|church|charity|nonprofit)|(?:county|city|state|government|agency|program)(?: \w+)? (?:pays|covers|helps)",
        r"(?:accept|take|pay with|pay in|get paid(?: in)?) (?:cash|tips|gig|doordash|uber)",
        r"(?:take|takes|accept|accepts) housing(?= |$)(?! (?:deposits?|application))|(?:by|from|through) the v ?a|hud|pensions?|pensionad[oa]s?",
        r"(?:church|charity|agency|county|city|program|nonprofit|government)(?: \w+){0,4} (?:help|pay|cover)\w*(?: \w+){0,3} rent",
        r"(?:pago|pagan?|pagar|cobro|gano) (?:en|con) efectivo",
        r"seccion (?:8|ocho)|section ocho|(?<!cuanto )(?<!que )(?:vales|vales? de (?:vivienda|renta)|(?:un|mi|el|con|aceptan?) vale)|bono de vivienda|asistencia (?:de|para)(?: la)? (?:vivienda|renta)|ayuda del gobierno|seguro social|desempleo|programa de vivienda|cupones|manutencion|bajos ingresos|incapacidad",
    ),
    Sensitive.ACCESS: _pattern(
        _DISABLED,
        r"(?:a|her|his|my) (?:walker|cane)|(?:lost|losing|missing)(?: \w+)? (?:legs?|arm|foot|sight|vision|hearing|eyesight)|amput\w+|hard of hearing|hearing (?:impaired|aids?|loss)|bad (?:knees?|hips?|back|legs?)|without (?:any )?(?:stairs|steps)",
        r"(?:no puede|no puedo|no podemos)(?: \w+)? (?:escaleras|escalones|gradas)|sin (?:escaleras|escalones|gradas)|andaderas?|andador|baston|muletas",
        r"accessib\w+|accesib\w+|ada (?:compliant|units?|accessible|apartments?|homes?)|ramps?|grab bars?|roll in shower|(?:reasonable )?(?:accommodation|modification)s?|step free|no (?:stairs|steps)|cant (?:climb|do|use)(?: \w+)? stairs|ground floor because|first floor because",
        r"discapacitad\w+|discapacidad|minusvalid\w+|silla de ruedas|rampas?|barras de (?:apoyo|agarre)|ciego|sord[oa]|acomodo razonable",
    ),
    Sensitive.SAFETY: _pattern(
        r"(?:is|how|s) (?:\w+ ){0,6}(?:safe|dangerous|sketchy|rough|ghetto|shady|secure)(?: \w+)?",
        r"(?:feel|feels|felt|feeling)(?: \w+)? (?:un)?safe(?:ly)?|walk(?:ing)?(?: \w+){0,3} (?:at night|after dark)",
        r"safe (?:there|area|neighbou?rhood|place|building|part|at night|for|to (?:walk|live|park))|unsafe|crime(?: rate| there| in)?|(?:bad|good|nice|rough|dangerous|sketchy|decent|better|safe) (?:area|neighbou?rhood|part of town|side of town|block|street)|break ?ins|shootings?|gangs?|drugs|(?:sex|registered) offenders?|police (?:calls|get called|come)|stolen cars",
        r"(?:hows|how is|whats it like in|tell me about|describe) (?:the|that|your|this) (?:area|neighbou?rhood|part of town|side of town|block|hood)(?: like)?|(?:whats|what is) (?:the|that) (?:area|neighbou?rhood)(?: \w+)? like",
        r"(?:the|that|this|your) (?:area|neighbou?rhood|part of town|block)(?: \w+){0,2} (?:any good|good|nice|bad|okay|ok|decent|quiet|rough)|the hood",
        r"(?:be|get|feel|stay|keep|kept)(?: \w+){0,2} (?:safe|robbed|mugged|attacked|jumped|broken into|stolen)|(?:getting|been|gets|is|was)(?: \w+)? (?:broken into|stolen|robbed|mugged)",
        r"(?:been|gets?|getting|were|was)(?: \w+)? (?:shot|stabbed|killed|attacked|assaulted)|robb(?:ed|ery|eries|ing)|mugg(?:ed|ings?)|thefts?|stealing|burglar(?:s|y|ies)?(?! alarm)|vandal\w*|homeless|cops",
        r"(?:okay|ok|good|fine|safe|all right|alright)(?: \w+){0,3} (?:woman|girl|female|lady)(?: \w+){0,3}|(?:woman|girl|female|lady)(?: \w+)? (?:alone|by herself|on her own|by myself)",
        r"(?:tranquil[oa]s?|fe[oa]|buen[oa])(?: \w+){0,2} (?:zona|colonia|barrio|area|vecindario|calle)|(?:zona|colonia|barrio|area|vecindario|calle)(?: \w+){0,3} (?:tranquil[oa]|fe[oa]|buen[oa]|mal[oa])|(?:que tal|como)(?: es| esta)? (?:la|el) (?:zona|colonia|barrio|area|vecindario)",
        r"roban|asalt\w+|ladrones|balaceras?|balazos|(?:segur[oa]|peligros[oa])(?: \w+){0,2} (?:colonia|calle|zona|barrio)",
        r"segur[oa](?:s)?(?: (?:ahi|alla|la zona|el area|de noche|el barrio|vivir|vecindario))|(?:es|zona|barrio|area|vecindario|lugar|muy|tan)(?: \w+){0,4} (?:segur[oa]|peligros[oa])|peligros[oa]|delincuencia|crimen|robos|pandillas|drogas|mal barrio|buen barrio|buena zona",
    ),
    Sensitive.SCHOOLS: _pattern(
        r"schools?(?: district| zone| rating)?s?(?! (?:year|bus stop))|elementary|kindergarten|daycare",
        r"escuelas?|colegios?|guarderia|distrito escolar|primaria",
    ),
    Sensitive.PEOPLE: _pattern(
        r"(?:what|which|whats the|what are the|who|the)(?: \w+){0,2} (?:kind|kinds|type|types|sort|sorts|class|caliber) of (?:\w+ )?(?:people|person|persons|tenants?|residents?|neighbou?rs?|families|folks|crowd|individuals|clientele|renters)",
        r"(?:are|is)(?: (?:the|my|your|most|other|all|of|people|they))* (?:people|tenants|residents|neighbou?rs|folks)(?: \w+){0,4} (?:quiet|nice|loud|noisy|friendly|clean|young|old|older|rowdy|professionals?|famil(?:y|ies)|students?|rich|poor|decent|respectful)",
        r"(?:tell me|know|hear|say|anything)(?: \w+){0,3} about(?: \w+){0,2} (?:people|tenants|residents|neighbou?rs|crowd|folks)",
        r"(?:lots?|bunch|full|mostly|many)(?: of)?(?: \w+)? (?:students|retirees|workers|renters|couples|roommates)|(?:vecinos|inquilinos)(?: \w+){0,3} (?:tranquil|ruidos|buen|amabl|escandalos|decent|limpi)\w*|muchos (?:estudiantes|viejitos|solteros|jovenes)",
        r"college kids|frat(?: \w+)?|party crowd|rowdy(?: \w+)?|(?:older|younger|young|old|rough|mixed) crowd",
        r"(?<!friend )(?<!sister )(?<!brother )(?<!cousin )whos?(?: \w+){0,2} (?:lives?|living|rents?|are (?:my|the|your) neighbou?rs)(?: \w+){0,2} ?(?:there|here|in|at|next)?",
        r"(?:what|how|hows|who)(?: \w+){0,2} (?:are|is) (?:the |my |your |the other )?(?:people|folks|tenants|residents|neighbou?rs|crowd|clientele|community)(?: like)?",
        r"(?:people|tenants|residents|neighbou?rs|crowd|clientele|community)(?: \w+){0,3} like(?! to)",
        r"(?:who|what)(?: \w+){0,3} (?:neighbou?rs|other (?:tenants|residents|people))(?: \w+)?",
        r"demographics?|ethnic\w*|racial\w*|makeup of|mix of people|diverse|diversity|mostly (?:young|old|white|black|students?|professionals?|families|singles|asian|hispanic|latino|mexican|indian)|(?:nice|normal|good|decent|quiet|clean|respectable|working|young|old|older|elderly|professional) (?:people|tenants|residents|neighbou?rs|families|folks|crowd)|people like (?:me|us|that)|students? (?:live|living)|lots? of (?:students|seniors|old people|foreigners|young people|professionals|singles)",
        r"que (?:gente|personas|vecinos|inquilinos)(?: \w+){0,2} (?:vive|viven|hay|renta|rentan)",
        r"(?:que|cual) (?:tipo|clase) de (?:gente|personas|vecinos|inquilinos|familias)|quien(?:es)? (?:vive|viven|renta|rentan)|como (?:es|son) (?:la gente|los vecinos|los inquilinos)|gente (?:buena|decente|tranquila|joven|mayor)|(?:hay|viven)(?: \w+){0,3} (?:latinos|hispanos|mexicanos|negros|blancos|morenos|estudiantes|viejitos|inmigrantes|gringos)",
    ),
    Sensitive.NEUTRAL: _pattern(
        r"(?:race|races|racis\w*|religio\w*|church(?:es)?|mosques?|synagogues?|temples?|muslims?|islamic|christians?|jewish|jews?|catholics?|hindus?|buddhis\w+|mormons?|atheists?|hijab|kosher|halal|prayer room|shabbat)",
        r"(?:white|black|african|african american|asian|hispanic|latin[oax]|mexican|chinese|arab|indian|russian|haitian|somali|puerto rican|cuban|immigrant|foreign(?:er)?|undocumented)(?:s)? (?:people|person|family|families|neighbou?rs?|tenants?|residents?|building|community|neighbou?rhood|area|folks)?(?: there| here| living| allowed| ok| okay| welcome)?",
        rf"{_ORIGINS}|(?:im|i am|were|we are|theyre) (?:both )?(?:white|black|african)|(?:white|black|african) (?:couples?|m[ae]n|wom[ae]n|guys?|girls?|lad(?:y|ies)|tenants?|folks)",
        rf"(?:from|de) {_COUNTRIES}|(?:another|other|different|foreign) countr(?:y|ies)|otros? pais(?:es)?",
        r"immigra\w+|citizens?(?:hip)?|green card|work visa|student visa|undocumented|dreamers?|daca|itin|social security number|papers|national origin|nationality|refugees?|asylum",
        r"(?:gays?|lesbians?|queer|lgbt\w*|trans(?:gender)?|same (?:sex|gender)|both (?:men|women|guys|girls)|husband and husband|wife and wife|my boyfriend and i are both)",
        r"(?<!one )(?<!two )(?<!three )veterans?|military|army|gi bill|retire(?:d|ment|es?)|seniors?(?: living| discount| citizens?)?|elderly|too (?:old|young)|age (?:limit|restrict\w+|requirement)|55 (?:plus|and (?:over|older|up))|fifty five",
        r"raza|religion|iglesias?|mezquita|sinagoga|musulman\w*|cristian[oa]s?|judi[oa]s?|catolic[oa]s?|inmigra\w+|indocumentad[oa]s?|sin papeles|papeles|ciudadan[oa]s?|visa|refugiad[oa]s?|extranjer[oa]s?|(?:soy|somos) (?:mexican|cuban|colombian|venezolan|hondure|salvadore|guatemaltec|haitian|african|dominican)\w+|gays?|lesbiana|homosexual|trans|militar(?:es)?|veteran[oa]s?|tercera edad|jubilad[oa]s?|ancian[oa]s",
    ),
    Sensitive.FAMILIES: _pattern(
        r"(?:kids?|child|children|childrens|babies|baby|toddlers?|infants?|newborn|teenagers?|teens?|sons|(?:my|our|a|his|her|older|younger|little|old) son|daughters?|grandkids|grandchildren|grandson|granddaughter|stepson|foster (?:care|kids?|children)|minors?)|(?:my|our) (?:\w+ )?(?:boys?|girls?)",
        r"pregnan\w+|expecting|due in|famil(?:y|ies)(?! room)|adults? only|single (?:mom|mother|dad|father|parent|woman|man)|(?:un)?married|divorced|my (?:girlfriend|boyfriend|fiance\w*)|occupan(?:cy|ts)|how many people can|(?:can|could|would)(?: \w+){0,3} people (?:live|stay|fit|share)|per bedroom|noise from",
        r"nin[oa]s?|bebes?|hij[oa]s?|niet[oa]s?|embarazad\w+|familias?|madre soltera|padre soltero|casad[oa]s?|divorciad[oa]s?|adolescentes?|menores|solo (?:para )?adultos|cuantas personas",
    ),
}


# What is left of "don't send me any more text messages" when its beginning was not understood.
_LEFT_OF_STOPPING = _pattern(
    r"(?:any ?more|no more) (?:of (?:your|those|these) )?(?:text messages|texts|messages)",
    r"^(?:(?:police|please|top|stopped|stock|stuff|drop|just) )+texting(?: me)?(?: please| now| any ?more)?$",
)
_STOPS_TEXTS = _pattern(
    r"(?:turn|shut|switch|cut) (?:off(?: \w+){0,2} (?:texts|messages|alerts|notifications)|(?:\w+ ){0,3}(?:texts|messages|alerts|notifications) off)",
    r"(?<!bus )(?:stop|quit)(?! by)(?: \w+){0,6} (?:texts|texting|text messages)",
    # What transcribers make of "stop texting me".
    r"(?:stop|quit) (?:(?:testing|taxing|texas|texts?|test|tax) (?:in|and) me|(?:testing|taxing|texas) (?:me|us|this number))",
    r"(?:texts|messages)(?: \w+){0,4} (?:can|could|will|would) (?:you|yall|someone|somebody)(?: \w+){0,2} (?:stop|end|quit|cut)",
    r"(?:never|didnt|did not)(?: \w+)? (?:signed? up|asked?|agreed?|subscribed?)(?: \w+){0,3} (?:texts|messages|text messages|texted|messaged)",
    r"(?:dont|do not|never|no longer)(?: \w+)? (?:want|wanna|need|wish)(?: to)? hear(?: \w+){0,2} from (?:you|yall|your|this)",
    r"no (?:me|nos) (?:lleguen|entren)(?: \w+){0,2} (?:mensajes?|textos?)|(?:mensajes?|textos?)(?: \w+){0,5} (?:parenle|parele|paren|ya basta|dejen de)",
    r"(?:texts?|texting|messages|messaging)(?: \w+){0,6} (?:(?:want|need|like|id like)(?: \w+)? to|has to|have to|must|please) (?:stop|quit|end)",
    r"(?:dont|do not|quit|stop|never)(?: \w+)? send(?:ing)? (?:me|us) (?:anything|nothing|stuff|things)(?: else| more| any ?more| again)",
)
"""Wishes to stop as they are spoken; `optout` reads them as they are written."""


def watch(text: str, folded: str) -> Sentry:
    """`text` as it was heard, `folded` the same as `crm.domain.dialogue.folded` makes it."""
    emergency = _emergency(folded)
    reading = optout.read(text)
    opt_out = reading.words if reading and reading.wish is TextKeyword.STOP else ""
    if not opt_out and (said := _LEFT_OF_STOPPING.search(folded) or _STOPS_TEXTS.search(folded)):
        opt_out = said[0]
    found = tuple(kind for kind, pattern in _SENSITIVE.items() if pattern.search(folded))
    if Sensitive.PEOPLE in found:
        # What they ask is who lives there; which people they name does not matter.
        found = tuple(kind for kind in found if kind not in (Sensitive.FAMILIES, Sensitive.NEUTRAL))
    states_family = found == (Sensitive.FAMILIES,) and not _asks_of_family(folded)
    rest = folded
    for kind in found:
        rest = _SENSITIVE[kind].sub(" ", rest)
    return Sentry(emergency, opt_out, found, states_family, " ".join(rest.split()))


def touches(folded: str) -> bool:
    """Whether anything in folded text is about what fair-housing law is about."""
    return any(pattern.search(folded) for pattern in _SENSITIVE.values())


def _emergency(folded: str) -> Danger | None:
    for kind, pattern in _EMERGENCIES.items():
        if pattern.search(folded):
            rest = _NOT_NOW.sub(" ", folded)
            if rest == folded or pattern.search(rest):
                return kind
    return None


_PERSON = r"(?:kids?|child|children|babies|baby|toddlers?|infants?|teenagers?|teens?|newborn|sons?|daughters?|boys|girls|families|family|adults|nin[oa]s|hij[oa]s|familias|bebes)"
_ASKS = re.compile(
    rf"(?<!\w)(?:(?:are there|is there|any|many|lots? of|a lot of|full of|hay|much[oa]s)(?: \w+){{0,3}} {_PERSON}"
    rf"|(?:allow|accept|take|like|mind|want|rent to|lease to|welcome|aceptan|permiten|admiten|rentan a)(?: \w+){{0,3}} {_PERSON}"
    rf"|{_PERSON}(?: \w+){{0,3}} (?:allowed?|ok|okay|all right|alright|fine|welcome|accept(?:ed)?|a problem|friendly|permit\w+|bienvenidos|problema|aceptan|esta bien)"
    rf"|(?:okay|ok|fine|alright|all right|problem|issue|esta bien)(?: \w+){{0,8}} {_PERSON}"
    r"|(?:hay|seria|es|tendria)(?: \w+){0,2} problemas?|me (?:rentan|aceptan|rentarian|aceptarian)|nos (?:rentan|aceptan|rentarian|aceptarian)"
    r"|(?:is|would|will|thats|be)(?: \w+){0,3} (?:a problem|an issue|okay|ok|alright|all right)"
    r"|share (?:a |one |the )?(?:bed)?rooms?|adults? only|solo (?:para )?adultos|occupancy|how many people|cuantas personas|good for (?:a )?famil\w+|rais(?:e|ing) (?:a|my|our|his|her) famil(?:y|ies)|famil(?:y|ies) of|family (?:friendly|building|community|complex|neighbou?rhood|place|oriented))(?!\w)"
)


def _asks_of_family(folded: str) -> bool:
    return bool(_ASKS.search(folded))
