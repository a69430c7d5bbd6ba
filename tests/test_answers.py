"""Question answering: windows and spans say what the characters say, and the house's questions do not leak."""

from __future__ import annotations

import math
import subprocess
import sys

import pandas as pd
import pytest
import torch
from answers import wrong_answers
from transformers import BertConfig

from ftlessons.classroom.checks import grade
from ftlessons.lesson07 import marking, public, reader, spans, table, task
from ftlib import fit, recipes, runtime
from ftlib.catalog import CatalogError
from ftlib.tasks.tokens import tokenizer

HOUSE = task.HouseQuestions()
TEXT = " ".join(f"Rule {i}: the door of room {i} closes at {i % 12 + 1}:00." for i in range(60))


def first_last(spots, start, end):
    return next(i for i, (_, b) in enumerate(spots) if b > start), max(i for i, (a, _) in enumerate(spots) if a < end)


def best(start, end, longest):
    table = start[:, None] + end[None, :]
    allowed = torch.ones_like(table).triu().tril(longest - 1).bool()
    return divmod(int(table.masked_fill(~allowed, float("-inf")).argmax()), len(start))


def threshold(margins, there):
    def right(edge):
        return sum((margin >= edge) == said for margin, said in zip(margins, there, strict=True))

    return max([*margins, max(margins) + 1], key=right)


SOLUTIONS = {"07-tokens": first_last, "07-span": best, "07-nothing": threshold}


@pytest.mark.parametrize("id", SOLUTIONS)
def test_the_exercises_know_right_from_wrong(id):
    assert grade(id, SOLUTIONS[id]).status == "correct"
    refused = wrong_answers(id)
    assert len(refused) >= 2 and {grade(id, answer).status for answer in refused} == {"not_yet"}


def test_every_answer_is_found_again_in_some_window():
    made = spans.windows(tokenizer(), "When does room 41 close?", TEXT, 64, 16)
    assert len(made) > 5 and all(len(window.ids) <= 64 for window in made)
    start = TEXT.index("6:00", TEXT.index("Rule 41"))
    labels = [window.label(start, start + 4) for window in made]
    inside = [(window, label) for window, label in zip(made, labels, strict=True) if label != (0, 0)]
    assert inside and len(inside) < len(made)
    for window, (first, last) in inside:
        assert TEXT[window.spots[first][0] : window.spots[last][1]] == "6:00"


def test_a_question_longer_than_a_window_still_leaves_room_for_the_text():
    assert spans.windows(tokenizer(), "why " * 500, "Because.", 96, 16)[0].spots[-2] == (7, 8)


class Points(torch.nn.Module):
    """Scores that point at one token number."""

    def __init__(self, wanted: int) -> None:
        super().__init__()
        self.wanted = wanted

    def forward(self, input_ids, **_):
        return (input_ids == self.wanted).float().mul(9).unsqueeze(-1).repeat(1, 1, 2)


def test_the_best_stretch_of_all_windows_is_the_answer():
    number = tokenizer().convert_tokens_to_ids("59")
    pairs = [("Which room?", TEXT), ("Which room?", "There is none.")]
    (said, margin), (_, none) = spans.answer_all(Points(number), tokenizer(), pairs, batch=2, length=64, stride=16)
    assert said == "59" and margin == pytest.approx(18) and none == pytest.approx(0)


def test_the_difference_gives_the_model_back():
    model = reader.raw_reader()
    weight = model.bert.encoder.layer[0].attention.self.query.weight.data
    weight += torch.outer(torch.randn(384), torch.randn(384)) * 0.01
    model.qa_outputs.bias.data += 1
    again = reader.with_difference(reader.difference(model, rank=4))
    for name, value in model.state_dict().items():
        assert torch.allclose(again.state_dict()[name], value, atol=1e-3), name
    model.bert.embeddings.word_embeddings.weight.data[5] += 1
    with pytest.raises(AssertionError, match="meant to stay"):
        reader.difference(model, rank=4)


