"""Crude words are found however they are spelled, and honest ones never."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from voiceagent_worker.errors import ConfigurationError
from voiceagent_worker.plugins.context import Conversation, PluginContext
from voiceagent_worker.plugins.profanity_filter import ProfanityFilter, word_list
from voiceagent_worker.plugins.spelling import Finder, plain, squeezed

EN, FR = Finder(word_list("en")), Finder(word_list("fr"))


def hits(finder: Finder, text: str) -> list[str]:
    return [text[span.start : span.end] for span in finder.find(text)]


@pytest.mark.parametrize(
    ("text", "hit"),
    [
        ("Oh shit.", "shit"),
        ("SHIT happens", "SHIT"),
        ("what the sh1t", "sh1t"),
        ("5h1t!", "5h1t"),
        ("you $hit", "$hit"),
        ("f*ck that", "f*ck"),
        ("f**k", "f**k"),
        ("f#ck", "f#ck"),
        ("sh!t", "sh!t"),
        ("shit!", "shit"),
        ("**shit**", "shit"),
        ("f u c k you", "f u c k"),
        ("F.U.C.K.", "F.U.C.K"),
        ("f-u-c-k", "f-u-c-k"),
        ("f_u_c_k", "f_u_c_k"),
        ("sh-it", "sh-it"),
        ("fuuuuuck", "fuuuuuck"),
        ("FUUUCK1NG", "FUUUCK1NG"),
        ("fück", "fück"),
        ("ѕhіt", "ѕhіt"),
        ("a$$hole", "a$$hole"),
        ("b1tch", "b1tch"),
        ("bullsh*t", "bullsh*t"),
        ("it's shit's creek", "shit"),
        ("big-ass-bitch", "ass"),
        ("mother-fucker", "mother-fucker"),
        ("you're an asshole, mate", "asshole"),
    ],
)
def test_an_english_word_is_found(text: str, hit: str) -> None:
    assert hit in hits(EN, text)


@pytest.mark.parametrize(
    ("text", "hit"),
    [
        ("C'est de la merde.", "merde"),
        ("m3rde", "m3rde"),
        ("m e r d e alors", "m e r d e"),
        ("espèce d'enculé", "enculé"),
        ("ENCULE", "ENCULE"),
        ("p*tain", "p*tain"),
        ("put@in", "put@in"),
        ("fils de pute", "pute"),
        ("quel con", "con"),
        ("tu m'emmerdes", "emmerdes"),
        ("merdeeee", "merdeeee"),
        ("s@lope", "s@lope"),
        ("connard !", "connard"),
        ("c0nnard", "c0nnard"),
    ],
)
def test_a_french_word_is_found(text: str, hit: str) -> None:
    assert hit in hits(FR, text)


@pytest.mark.parametrize(
    "text",
    [
        "I live in Scunthorpe, near Penistone, and work in Essex and Middlesex.",
        "A classic class of assassins assessed the assignment at the embassy.",
        "The cockpit, a cocktail, Hancock and the peacock; a shuttlecock.",
        "Samsung A55, room 455, 5417, order 2B-5, 80085 and B2B.",
        "Mr. Dickens and Dick Van Dyke; Moby-Dick; shiitake; a shih-tzu.",
        "Pros and cons of the icon; a bite of the apple.",
        "Press * or # for more, dial *67#, and rate us 5*!",
        "U.S.A., e.g., i.e., p.m., J. R. R. Tolkien, S H I P",
        "She spelled it: S C U N T H O R P E.",
        "Write to me at ann.smith-jones@example.com!",
        "My grandmother was a farmer who titled the constitution.",
        "therapist, manslaughter, analysis, cumulative, document, circumstance, sextant",
        "That is his hit. Push it! Wash it! Fast food, mass, pass, bass, sass.",
        "uh hmm yesss nooo woooow ahhhh hassss",
    ],
)
def test_an_honest_english_text_is_left_alone(text: str) -> None:
    assert hits(EN, text) == []


@pytest.mark.parametrize(
    "text",
    [
        "Le concours de la confiance continue, au second tour, avec conviction.",
        "J'habite dans un cul-de-sac, à côté de la pédale de frein.",
        "Cet hôtel a une belle façade ; la reconnaissance du vocabulaire calculé, l'articulation.",
        "Vous disputez la réputation du député ; on l'ampute. L'habitude, l'orbite, il débite.",
        "La veuve est allée bosser au bureau, puis a pris un bonbon et un cachet.",
        "Le chien, la chaise, Chierry, le fichier, le clichier.",
        "Consul, faucon, balcon, flacon, Maçon, Mâcon, contre, conte, conseil.",
        "Disons 12h30, chambre 4B, A55, 3e étage, 5* au guide.",
    ],
)
def test_an_honest_french_text_is_left_alone(text: str) -> None:
    assert hits(FR, text) == []


def test_a_word_of_one_language_is_no_word_of_another() -> None:
    assert hits(EN, "pros and con, a bite") == []
    assert hits(FR, "un con, une bite") == ["con", "bite"]


@given(st.text(max_size=200))
def test_any_text_is_taken_and_what_is_found_lies_within_it(text: str) -> None:
    for finder in (EN, FR):
        end = 0
        for span in finder.find(text):
            assert end <= span.start < span.end <= len(text)
            end = span.end


@given(st.sampled_from(sorted(word_list("en") | word_list("fr"))), st.sampled_from(["{}", "Oh {}!", "({})", "« {} »"]))
def test_every_word_of_the_lists_is_found(word: str, around: str) -> None:
    assert word in hits(Finder([word]), around.format(word))


@given(st.sampled_from(sorted(word_list("en"))), st.sampled_from("abcdehmtz"))
def test_a_letter_more_makes_it_another_word(word: str, letter: str) -> None:
    for other in (word + letter, letter + word):
        if plain(other) not in word_list("en") and squeezed(other) not in map(squeezed, word_list("en")):
            assert hits(EN, other) == []


def context(language: str = "en") -> PluginContext:
    return PluginContext({"direction": "user", "language": language, "state": Conversation("a").state})


@pytest.mark.parametrize(
    ("settings", "made"),
    [
        ({}, "Oh ****, that heck again."),
        ({"mask": "first_letter"}, "Oh s***, that heck again."),
        ({"mask": "remove"}, "Oh , that heck again."),
        ({"replacement": "[bleep]"}, "Oh [bleep], that heck again."),
        ({"add": ["heck"]}, "Oh ****, that **** again."),
        ({"allow": ["shit"]}, "Oh shit, that heck again."),
        ({"languages": ["fr"]}, "Oh shit, that heck again."),
    ],
)
async def test_its_config(settings: dict[str, object], made: str) -> None:
    plugin = ProfanityFilter(**settings)  # type: ignore[arg-type]
    assert await plugin.process_message("Oh shit, that heck again.", context()) == made


async def test_the_calls_language_chooses_the_list_and_live_words_follow_it() -> None:
    plugin = ProfanityFilter()
    assert await plugin.process_message("une bite", context("fr-CA")) == "une ****"
    assert plugin.filter_live("quelle merde") == "quelle *****"
    assert await plugin.process_message("eine bite", context("de")) == "eine bite"


async def test_a_plain_dict_is_enough_of_a_context() -> None:
    assert await ProfanityFilter().process_message("shit", {}) == "****"  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "settings", [{"languages": ["xx"]}, {"mask": "dots"}, {"add": "heck"}, {"allow": [1]}, {"replacement": 3}]
)
def test_a_wrong_config_is_told(settings: dict[str, object]) -> None:
    with pytest.raises(ConfigurationError):
        ProfanityFilter(**settings)  # type: ignore[arg-type]
