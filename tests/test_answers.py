"""Question answering: windows and spans say what the characters say, and the house's questions do not leak."""

from __future__ import annotations

import math

import pytest
import torch
from answers import wrong_answers

from ftlessons.classroom.checks import grade
from ftlessons.lesson07 import reader, spans, task
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


def test_marks_and_the_rival():
    assert task.marks("The 30 days.", "30 days") == {"f1": 1.0, "em": 1.0}
    assert task.marks("", "30 days")["f1"] == 0 and task.marks("", "") == {"f1": 1.0, "em": 1.0}
    text = "Bins go out on Monday. The lift holds eight people; the stairs hold more."
    settings = HOUSE.rival_grid()["sentence"]
    assert len(settings) == 8
    assert task.best_sentence("How many people may the lift hold?", text, **settings[0]).startswith("The lift")


def test_the_reader_marks_what_a_text_says_and_doubts_what_it_does_not():
    text = "The lift carries eight people. It rests on the ground floor, and the caretaker has its key downstairs."
    asked = ("How many people does the lift carry?", "Who has the key?", "What colour is the moon?")
    said = list(spans.answer_all(reader.load(), tokenizer(), [(question, text) for question in asked]))
    assert [answer for answer, _ in said[:2]] == ["eight", "caretaker"]
    assert min(said[0][1], said[1][1]) > said[2][1]