def test_no_document_is_in_two_splits_and_dropping_one_moves_none():
    documents = {split: {question.document for question in HOUSE.asked(split)} for split in task.SHARES}
    assert sum(map(len, documents.values())) == len(set().union(*documents.values())) == 60
    assert [len(HOUSE.asked(split)) for split in task.SHARES] == [236, 39, 38, 152]
    assert all(task.split_of(name) == split for split, names in documents.items() for name in names)


def test_a_sample_is_drawn_by_seed_and_its_windows_hold_the_answers():
    one, same, other = (HOUSE.sample(40, seed) for seed in (0, 0, 1))
    assert [q.id for q in one.questions] == [q.id for q in same.questions] != [q.id for q in other.questions]
    for question, (window, label) in zip(one.questions, one.items, strict=True):
        first, last, n = label.tolist()
        assert n == len(window.ids) <= (64 if len(question.answer) < 80 else 96)
        if question.answer:
            said = question.text[window.spots[first][0] : window.spots[last][1]]
            assert question.answer in said and len(said) <= len(question.answer) + 12, question.id
        else:
            assert (first, last) == (0, 0)
    with pytest.raises(ValueError, match="train has 236 questions"):
        HOUSE.sample(500, 0)


def test_padding_is_never_the_answer():
    logits, labels = torch.zeros(2, 5, 2), torch.tensor([[1, 2, 5], [0, 0, 3]])
    logits[1, 3:] = 50
    assert task.span_loss(logits, labels).item() == pytest.approx((math.log(5) + math.log(3)) / 2)


def test_marks_are_those_of_squad():
    from torchmetrics.functional.text import squad

    for said, answer in (("The 30 days.", "30 days, 14 in the first year"), ("two keys", "keys"), ("a lift", "Lift!")):
        theirs = squad([{"prediction_text": said, "id": "1"}],
                       [{"answers": {"answer_start": [0], "text": [answer]}, "id": "1"}])  # fmt: skip
        ours = task.marks(said, answer)
        assert 100 * ours["f1"] == pytest.approx(float(theirs["f1"])), said
        assert 100 * ours["em"] == float(theirs["exact_match"])


def test_marks_and_the_rival():
    assert task.marks("The 30 days.", "30 days") == {"f1": 1.0, "em": 1.0}
    assert task.marks("", "30 days")["f1"] == 0 and task.marks("", "") == {"f1": 1.0, "em": 1.0}
    text = "Bins go out on Monday. The lift holds eight people; the stairs hold more."
    settings = HOUSE.rival_grid()["sentence"]
    assert len(settings) == len(recipes.candidates(HOUSE, "full")) == 12
    assert task.best_sentence("How many people may the lift hold?", text, **settings[0]).startswith("The lift")


def test_the_reader_marks_what_a_text_says_and_doubts_what_it_does_not():
    text = "The lift carries eight people. It rests on the ground floor, and the caretaker has its key downstairs."
    asked = ("How many people does the lift carry?", "Who has the key?", "What colour is the moon?")
    said = list(spans.answer_all(reader.load(), tokenizer(), [(question, text) for question in asked]))
    assert [answer for answer, _ in said[:2]] == ["eight", "caretaker"]
    assert min(said[0][1], said[1][1]) > said[2][1]


# --- what is shown, and what somebody brings along


class Marks(torch.nn.Module):
    """Marks the same token numbers, whatever it reads."""

    def __init__(self, first, last):
        super().__init__()
        self.first, self.last, self.unused = first, last, torch.nn.Parameter(torch.zeros(1))

    def forward(self, input_ids, **_):
        scores = torch.zeros(*input_ids.shape, 2)
        scores[:, self.first, 0], scores[:, self.last, 1] = 5.0, 3.0
        return scores


