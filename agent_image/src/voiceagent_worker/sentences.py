"""What agents say of themselves, in the agent's language where it is one of these, else in English."""

from collections.abc import Mapping
from typing import Final

TIME_IS_UP: Final = {
    "de": "Unsere Zeit ist um. Auf Wiederhören!",
    "en": "Our time is up. Goodbye!",
    "es": "Se nos acabó el tiempo. ¡Adiós!",
    "fr": "Nous sommes arrivés au bout du temps prévu. Au revoir !",
    "it": "Il nostro tempo è finito. Arrivederci!",
    "nl": "Onze tijd is om. Tot ziens!",
    "pt": "O nosso tempo acabou. Adeus!",
}
"""Said when a call reaches its longest duration."""

TIME_NEARLY_UP: Final = {
    "de": "Unsere Zeit ist fast um.",
    "en": "We are almost out of time.",
    "es": "Se nos está acabando el tiempo.",
    "fr": "Nous arrivons bientôt au bout du temps prévu.",
    "it": "Il nostro tempo sta per finire.",
    "nl": "Onze tijd is bijna om.",
    "pt": "O nosso tempo está quase a acabar.",
}
"""Said a while before a call reaches its longest duration."""

MAINTENANCE: Final = {
    "de": "Ich muss unser Gespräch wegen Wartungsarbeiten beenden. Auf Wiederhören!",
    "en": "I have to end our call for maintenance. Goodbye!",
    "es": "Tengo que terminar la llamada por mantenimiento. ¡Adiós!",
    "fr": "Je dois mettre fin à notre appel pour une opération de maintenance. Au revoir !",
    "it": "Devo terminare la chiamata per manutenzione. Arrivederci!",
    "nl": "Ik moet ons gesprek beëindigen vanwege onderhoud. Tot ziens!",
    "pt": "Tenho de terminar a chamada por motivo de manutenção. Adeus!",
}
"""Said when the agent's pod has to end and the drain timeout is over."""

APOLOGY: Final = {
    "de": "Entschuldigung, da gab es eine technische Störung. Bitte sagen Sie das noch einmal.",
    "en": "Sorry, I had a technical problem. Please say that again.",
    "es": "Disculpe, he tenido un problema técnico. Por favor, repítalo.",
    "fr": "Désolé, j'ai eu un problème technique. Pouvez-vous répéter, s'il vous plaît ?",
    "it": "Mi scusi, ho avuto un problema tecnico. Può ripetere, per favore?",
    "nl": "Sorry, er was een technisch probleem. Kunt u dat herhalen?",
    "pt": "Desculpe, tive um problema técnico. Por favor, repita.",
}
"""Said when a provider and its fallbacks fail in a call that goes on."""

GIVING_UP: Final = {
    "de": "Entschuldigung, die Technik macht gerade nicht mit. Bitte rufen Sie später noch einmal an. Auf Wiederhören!",
    "en": "I'm sorry, something is broken here. Please call again later. Goodbye!",
    "es": "Lo siento, algo no funciona. Por favor, llame más tarde. ¡Adiós!",
    "fr": "Je suis désolé, une panne m'empêche de continuer. Merci de rappeler plus tard. Au revoir !",
    "it": "Mi dispiace, qualcosa non funziona. Richiami più tardi, per favore. Arrivederci!",
    "nl": "Het spijt me, er is iets stuk. Belt u later nog eens. Tot ziens!",
    "pt": "Lamento, algo não está a funcionar. Por favor, ligue mais tarde. Adeus!",
}
"""Said before a call that providers keep failing is ended."""

BACK: Final = {
    "de": "Da bin ich wieder. Wo waren wir?",
    "en": "I'm back. Where were we?",
    "es": "Ya estoy de vuelta. ¿Dónde estábamos?",
    "fr": "Me revoilà. Où en étions-nous ?",
    "it": "Eccomi di nuovo. Dove eravamo rimasti?",
    "nl": "Ik ben er weer. Waar waren we?",
    "pt": "Estou de volta. Onde estávamos?",
}
"""Said in place of the greeting by an agent that takes over the call of one that died."""

UNPROCESSED: Final = {
    "de": "Entschuldigung, da ist bei mir etwas schiefgegangen. Können Sie das bitte anders sagen?",
    "en": "Sorry, something went wrong on my side. Could you put that another way, please?",
    "es": "Perdone, algo ha fallado por mi parte. ¿Puede decirlo de otra manera, por favor?",
    "fr": "Désolé, un problème est survenu de mon côté. Pouvez-vous le dire autrement, s'il vous plaît ?",
    "it": "Mi scusi, qualcosa è andato storto da parte mia. Può dirlo in un altro modo, per favore?",
    "nl": "Sorry, er ging bij mij iets mis. Kunt u het anders zeggen, alstublieft?",
    "pt": "Desculpe, algo correu mal do meu lado. Pode dizer isso de outra forma, por favor?",
}
"""Answers a turn that a plugin with the policy Fail could not process."""


def sentence(table: Mapping[str, str], language: str) -> str:
    """The sentence for a BCP 47 tag."""
    return table.get(language.split("-")[0].lower(), table["en"])
