"""Words in a listing that may express a preference for, or exclude, people whom fair-housing laws protect.

42 U.S.C. 3604(c) forbids advertisements that do, whatever their writer meant, for race, color, religion, sex,
disability, familial status and national origin; many states and cities add source of income, age, marital status,
sexual orientation, citizenship and military service. Which words count follows 24 CFR 100.75 and HUD's memorandum on
advertisements of January 9, 1995 (Roberta Achtenberg), which also names words that are harmless: "master bedroom",
"walk-in closet", "jogging trails", "family room", "quiet streets", "desirable neighborhood".

The check flags words, and a person decides. It knows phrases and not what they mean: it is no legal advice, and no
proof that a text is lawful.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from crm.domain.listings import Terms, texts


class Protected(StrEnum):
    """The protected class that words may concern."""

    RACE = "race or color"
    ORIGIN = "national origin or citizenship"
    RELIGION = "religion"
    SEX = "sex, orientation or gender identity"
    FAMILY = "familial or marital status"
    DISABILITY = "disability"
    INCOME = "source of income"
    AGE = "age"
    MILITARY = "military service"
    STEERING = "steering"


WHY = {
    Protected.RACE: "a home is open to people of every race and color",
    Protected.ORIGIN: "where people come from and which language they speak may not matter",
    Protected.RELIGION: "it may read as meant for people of one religion",
    Protected.SEX: "it may read as meant for one sex, or for some couples",
    Protected.FAMILY: "families with children, and people who live alone or together, are to be as welcome as others",
    Protected.DISABILITY: "people with disabilities, and their assistance animals, may not be kept away",
    Protected.INCOME: "many states and cities forbid turning away vouchers and other lawful income",
    Protected.AGE: "only housing for older persons may choose by age, and many places forbid it otherwise",
    Protected.MILITARY: "many states protect people who serve or have served",
    Protected.STEERING: "what a neighborhood is like for whom is for people to find out: describe the home",
}


@dataclass(frozen=True)
class WordsFound:
    """Words that somebody has to decide about."""

    language: str
    part: str
    """Which text they are in: text, headline, policies, concession, picture 2, ..."""
    at: int
    """Their first character in that text, counted from 1."""
    words: str
    protected: Protected

    @property
    def key(self) -> tuple[str, str, str, Protected]:
        """Equal for the same words in the same text, wherever they are in it."""
        return self.language, self.part, _folded(self.words), self.protected

    def __str__(self) -> str:
        return (
            f"{self.part} ({self.language}), character {self.at}: “{self.words}” ({self.protected}): "
            f"{WHY[self.protected]}"
        )


# In the patterns a space matches any spaces, hyphens or line breaks; accents are removed, and case does not matter.
_PEOPLE = (
    "(?:people|persons?|tenants?|residents?|renters?|applicants?|families|family|famil(?:y|ies)|couples?|individuals?"
    "|professionals?|neighbou?rs?|households?|roommates?|gentlem[ae]n|lad(?:y|ies)|m[ae]n|wom[ae]n|students?)"
)
_AREA = "(?:neighbou?rhoods?|communit(?:y|ies)|areas?|buildings?|complex(?:es)?|homes?|households?)"
_FOR = "(?:perfect|ideal|great|suitable|suited|best|good|wonderful|made|designed|meant|reserved|intended)(?: only)? for"
_ONLY = "(?:only|preferred|wanted|welcome|please)"
_NO = "(?:no|not for|without|excluding|except|never)"
_REFUSED = (
    "(?:not|never|aren t|isn t|can t be|cannot be|won t be|will not be)"
    "(?: be)? (?:accepted|allowed|taken|welcome|considered|permitted)"
)
_RACES = (
    "(?:whites?|blacks?|caucasians?|african americans?|asians?|hispanics?|latin[oax]s?|native americans?|colou?red"
    "|orientals?|mulatto|anglos?)"
)
_ORIGINS = (
    "(?:mexicans?|chinese|indians?|russians?|arabs?|africans?|europeans?|puerto ricans?|cubans?|irish|italians?|polish"
    "|koreans?|japanese|vietnamese|germans?|americans?|immigrants?|foreigners?|refugees?|aliens?)"
)
_FAITHS = "(?:christians?|jewish|jews?|muslims?|islamic|catholics?|protestants?|mormons?|hindus?|buddhists?|atheists?)"
_NOT_A_STREET = (
    r"(?! (?:st|street|rd|road|ave|avenue|ln|lane|dr|drive|blvd|way|hill|square|plaza|ct|court|park|creek)\b)"
)
_CHILDREN = "(?:children|child|kids?|infants?|toddlers?|babies|baby|teenagers?|teens?|minors?)"
_INCOMES = (
    "(?:section (?:8|eight)|hcv|(?:housing (?:choice )?)?vouchers?|housing (?:assistance|programs?|subsid(?:y|ies))"
    "|rental assistance|subsid(?:y|ies|ized)|government (?:assistance|programs?)|public assistance|welfare|ssi|ssdi|tanf"
    "|food stamps|unemployment|disability income|child support|alimony)"
)
_ANIMALS = "(?:service|assistance|emotional support|support|guide|therapy) (?:animals?|dogs?)|esas?"

_ENGLISH: dict[Protected, tuple[str, ...]] = {
    Protected.RACE: (
        rf"{_NO} (?:{_RACES}|minorit(?:y|ies))(?! (?:\w+ )?(?:cabinets?|walls?|appliances?|granite|paint|carpets?|tiles?"
        r"|marks?|mold|out))",
        rf"{_RACES} (?:{_PEOPLE}|neighbou?rhoods?|communit(?:y|ies)|areas?)",
        rf"{_RACES} {_ONLY}",
        rf"(?:{_FOR}|only for) {_RACES}",
        r"(?:racially )?integrated (?:neighbou?rhood|community|area|building)",
        r"(?:ethnic|racial|minority) (?:neighbou?rhoods?|communit(?:y|ies)|areas?|mix|makeup|majority)",
        r"interracial",
    ),
    Protected.ORIGIN: (
        rf"{_NO} {_ORIGINS}",
        rf"{_ORIGINS} (?:{_PEOPLE}|neighbou?rhoods?|communit(?:y|ies)) ?(?:only|preferred)?",
        rf"{_ORIGINS} {_ONLY}",
        r"(?:u\.?s\.?|us|american) citizens?(?:hip)?(?: only| required)?",
        r"(?:citizens?(?:hip)?|green card|legal status|papers) (?:only|required|needed)",
        r"(?:must|should|who|to) (?:be able to )?speak (?:good |fluent |proper )?english",
        r"english (?:speaking|speakers?|only|required)",
        r"no accents?",
    ),
    Protected.RELIGION: (
        rf"{_FAITHS} (?:{_PEOPLE}|{_AREA}|household|values|owned|landlord|only|preferred|welcome)",
        rf"{_NO} {_FAITHS}",
        rf"(?:{_FOR}|only for) {_FAITHS}",
        r"(?:near|close to|by|next to|around the corner from|steps from|walk(?:ing distance)? to|minutes (?:from|to))"
        r" (?:(?:a|an|the|our|your|many|several|local)? ?(?:[\w.]{1,20} ){0,4}?)?(?:church(?:es)?|synagogues?|mosques?|shul|parish"
        rf"|cathedral|temples?|eruv){_NOT_A_STREET}",
        r"(?:god fearing|religious (?:people|family|families|tenants?|community)|church ?going|members of (?:our|the) church)",
    ),
    Protected.SEX: (
        r"(?:fe)?males? (?:only|preferred|wanted|tenants?|roommates?|renters?|applicants?|students?|professionals?)",
        r"(?:wom[ae]n|men|lad(?:y|ies)|gentlem[ae]n|girls?|boys?|guys?|bachelors?) (?:only|preferred|wanted)",
        r"(?:only|for|prefer|preferably|looking for|seeking)(?: an?| single| one)? (?:fe)?males?\b",
        rf"(?:{_FOR}|only for|prefer|preferably|seeking)(?: an?| one| single)?"
        r" (?:wom[ae]n|m[ae]n|lad(?:y|ies)|gentlem[ae]n|bachelors?|girls?|boys?)",
        r"no (?:men|women|males?|females?|guys|girls|boys|ladies)\b",
        r"(?:no|not) (?:gays?|lesbians?|homosexuals?|lgbtq?\w*|trans(?:gender)?(?: people)?|same sex couples?)",
        r"(?:straight|heterosexual) (?:people|couples?|only|tenants?)",
        r"(?:gay|lesbian|lgbtq?\w*) (?:only|preferred|couples?|community|neighbou?rhood|tenants?)",
    ),
    Protected.FAMILY: (
        rf"{_NO} (?:small |young |more than (?:\d|one|two|three) )?{_CHILDREN}(?! s)",
        rf"{_CHILDREN} (?:{_REFUSED}|unwelcome|prohibited)",
        rf"(?:no|limit(?:ed)? to|maximum(?: of)?|max|only|at most) (?:\d|one|two|three) {_CHILDREN}",
        rf"(?:{_CHILDREN}) ?free",
        r"adults? (?:only|living|community|building|complex|preferred|tenants?|lifestyle|oriented)",
        r"only adults?|for adults",
        r"(?:singles?|couples?|famil(?:y|ies)|married couples?|unmarried couples?|single persons?|one person"
        r"|empty nesters?|roommates?)"
        r" (?:only|preferred|wanted)",
        r"(?:only|prefer|preferably|seeking|looking for)(?: an?)? (?:quiet |married |young |mature |single )*"
        r"(?:singles|single persons?|couples?|famil(?:y|ies)(?! rooms?)|empty nesters?)\b(?! famil)(?! homes?)",
        rf"{_FOR}(?: an?| the| any| all)? (?:quiet |small |large |big |growing |busy |young |mature |single |working |married )*"
        r"(?:single (?:persons?|people|professionals?)|singles?\b(?! famil)|couples?|famil(?:y|ies)|bachelors?"
        r"|bachelorettes?|empty nesters?|newlyweds?|one person|two people|roommates)"
        r"(?! (?:rooms?|dinners?|gatherings?|meals?|photos?|movie|game))",
        r"mature (?:persons?|people|adults?|couples?|tenants?|individuals?|residents?|professionals?|community)",
        r"(?:no|not) (?:singles|unmarried|married|divorced|single (?:mothers?|fathers?|moms?|dads?|parents?)|pregnan\w+)",
        r"(?:must be|only) (?:married|single|unmarried|childless)",
        r"childless",
        r"famil(?:y|ies) (?:friendly|oriented) (?:communit(?:y|ies)|buildings?|complex|neighbou?rhoods?|areas?)",
        r"(?:no|not) (?:more than (?:one|two|1|2) )?famil(?:y|ies)(?! rooms?)",
        r"no (?:unattended|loud|noisy) (?:children|kids)",
    ),
    Protected.DISABILITY: (
        rf"no (?:{_ANIMALS})",
        rf"(?:{_ANIMALS}) (?:{_REFUSED}|prohibited|extra|deposit|fee)",
        r"no (?:wheel ?chairs?|walkers|scooters|disab(?:led|ilit(?:y|ies))(?: people| persons?)?"
        r"|handicap(?:ped|s)?(?! (?:parking|access))"
        r"|crippled?s?|blind(?:s\b)?(?= (?:people|persons?|tenants?))"
        r"|deaf|mentally ill|mental illness|retarded)",
        r"(?:wheel ?chairs?|disabled (?:people|persons?|tenants?)|handicapped) " + _REFUSED,
        r"(?:not|un)(?: ?)suitable for (?:wheel ?chairs?|(?:the )?(?:disabled|handicapped|elderly)"
        r"|(?:disabled|handicapped) (?:people|persons?))",
        r"able bodied|physically (?:fit|able)|mentally (?:stable|fit|sound)|healthy (?:people|persons?|tenants?|only)",
        r"(?:must|able to|capable of|can) (?:be able to |be capable of )?(?:live|living|function) independently"
        r"|independent living (?:only|required)",
        r"(?:must|able to)(?: be able to)? (?:climb|use|walk up|manage) (?:the )?stairs",
        r"no (?:recovering |former )?(?:addicts?|alcoholics?)|no aids|no hiv",
        r"(?:perfect|ideal|great) for (?:the )?(?:active|athletic|healthy) (?:people|persons?|tenants?|adults?)",
    ),
    Protected.INCOME: (
        rf"(?:{_NO}|not|don t accept|do not accept|does not accept|doesn t accept|will not accept|won t accept|cannot accept"
        rf"|not accepting|don t take|do not take) (?:any )?{_INCOMES}",
        rf"{_INCOMES} (?:\w+ )?(?:{_REFUSED}|need not apply)",
        r"(?:not|isn t|is not) (?:a )?(?:section (?:8|eight)|voucher|hcv) (?:approved|eligible|property|home|unit)",
        r"(?:must (?:be employed|have (?:a )?(?:job|full time job|employment)|be working)|employed (?:only|applicants?|tenants?)"
        r"|proof of employment required|full time employment required)",
        r"(?:working )?professionals? (?:only|preferred)|(?:no|not) unemployed",
        rf"{_FOR}(?: an?| the)? (?:\w+ )?(?:working )?professionals?",
        r"cash (?:paying )?(?:tenants?|renters?) only|private pay only",
    ),
    Protected.AGE: (
        r"(?:55|62) ?(?:\+|plus|and (?:over|older|up|better))",
        r"(?:over|under|above|below|at least|minimum age(?: of)?) (?:1[6-9]|[2-8]\d)(?: years)?(?: old| of age)?(?: only)"
        r"|(?:nobody|no one|no tenants) (?:over|under) \d\d",
        r"(?:young|younger|youthful) (?:professionals?|people|persons?|couples?|adults?|tenants?|crowd)",
        r"(?:seniors?|elderly|retirees?|retired (?:people|persons?|couples?)|older (?:people|persons?|adults?))"
        r" (?:only|preferred|community|living|building|housing|complex)",
        rf"{_FOR}(?: an?| the)? (?:\w+ )?(?:seniors?|elderly|retirees?|retired|millennials|students?|young)",
        r"(?:students?|millennials) (?:only|preferred)|no (?:students?|seniors|elderly|old people|teenagers)",
    ),
    Protected.MILITARY: (
        r"(?:no|not) (?:military|soldiers?|veterans?|service ?members?)(?! discount)",
        r"(?:military|veterans?) (?:only|preferred)",
    ),
    Protected.STEERING: (
        r"(?:safe|safest|low crime|crime free|secure|respectable|decent|better class) "
        r"(?:and quiet |quiet |family |little )?(?:neighbou?rhoods?|areas?|communit(?:y|ies)|streets?|part of town)",
        r"(?:exclusive|restricted|traditional|private|country club) (?:neighbou?rhoods?|communit(?:y|ies)|residents?|clientele)",
        r"(?:good|great|best|excellent|top|top rated|desirable|better) (?:public |elementary |high )?schools?(?: districts?)?",
        r"(?:the right|the right kind of|our kind of|desirable|quality|respectable) (?:people|tenants?|residents?|families)",
    ),
}

_SP_PEOPLE = (
    "(?:personas?|gente|inquilin[oa]s?|familias?|parejas?|profesionales|profesionistas|vecin[oa]s?|estudiantes"
    "|residentes|hombres?|mujeres|mujer|senoritas?|senoras?|senores|caballeros?|damas?|chic[oa]s|muchach[oa]s)"
)
_SP_ONLY = (
    "(?:solo|solamente|unicamente|exclusivamente|exclusivo|exclusiva|preferentemente|de preferencia|se prefieren?)"
)
_SP_FOR = f"(?:(?:ideal|perfect[oa]|excelente|adecuad[oa]|pensad[oa]|recomendad[oa]|{_SP_ONLY})(?: para)?|apto para)"
_SP_NO = (
    "(?:no(?: se)? (?:aceptan?|admiten?|permiten?|reciben?|rentan? a|rentamos a|alquilan? a|aceptamos|admitimos)"
    "|no|sin|excepto|menos)"
)
_SP_RACES = "(?:blanc[oa]s|negr[oa]s|moren[oa]s|asiatic[oa]s|latin[oa]s|hispan[oa]s|indigenas|gringos|anglos)"
_SP_ORIGINS = (
    "(?:mexican[oa]s?|chin[oa]s|cuban[oa]s?|puertorriquen[oa]s?|centroamerican[oa]s?|venezolan[oa]s?|colombian[oa]s?"
    "|salvadoren[oa]s?|african[oa]s?|american[oa]s|estadounidenses|extranjer[oa]s?|inmigrantes|migrantes|refugiad[oa]s"
    "|indocumentad[oa]s|ilegales)"
)
_SP_FAITHS = (
    "(?:cristian[oa]s?|catolic[oa]s?|judi[oa]s?|musulman(?:es|as?)?|evangelic[oa]s?|protestantes|mormon(?:es|as)?)"
)
_SP_CHILDREN = "(?:nin[oa]s?|bebes?|menores(?: de edad)?|hijos|adolescentes|infantes)"
_SP_INCOMES = (
    "(?:seccion (?:8|ocho)|section 8|vouchers?|vales?(?: de vivienda)?|cupones|asistencia (?:de vivienda|publica|del gobierno)"
    "|programas? (?:de vivienda|del gobierno)|subsidios?|ayuda del gobierno|welfare|desemplead[oa]s)"
)

_SPANISH: dict[Protected, tuple[str, ...]] = {
    Protected.RACE: (
        rf"{_SP_NO} (?:personas )?{_SP_RACES}",
        rf"{_SP_FOR} (?:personas )?{_SP_RACES}",
        rf"{_SP_PEOPLE} {_SP_RACES}",
        rf"{_SP_RACES} {_SP_ONLY}",
        r"(?:vecindario|barrio|comunidad|zona) (?:blanc[oa]|negr[oa]|latin[oa]|hispan[oa]|asiatic[oa]|integrad[oa])",
        r"(?:personas|gente) de color",
    ),
    Protected.ORIGIN: (
        rf"{_SP_NO} {_SP_ORIGINS}",
        rf"{_SP_FOR} (?:personas )?{_SP_ORIGINS}",
        rf"{_SP_ORIGINS} {_SP_ONLY}",
        rf"{_SP_ONLY}(?: para)? (?:ciudadan[oa]s|residentes legales|personas con papeles)",
        r"(?:ciudadania|papeles|estatus legal|tarjeta verde|seguro social) (?:requerid[oa]s?|necesari[oa]s?|obligatori[oa]s?)",
        r"(?:debe[n]?|que|hay que|tiene que|necesario) (?:saber )?habl(?:ar|en|e|a) (?:bien )?(?:el )?(?:ingles|espanol)",
        rf"{_SP_ONLY} (?:se habla )?(?:ingles|espanol)",
    ),
    Protected.RELIGION: (
        rf"{_SP_NO} {_SP_FAITHS}",
        rf"{_SP_FOR} (?:personas |familias )?{_SP_FAITHS}",
        rf"{_SP_PEOPLE} {_SP_FAITHS}",
        r"(?:hogar|comunidad|ambiente|casa|barrio|valores) (?:cristian[oa]s?|catolic[oa]s?|judi[oa]s?|musulman[ae]?s?)",
        r"(?:cerca de|junto a|a pasos de|al lado de|frente a|a minutos de) (?:la |una |su |el |un |las )?"
        r"(?:iglesias?|parroquia|sinagoga|mezquita|templo|catedral)",
    ),
    Protected.SEX: (
        rf"{_SP_FOR} (?:una? |sol[oa] )?(?:mujer(?:es)?|hombres?|senoritas?|senoras?|caballeros?|damas?|chic[oa]s?|muchach[oa]s?)",
        r"(?:mujeres|hombres|senoritas|senoras|caballeros|damas|chicas|chicos) (?:solamente|unicamente|preferentemente)",
        rf"{_SP_NO} (?:hombres|mujeres|caballeros|senoritas|gays?|homosexuales|lesbianas|personas trans|parejas del mismo sexo)",
    ),
    Protected.FAMILY: (
        rf"{_SP_NO} (?:mas de (?:un|uno|dos|tres|\d) )?{_SP_CHILDREN}",
        rf"{_SP_CHILDREN} (?:no (?:permitidos|aceptados|admitidos|bienvenidos)|prohibidos)",
        rf"{_SP_FOR} (?:una? |personas? |sol[oa]s? |un[oa]s )?(?:adult[oa]s?|parejas?|solter[oa]s?|familias?(?! extensas? de plantas)"
        r"|matrimonios?|recien casados|persona sola|personas solas|una persona|dos personas)",
        r"(?:edificio|comunidad|complejo|ambiente) (?:de|para|solo) (?:adultos|parejas|solteros)",
        r"adultos (?:solamente|unicamente)|parejas (?:solamente|unicamente)|sin familia",
        r"(?:persona|gente|pareja|adulto|inquilino)s? madur[oa]s?",
        r"(?:no|sin) (?:madres|padres) solter[oa]s|(?:no|sin) embarazadas|(?:deben estar|solo) casad[oa]s",
    ),
    Protected.DISABILITY: (
        rf"{_SP_NO} (?:sillas? de ruedas|discapacitad[oa]s|minusvalid[oa]s|(?:personas )?(?:con )?discapacidad(?:es)?"
        r"|personas enfermas|enferm[oa]s mentales|invalid[oa]s)",
        rf"{_SP_NO} (?:animales|perros) (?:de (?:servicio|asistencia|apoyo(?: emocional)?)|guia)",
        r"no (?:es )?apt[oa] para (?:sillas? de ruedas|discapacitad[oa]s|minusvalid[oa]s|personas (?:con discapacidad|mayores))",
        r"(?:debe[n]?|capaz de|poder) (?:poder )?(?:vivir|valerse) (?:de forma )?(?:independiente(?:mente)?|por si mism[oa])",
        r"(?:debe[n]?|capaz de|poder) (?:poder )?subir (?:las )?escaleras",
        r"personas (?:sanas|saludables|fisicamente aptas|sin discapacidad(?:es)?)",
    ),
    Protected.INCOME: (
        rf"{_SP_NO} (?:la |el |los |las )?{_SP_INCOMES}",
        rf"{_SP_INCOMES} no (?:es |son |se )?(?:aceptad[oa]s?|aceptan?|admitid[oa]s?|permitid[oa]s?)",
        rf"{_SP_FOR} (?:un |una |personas )?(?:profesionales|profesionistas|profesional|empleados|trabajadores)",
        r"(?:debe[n]?|tiene[n]? que) (?:tener (?:un )?(?:trabajo|empleo)|trabajar|estar emplead[oa]s?)",
    ),
    Protected.AGE: (
        rf"{_SP_FOR} (?:personas? )?(?:jovenes|joven|jubilad[oa]s|retirad[oa]s|ancian[oa]s|mayores|tercera edad|estudiantes?)",
        r"(?:jovenes|personas jovenes|estudiantes) (?:solamente|unicamente)|(?:no|sin) (?:ancianos|estudiantes|jovenes)",
        r"(?:mayores|menores) de \d\d anos|55 ?(?:\+|y mas|o mas)|tercera edad",
    ),
    Protected.MILITARY: (rf"{_SP_NO} (?:militares|soldados|veteranos)",),
    Protected.STEERING: (
        r"(?:zona|barrio|vecindario|area|colonia|calle|comunidad) (?:muy |mas )?(?:segur[oa]|exclusiv[oa]|restringid[oa]"
        r"|decente|respetable|tranquil[oa] y segur[oa]|de bien)",
        r"(?:buenas|excelentes|mejores|las mejores) escuelas|buen distrito escolar",
        r"gente (?:bien|decente|de bien|respetable)",
    ),
}

PATTERNS = {"en": _ENGLISH, "es": _SPANISH}


def check(terms: Terms) -> list[WordsFound]:
    """Finds everything in the texts of a listing or a property that somebody has to decide about."""
    return [found for language, part, said in texts(terms) for found in check_text(language, part, said)]


def check_text(language: str, part: str, said: str) -> list[WordsFound]:
    """Returns what is found in one text, in order. People mix languages, so the patterns of all languages are
    applied."""
    folded = _folded(said)
    spans: list[tuple[int, int, Protected]] = []
    for known in sorted(PATTERNS, key=lambda one: one != language):
        for protected, pattern in _compiled(known):
            for found in pattern.finditer(folded):
                # A match that overlaps an earlier one is about the same words.
                if not any(found.start() < end and start < found.end() for start, end, _ in spans):
                    spans.append((found.start(), found.end(), protected))
    return [
        WordsFound(language, part, start + 1, " ".join(said[start:end].split()), protected)
        for start, end, protected in sorted(spans)
    ]


def unaccepted(found: Iterable[WordsFound], accepted: Iterable[WordsFound]) -> list[WordsFound]:
    """Returns those that nobody has accepted before."""
    known = {one.key for one in accepted}
    return [one for one in found if one.key not in known]


@cache
def _compiled(language: str) -> tuple[tuple[Protected, re.Pattern[str]], ...]:
    """Returns one pattern for each class. Lookarounds serve as word boundaries, because a pattern may end in a plus
    sign."""
    return tuple(
        (protected, re.compile(rf"(?<!\w)(?:{'|'.join(_spaced(one) for one in patterns)})(?!\w)"))
        for protected, patterns in PATTERNS[language].items()
    )


def _spaced(pattern: str) -> str:
    return pattern.replace(" ?", r"[\s\-/']?").replace(" ", r"[\s\-/']+")


def _folded(text: str) -> str:
    """Returns the text in lower case without accents, character for character, so that positions stay the same."""
    return "".join(_fold(character) for character in text)


@cache
def _fold(character: str) -> str:
    if character in "\u2010\u2011\u2012\u2013\u2014":
        return "-"
    if character in "\u2018\u2019\u02bc\u00b4`":
        return "'"
    lower = unicodedata.normalize("NFKD", character)[0].lower()
    return lower if len(lower) == 1 else character