def test_the_figure_and_the_desk_say_what_is_marked(capsys):
    asked = next(question for question in HOUSE.asked("tune") if question.answer)
    window, start, end = marking.scores(Marks(20, 24), asked.question, asked.text)
    assert start.argmax() == 20 and end.argmax() == 24
    said = asked.text[window.spots[20][0] : window.spots[24][1]]
    figure = marking.score_figure(Marks(20, 24), asked.question, asked.text, "Scores")
    assert repr(said) in figure.alt and figure.alt.startswith("Scores. The highest score to be the first has")
    marking.ask_desk({"it": Marks(20, 24)}, asked.text, asked.question)
    marking.mark(Marks(20, 24), asked)
    marking.side_by_side([asked], {"it": [said]})
    shown = capsys.readouterr().out
    assert shown.count(said) == 3 and "(+8.0)" in shown and f"[[{said}]]" in shown and asked.answer in shown


@pytest.mark.parametrize("text, question, fault", [
    ("", "Why?", "write both"), ("Because.", "  ", "write both"), ("x" * 20_001, "Why?", "at most 20,000"),
])  # fmt: skip
def test_the_desk_refuses_what_it_cannot_read(text, question, fault):
    with pytest.raises(ValueError, match=fault):
        marking.ask_desk({"it": Marks(1, 1)}, text, question)


def test_the_desk_answers_again_when_asked_again():
    desk = marking._desk({"it": Marks(8, 9)}, "The door closes at ten.", "When?")
    document, asked, button, answer = desk.children
    before, document.value = answer.value, "The gate opens at noon."
    button.click()
    assert answer.value != before and "noon." in answer.value
    asked.value = " "
    assert "A document and a question are needed" in answer.value


def test_silence_is_chosen_where_it_pays():
    found = pd.DataFrame({"margin": [3.0, 2.0, 1.0, 0.0], "answer": ["a", "a", "", ""], "f1": [1.0, 0.5, 0.0, 0.0]})
    assert marking.with_silence(found, float("-inf")) == 0.375
    assert marking.best_threshold(found) == 2.0 and marking.with_silence(found, 2.0) == 0.875
    assert marking.best_threshold(found.assign(answer="a", f1=1.0)) == float("-inf")


def test_intervals_are_over_documents():
    rows = [{"recipe": name, "budget": 25, "seed": seed, "documents": {"a": at + seed, "b": at, "c": at + 1}}
            for name, at in (("full", 4), ("head", 1)) for seed in (0, 1)]  # fmt: skip
    grid = pd.DataFrame(rows)
    full = marking.by_document(grid, "full", 25)
    assert full.to_dict() == {"a": 4.5, "b": 4, "c": 5}
    found = marking.gain(full, marking.by_document(grid, "head", 25))
    assert found.value == found.low == found.high == 3
    with pytest.raises(ValueError, match="no lora at 25 questions"):
        marking.by_document(grid, "lora", 25)


OWN = '''context,question,answer,start
"The café closes at 22:00, in July at 23:00.",When does it close?,"22:00, in July at 23:00",
"The café closes at 22:00, in July at 23:00.",Who sweeps?,,
Ring twice. Ring twice more.,How often?,twice,5
Ring twice. Ring twice more.,How often?,twice,
Ring twice. Ring twice more.,How often?,twice,6
The Café is open.,What is open?,the café,
The gate is open.,Why?,wind,
The gate is open.,,gate,
,Why?,gate,
The gate is open.,What?
'''


def test_a_table_of_your_own_says_row_by_row_what_is_wrong(tmp_path):
    (tmp_path / "my.csv").write_text(OWN, encoding="utf-8")
    questions, account = table.read_questions(tmp_path / "my.csv")
    assert [q.id for q in questions] == ["row 2", "row 3", "row 4"]
    assert all(q.text[q.start :].startswith(q.answer) for q in questions if q.answer) and questions[1].start == -1
    assert questions[0].document == questions[1].document != questions[2].document
    faults = dict(account.skipped)
    assert list(faults) == [f"row {i}" for i in range(5, 12)]
    assert "2 times in its context" in faults["row 5"] and "add a column start" in faults["row 5"]
    assert "start '6'" in faults["row 6"] and "copy it as it stands there, 'The Café'" in faults["row 7"]
    assert "not in its context" in faults["row 8"] and "no question" in faults["row 9"]
    assert "no context" in faults["row 10"] and str(account).startswith("3 of 10 rows are used.")
    (tmp_path / "bad.csv").write_text("context,question,answer\nThe gate.,Why?,wind\n", encoding="utf-8")
    with pytest.raises(ValueError, match="bad.csv has no row that can be used.*not in its context"):
        table.read_questions(tmp_path / "bad.csv")
    with pytest.raises(ValueError, match="there is no file"):
        table.read_questions(tmp_path / "none.csv")


