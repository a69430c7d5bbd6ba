"""The text room: pooling, tokens, tasks on texts, their rival, and which words a model leans on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import torch
from torch import nn
from transformers.modeling_outputs import SequenceClassifierOutput

from ftlessons.classroom import words
from ftlib import adapt, catalog, recipes, results, tasks
from ftlib.batches import split_batch, steps_per_epoch
from ftlib.models import sentences
from ftlib.recipes import frozen_features
from ftlib.tasks import text, tfidf, tokens
from ftlib.tasks.text import TextTask, predict_texts

ROOT = Path(__file__).resolve().parent.parent
TEXTS = ["good", "not a good film at all", "so bad that it hurts", "well made, warm and funny from end to end"]
TINY = {
    "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32,
    "initializer_range": 0.5, "hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0,
}  # fmt: skip


def tiny(pooling: str = "mean", classes: int = 2) -> nn.Module:
    """A BERT of two narrow layers at random, with weights that are large enough to tell texts apart."""
    torch.manual_seed(0)
    config = sentences.PooledBertConfig(pooling=pooling, num_labels=classes, **TINY)
    return sentences.PooledBertForSequenceClassification(config).eval()


class Toy(TextTask):
    """Twenty bad and ten good texts to train on, and a few to test."""

    name, classes, budgets = "toy", ("bad", "good"), (2,)

    def __init__(self, **options):
        super().__init__(**options)
        rows = [(f"bad thing {i}", "bad", "train") for i in range(20)]
        rows += [(f"good thing {i}", "good", "train") for i in range(10)]
        rows += [("good " * n + "thing", "good", "test") for n in (9, 1, 5)] + [("bad thing", "bad", "test")]
        table = pd.DataFrame(rows, columns=["text", "label", "split"])
        self.items = table.assign(number=table.label.map({"bad": 0, "good": 1}))


class WordCounts(nn.Module):
    """A model whose log-odds are known: the sum of a weight for each word it knows."""

    def __init__(self, **weights: float):
        super().__init__()
        table = torch.zeros(30_522)
        for word, weight in weights.items():
            table[tokens.encode([word])["input_ids"][0, 1]] = weight
        self.table = nn.Parameter(table)

    def forward(self, input_ids, attention_mask):
        odds = (self.table[input_ids] * attention_mask).sum(1)
        return SequenceClassifierOutput(logits=torch.stack([torch.zeros_like(odds), odds], 1))


# --- one vector a text


@pytest.mark.parametrize("pooling", ["mean", "cls", "pooler"])
def test_pooling_by_hand(pooling):
    model, batch = tiny(pooling), tokens.encode(TEXTS)
    with torch.no_grad():
        out = model.bert(**batch)
        vectors = []
        for states, mask in zip(out.last_hidden_state, batch["attention_mask"], strict=True):
            real = states[: int(mask.sum())]
            first = real[0]
            if pooling == "pooler":
                first = torch.tanh(model.bert.pooler.dense.weight @ first + model.bert.pooler.dense.bias)
            vectors.append(real.mean(0) if pooling == "mean" else first)
        wanted = torch.stack(vectors)
        assert torch.allclose(model.pool(out, batch["attention_mask"]), wanted, atol=1e-5)
        found = model(**batch, labels=torch.tensor([1, 0, 0, 1]))
    logits = wanted @ model.classifier.weight.T + model.classifier.bias
    assert torch.allclose(found.logits, logits, atol=1e-5)
    assert torch.isclose(found.loss, nn.functional.cross_entropy(logits, torch.tensor([1, 0, 0, 1])))


def test_padding_changes_nothing():
    model = tiny()
    alone = torch.cat([predict_texts(model, [text]) for text in TEXTS])
    assert alone.std(0).min() > 0.01 and torch.allclose(predict_texts(model, TEXTS), alone, atol=1e-5)


def test_an_unknown_pooling_is_refused():
    for make in (lambda: sentences.PooledBertConfig(pooling="max"), lambda: sentences.minilm(pooling="max")):
        with pytest.raises(ValueError, match="no pooling 'max': choose from mean, cls, pooler"):
            make()


def test_minilm_pools_as_sentence_transformers_does():
    library = pytest.importorskip("sentence_transformers")
    theirs = library.SentenceTransformer(str(catalog.path("minilm")), device="cpu") if whole_wheel() else None
    if theirs is None:
        pytest.skip("the wheel is not installed")
    task, data = Toy(), tokens.Texts(TEXTS, torch.zeros(len(TEXTS), dtype=torch.long))
    ours = frozen_features(task.pretrained(), data, task).tensors[0]
    wanted = theirs.encode(TEXTS, convert_to_tensor=True, normalize_embeddings=True)
    assert ours.shape == (4, 384) and torch.allclose(nn.functional.normalize(ours), wanted, atol=1e-5)


def whole_wheel() -> bool:
    return (catalog.path("minilm") / "modules.json").is_file()


FRESH = """
import json, sys, torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer
import ftlib.models.sentences  # registers the class
from peft import PeftModel
folder, adapter, vocabulary, texts = sys.argv[1], sys.argv[2], sys.argv[3], json.loads(sys.argv[4])
batch = AutoTokenizer.from_pretrained(vocabulary)(texts, padding=True, return_tensors="pt")
load = AutoModelForSequenceClassification.from_pretrained
with torch.no_grad():
    plain = load(folder).eval()(**batch).logits
    adapted = PeftModel.from_pretrained(load(folder), adapter).eval()(**batch).logits
