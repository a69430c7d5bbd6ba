"""The exercises of lesson 14: count errors by hand, choose words for a list, keep what was known."""

from __future__ import annotations

from functools import cache
from typing import Any

from ftlessons.classroom.checks import exercise, expect

SAID = "stop the ramipril and give ten milligrams of bisoprolol"
READ = "stop at the ram pill and give tin milligrams bisoprolol"
TERMS = ("stop", "ramipril", "ten milligrams", "bisoprolol")
COUNTED = {"wrong": 2, "added": 2, "missing": 1, "wer": 5 / 9, "terms": 2}


@exercise(
    "14-count",
    hints=(
        "Write one under the other so that as many words as possible meet: stop, the, and, give, milligrams, "
        "bisoprolol.",
        "`ramipril` and `ten` were replaced. `at` and one half of `ram pill` are too many. One short word is missing. "
        "A term counts only if all of it is there.",
    ),
)
def count(answer: Any) -> str:
    """Errors of one sentence by kind, its word error rate, and how many of its four terms are right."""
    expect(isinstance(answer, dict) and set(answer) == set(COUNTED), f"fill in the entries {', '.join(COUNTED)}")
    for kind in ("wrong", "added", "missing"):
        expect(answer[kind] == COUNTED[kind], f"{kind}: it is not {answer[kind]} where the changes are fewest")
    said = f"{len(SAID.split())} words were said and {len(READ.split())} written"
    expect(abs(float(answer["wer"]) - COUNTED["wer"]) < 0.005, f"wer: {said}; which of the two do you divide by?")
    expect(answer["terms"] == COUNTED["terms"], "terms: `tin milligrams` is no dose, and `ram pill` is no drug")
    return "Five errors in nine words. The two terms that were lost are a drug and its dose."


MOST, LEFT = 60, 0.235


@cache
def sentences() -> tuple[str, ...]:
    """The legal sentences to train on, as text."""
    from ftlib import tasks

    return tuple(tasks.get("legal_dictation").split("train").column("text"))


def _list_of(words: list[str]) -> tuple[Any, float]:
    """These words and the general ones, and the share of the words said in the test that are not among them."""
    from ftlib import tasks
    from ftlib.speech import lexicon
    from ftlib.speech.tasks import general_words

    listed = lexicon.Lexicon(words=[*general_words(), *words])
    return listed, listed.unknown(tasks.get("legal_dictation").split("test").column("text"))


@cache
def _heard() -> list[Any]:
    from ftlib import tasks
    from ftlib.speech import clips

    task = tasks.get("legal_dictation")
    with clips.spelling(task.pretrained()) as network:
        return clips.scores_of(network, task.split("test"))


def _word_error_rate(listed: Any) -> float:
    """The share of words that are wrong on the test sentences, read with this list."""
    from ftlib import tasks
    from ftlib.speech import ctc, lexicon

    read = [lexicon.beam_search(each, listed) for each in _heard()]
    return ctc.word_error_rate(tasks.get("legal_dictation").split("test").column("text"), read)


@exercise(
    "14-words",
    hints=(
        "A word that is on the list already buys nothing. A word that is said once a year buys little.",
        "Count the words of all sentences with `Counter`, leave out those in `listed`, and take `most_common(60)`.",
    ),
)
def words(answer: Any) -> str:
    """A function of sentences and listed words that returns at most 60 words to add."""
    from ftlib.speech.tasks import general_words

    expect(callable(answer), "give a function of (texts, listed) that returns a list of words")
    chosen = answer(list(sentences()), general_words())
    expect(isinstance(chosen, list | tuple | set), f"the function returned {type(chosen).__name__}, not a list")
    chosen = list(dict.fromkeys(chosen))
    expect(len(chosen) <= MOST, f"{len(chosen)} words are more than {MOST}")
    expect(all(isinstance(w, str) and w.strip() and " " not in w for w in chosen), "each entry should be one word")
    (general, none), (listed, left) = _list_of([]), _list_of(chosen)
    said = f"the words said that the list does not hold went from {none:.1%} to {left:.1%}"
    expect(left <= LEFT, f"{said}; {LEFT:.1%} can be had with {MOST} words")
    before, after = _word_error_rate(general), _word_error_rate(listed)  # reads every sentence twice, so it comes last
    return f"On unseen sentences {said}, and the word error rate from {before:.1%} to {after:.1%}. No audio was needed."


PLANS = ("as it is", "closed list", "open list", "fine-tune", "fine-tune and open list", "nobody should")
RIGHT = {"Dana": "open list", "Eli": "fine-tune and open list", "Fay": "nobody should"}
HIDES = "what a closed list does not hold it replaces by real words, and whoever proofreads does not see these"
WHY_NOT = {
    ("Dana", "fine-tune"): "she has no recordings with their texts, and that is what fine-tuning needs",
    ("Dana", "closed list"): HIDES,
    ("Dana", "fine-tune and open list"): "she has no recordings with their texts, and that is what fine-tuning needs",
    ("Dana", "as it is"): "her reports are full of words that the network spells by ear, and she has them on paper",
    ("Eli", "closed list"): HIDES,
    ("Eli", "open list"): "he has typed audio, too, and fine-tuning took more errors off what the list had left",
    ("Eli", "fine-tune"): "his reports hold words, and on ten minutes of audio a list of them did far more",
    ("Eli", "as it is"): "each of the two helped by itself, and both together helped most",
}


@exercise(
    "14-choose",
    hints=(
        "Ask of each: are there texts, are there recordings with their texts, and who looks at what was written?",
        "Texts alone make a word list. Recordings with texts allow fine-tuning. What looks right needs a reader.",
    ),
)
def choose(answer: Any) -> str:
    """A plan for each of three people."""
    expect(isinstance(answer, dict) and set(answer) == set(RIGHT), f"fill in the entries {', '.join(RIGHT)}")
    for name, plan in answer.items():
        expect(plan in PLANS, f"{name}: choose one of {', '.join(PLANS)}")
        expect(name != "Fay" or plan == RIGHT["Fay"], "Fay: nobody reads her notes before the drug is given")
        expect(plan == RIGHT[name], f"{name}: {WHY_NOT.get((name, plan), 'somebody does read these notes')}")
    return "A list does most of the work, and ten minutes of audio add to it. Who reads the result decides the rest."