def test_your_questions_are_a_task(tmp_path):
    rows = [f"Door {i} closes at {i % 12}:30.,When does door {i} close?,{i % 12}:30" for i in range(40)]
    (tmp_path / "my.csv").write_text("\n".join(["context,question,answer", *rows]), encoding="utf-8")
    questions, account = table.read_questions(tmp_path / "my.csv")
    mine = table.OwnQuestions(questions)
    split = {name: len(mine.asked(name)) for name in task.SHARES}
    assert sum(split.values()) == 40 == account.came and recipes.tuned(mine)["head"] == recipes.tuned(HOUSE)["head"]
    assert mine.evaluate(Marks(1, 1)).n == split["test"] and len(mine.sample(5, 0)) == 5
    with pytest.raises(ValueError, match="no document falls into the split"):
        table.OwnQuestions(questions[:1])


# --- go bigger, on a stand-in of the same shape


def test_squad_is_trained_and_scored_against_all_answers(monkeypatch):
    monkeypatch.setattr(reader, "raw_reader", lambda backbone: small_reader())
    with pytest.raises(CatalogError, match="FTLIB_PROFILE=full"):
        public.Squad()
    monkeypatch.setattr(runtime, "profile", lambda: "full")
    text = "The gate opens at noon and closes at dusk."
    row = {"id": "1", "title": "Gate", "context": text, "question": " When does it open?"}
    row |= {"answers": {"text": ["at noon", "noon"], "answer_start": [15, 18]}}
    monkeypatch.setattr(public.Squad, "rows", {"train": [row] * 4, "validation": [row] * 3})
    squad = public.Squad()
    model, data = squad.pretrained(), squad.sample(4, 0)
    done = fit(model, data, loss=squad.loss, collate=squad.collate, lr=1e-4, epochs=1, batch_size=2, progress=False,
               lengths=squad.lengths(data))  # fmt: skip
    assert done.steps == 2 and squad.evaluate(model).n == 3
    window = spans.windows(tokenizer(), row["question"].strip(), text)[0]
    first, last = window.label(18, 22)
    score = squad.evaluate(Marks(first, last))
    assert score.value == score.more["em"] == 1.0
    with pytest.raises(ValueError, match="no split 'tune'"):
        squad.asked("tune")


def small_reader():
    config = BertConfig(hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16)
    return reader.SpanReader(config)


ALONE = """
import sys, torch
from transformers import AutoModelForQuestionAnswering, AutoTokenizer
model, cut = (kind.from_pretrained(sys.argv[1]) for kind in (AutoModelForQuestionAnswering, AutoTokenizer))
with torch.no_grad():
    found = model.eval()(**cut("When does it open?", "The gate opens at noon.", return_tensors="pt"))
assert not any(name.startswith("ftl") for name in sys.modules)
print(*torch.stack([found.start_logits[0], found.end_logits[0]], 1).flatten().tolist())
"""


def test_a_saved_reader_answers_in_transformers_alone(tmp_path):
    model = reader.load()
    model.save_pretrained(tmp_path), tokenizer().save_pretrained(tmp_path)
    done = subprocess.run([sys.executable, "-c", ALONE, tmp_path], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]
    window = spans.windows(tokenizer(), "When does it open?", "The gate opens at noon.")[0]
    with torch.no_grad():
        ours = model(**spans.collate([window]))[0].flatten()
    assert ours.tolist() == pytest.approx(list(map(float, done.stdout.split())), abs=1e-4)