print(json.dumps([plain.tolist(), adapted.tolist()]))
"""


def test_saved_models_and_adapters_load_in_a_fresh_process(tmp_path):
    model, batch = tiny(), tokens.encode(TEXTS)
    model.save_pretrained(tmp_path / "model")
    with torch.no_grad():
        plain = model(**batch).logits
        adapted_model = adapt.lora(model)
        for name, parameter in adapted_model.named_parameters():
            if "lora_B" in name or "modules_to_save" in name:
                parameter.normal_()
        adapted = adapted_model.eval()(**batch).logits
    adapted_model.save_pretrained(tmp_path / "adapter")
    arguments = [str(tmp_path / "model"), str(tmp_path / "adapter"), str(catalog.path("minilm")), json.dumps(TEXTS)]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", FRESH, *arguments], capture_output=True, text=True, timeout=300, env=environment
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert (adapted - plain).abs().max() > 0.1
    assert torch.allclose(torch.tensor(found[0]), plain, atol=1e-5)
    assert torch.allclose(torch.tensor(found[1]), adapted, atol=1e-5)


# --- tokens


def test_batches_are_padded_and_long_texts_cut():
    batch = tokens.collate([("good", torch.tensor(1)), ("good " * 100, torch.tensor(0))])
    assert batch["input_ids"].shape == (2, tokens.MAX_TOKENS) and batch["labels"].tolist() == [1, 0]
    assert batch["attention_mask"].sum(1).tolist() == [3, tokens.MAX_TOKENS] == tokens.lengths(["good", "good " * 100])
    assert batch["input_ids"][0, :4].tolist() == [101, 2204, 102, 0]
    data = tokens.Texts(TEXTS, torch.tensor([1, 0, 0, 1]))
    assert len(data) == 4 and data[2] == (TEXTS[2], torch.tensor(0))
    assert Toy().lengths(data) == [3, 8, 7, 12]


@pytest.mark.parametrize(
    ("given", "noted"),
    [
        ("A good film", []),
        ("😀😀😀", ["knows no sign of this text"]),
        ("Это хороший фильм", ["another script"]),
        ("good ☃☃☃ 😀 ok", ["does not know"]),
        ("good " * 10_000, ["The text has 10,000 pieces; the model read the first 62"]),
    ],
    ids=["plain", "emoji", "script", "partly", "long"],
)
def test_what_a_reader_should_know_about_a_text(given, noted):
    found = tokens.checked(given)
    assert len(found) == len(noted) and all(part in note for part, note in zip(noted, found, strict=True))


@pytest.mark.parametrize(("given", "message"), [("", "is empty"), (" \n", "is empty"), (None, "is a NoneType")])
def test_no_text_is_refused(given, message):
    with pytest.raises(ValueError, match=message):
        tokens.checked(given)


# --- tasks


def test_a_sample_keeps_the_classes_shares_and_depends_on_the_seed():
    task = Toy()
    assert task.sample(12, 0).labels.tolist() == [0] * 8 + [1] * 4
    assert task.sample(2, 0).labels.tolist() == [0, 1] and len(task.sample(30, 0)) == 30
    assert task.sample(11, 0).labels.bincount().sum() == 11
    draws = [task.sample(6, seed).texts for seed in (0, 0, 1)]
    assert draws[0] == draws[1] != draws[2] and len(set(draws[0])) == 6
    assert set(draws[0]) <= set(task.rows("train").text)
    for budget in (1, 31):
        with pytest.raises(ValueError, match=f"budget is {budget}: train has 30 texts"):
            task.sample(budget, 0)
    with pytest.raises(ValueError, match="no split 'tune': choose from train, test"):
        task.split("tune")


def test_a_rare_class_gets_one_text():
    task = Toy()
    task.items = task.items[(task.items.label == "bad") | (task.items.index == 25) | (task.items.split == "test")]
    assert task.sample(3, 0).labels.tolist() == [0, 0, 1]


def test_predictions_come_in_the_order_of_the_texts():
    texts = [f"{'good ' * n}end" for n in (7, 1, 30, 4, 2)]
    odds = predict_texts(WordCounts(good=0.1), texts, batch_size=2).logit()[:, 1]
    assert torch.allclose(odds, torch.tensor([0.7, 0.1, 3.0, 0.4, 0.2]), atol=1e-4)


def test_the_score_is_the_tasks_metric():
    task = Toy()
    score = task.evaluate(WordCounts(good=1.0, bad=-1.0))
    assert (score.value, score.metric, score.n) == (1.0, "accuracy", 4)
    assert task.evaluate(WordCounts(good=-1.0, bad=-1.0)).value == 0.25
    task.metric = "macro F1"
    assert task.evaluate(WordCounts(good=1.0, bad=1.0)).value == pytest.approx(3 / 7, abs=1e-6)


def test_micro_batches_give_the_gradient_of_the_whole_batch():
    task, model = Toy(), tiny()
    batch = task.collate([task.split("train")[i] for i in (0, 3, 21, 22, 25)])

    def gradient(micro_batch):
        model.zero_grad()
        for part, share in split_batch(batch, micro_batch):
            (task.loss(model, part) * share).backward()
        return torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None])

    whole = gradient(None)
    assert whole.abs().max() > 0.01 and torch.allclose(gradient(2), whole, atol=1e-5)


def test_random_weights_come_from_the_seed_and_leave_the_generator_alone():
    task = Toy()
    before = torch.random.get_rng_state()
    first, same = (task.untrained(3).classifier.weight for _ in range(2))
    assert torch.equal(first, same) and torch.equal(torch.random.get_rng_state(), before)
    assert first.shape == (2, 384) and list(task.stages(tiny()))[-1] == "head"


def test_backbones():
    assert Toy().top_stages == ("layer4", "layer5", "head")
    assert Toy(backbone="bert-base-uncased").top_stages == ("layer10", "layer11", "head")
    with pytest.raises(ValueError, match="no backbone 'gpt2' for texts: choose from minilm, bert-base-uncased"):
        Toy(backbone="gpt2")
    assert sentences.ENCODERS == tuple(text.BACKBONES)
    with pytest.raises(ValueError, match="there is no pooling 'pooler': choose from mean, cls"):
        sentences.encoder("distilbert-base-uncased", pooling="pooler")


def test_bert_and_distilbert_are_read_as_the_hub_has_them(tmp_path, monkeypatch):
    """Tiny networks in the files' layout: BERT's with its old names of weights."""
    from safetensors.torch import save_file
    from transformers import BertConfig, BertForPreTraining, DistilBertConfig, DistilBertForMaskedLM

    torch.manual_seed(0)
    bert = BertForPreTraining(BertConfig(**TINY))
    distilbert = DistilBertForMaskedLM(DistilBertConfig(dim=16, n_layers=2, n_heads=2, hidden_dim=32))
    for name, model in (("bert-base-uncased", bert), ("distilbert-base-uncased", distilbert)):
        model.config.save_pretrained(tmp_path / name)
        tied = ("decoder.", "vocab_projector.weight")
        state = {key: value + 0.5 for key, value in model.state_dict().items() if not any(t in key for t in tied)}
        if model is bert:
            old = {"LayerNorm.weight": "LayerNorm.gamma", "LayerNorm.bias": "LayerNorm.beta"}
            for new, key in [(key, key) for key in list(state)]:
                for plain, before in old.items():
                    key = key.replace(plain, before)
                state[key] = state.pop(new)
        save_file(state, tmp_path / name / "model.safetensors", metadata={"format": "pt"})
    monkeypatch.setattr(catalog, "path", lambda name, *_, **__: tmp_path / name)
    for name, source in (("bert-base-uncased", bert.bert), ("distilbert-base-uncased", distilbert.distilbert)):
        found = sentences.encoder(name, 3, "cls")
        ours, theirs = found.base_model.state_dict(), source.state_dict()
        assert ours and all(torch.equal(ours[key], theirs[key] + 0.5) for key in ours)
        out = found(**tokens.encode(TEXTS), labels=torch.tensor([0, 1, 2, 0]))
        assert out.logits.shape == (4, 3) and out.loss > 0 and list(adapt.stages(found))[-2:] == ["layer1", "head"]
        assert adapt.count(adapt.lora(found))[0] > 3 * 17


@pytest.mark.parametrize("name", tasks.names("text"))
def test_the_courses_sets_are_whole(name):
    task = tasks.get(name)
    counts = task.items.split.value_counts()
    assert set(counts.index) >= {"train", "tune", "tune_valid", "test"} and counts["train"] >= max(task.budgets)
    assert set(task.items.label) == set(task.classes) and task.items.number.notna().all()
    assert task.items.id.is_unique and task.items.text.is_unique and task.items.text.str.strip().all()


# --- the rival


def test_tfidf_learns_words_and_letters():
    texts, labels = ["good film", "a good book", "bad film", "a bad book"] * 3, [1, 1, 0, 0] * 3
    assert len(tfidf.grid()) == 8
    for settings in tfidf.grid():
        model = tfidf.fit_tfidf(texts, labels, **settings)
        assert model.predict(["good", "bad"]).tolist() == [1, 0]
    letters, whole = (tfidf.fit_tfidf(texts, labels, analyzer=analyzer) for analyzer in ("char_wb", "word"))
    assert letters.predict_proba(["goood"])[0, 1] > 0.6 and whole.predict_proba(["goood"])[0, 1] == pytest.approx(0.5)
    assert "a" in tfidf.vectorizer("word").fit(texts).vocabulary_


def test_the_rival_runs_as_part_of_a_task():
    task = Toy()
    score = task.rivals()["tfidf"](task.split("train"), "test", {"C": 10.0, "analyzer": "word"})
    assert score.value == 1.0 and task.rival_grid() == {"tfidf": tfidf.grid()}


# --- which words count


def test_word_effects_are_the_known_weights():
    model = WordCounts(good=2.0, awful=-3.0)
    found = words.word_effects(model, "good acting, awful ending")
    assert found.word.tolist() == ["good", "acting,", "awful", "ending"]
    assert found.effect.tolist() == pytest.approx([2.0, 0.0, -3.0, 0.0], abs=1e-3)
    assert words.word_effects(model, "good plot", target=0).effect.tolist() == pytest.approx([-2.0, 0.0], abs=1e-3)
    assert words.word_effects(model, "good").effect.tolist() == pytest.approx([2.0], abs=1e-3)
    with pytest.raises(ValueError, match="the text is empty"):
        words.word_effects(model, "  ")


def test_coloured_words_say_it_without_colour(capsys):
    models = {"plain": WordCounts(), "tuned": WordCounts(good=2.0, awful=-3.0)}
    words.coloured_words(models, "good but awful", ("bad", "good"))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "plain, good 0.50: good but awful"
    assert lines[1] == "tuned, good 0.27: good[+2.0] but awful[−3.0]" and "'good' (+)" in lines[2]
    assert words._span("<b>", 2.0) == (
        '<span style="background: rgba(0, 114, 178, 0.52); border-radius: 3px; padding: 1px 2px">&lt;b&gt;'
        "<sup>+2.0</sup></span>"
    )


def test_the_sentence_box(capsys):
    models = {"tuned": WordCounts(good=2.0)}
    words.try_sentence(models, ("bad", "good"), ["good", "so so"])
    table = capsys.readouterr().out.splitlines()
    assert "good 0.88" in table[1] and "0.50" in table[2]
    box, button, answer = words._sentence_widget(models, ("bad", "good"), ["good"]).children[1:4]
    for given, said in (("", "the text is empty"), ("good good", "good 0.98"), ("😀", "knows no sign")):
        box.value = given
        button.click()
        assert said in answer.value


@pytest.mark.parametrize("name", ["reviews", "finance_news"])
def test_the_recorded_steps_are_the_tuned_ones_and_random_weights_get_fourteen_passes(name):
    task = tasks.get(name)
    settings, table = recipes.tuned(task), results.load("text", name)
    for (recipe, budget), rows in table[table.steps > 0].groupby(["recipe", "budget"]):
        per_pass, wanted = steps_per_epoch(budget, task.batch_size), 0
        for phase in recipes.RECIPES[recipe].phases:
            least = {"scratch": 14}.get(recipe, 3) * per_pass
            wanted += max(settings[phase.settings]["steps"], least)
        assert rows.steps.tolist() == [wanted] * 5, (recipe, budget)
    assert set(table.recipe) == set(task.grid) and set(table.budget) == set(task.budgets)


def test_the_box_takes_a_network_and_a_classifier_side_by_side(capsys):
    counting = tfidf.fit_tfidf(["good plot", "awful plot", "good", "awful"], [1, 0, 1, 0], C=10.0, analyzer="word")
    words.try_sentence({"counting": counting}, ("bad", "good"), ["a good film"])
    assert "good 0." in capsys.readouterr().out
    effects = words.word_effects(counting, "a good film")
    assert effects.effect.idxmax() == 1
