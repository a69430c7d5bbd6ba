"""Recorded grids: read back, compared with live runs, and rebuilt without losing a finished run."""

from __future__ import annotations

import json
import math
import multiprocessing
import multiprocessing.dummy
from types import SimpleNamespace

import pandas as pd
import pytest

from authoring import grid, record
from ftlib import catalog, recipes, results, tasks
from ftlib.batches import steps_per_epoch
from ftlib.runtime import write_json
from ftlib.tasks import Task

COMMON = {"task": "digits", "budget_unit": "labels per class", "metric": "accuracy"}


def table(scores: dict[tuple[str, int], dict[int, float]]) -> pd.DataFrame:
    """Rows from ``{(recipe, budget): {seed: score}}``."""
    rows = [
        COMMON | {"recipe": recipe, "budget": budget, "seed": seed, "score": score, "source_score": math.nan}
        for (recipe, budget), values in scores.items()
        for seed, score in values.items()
    ]
    return pd.DataFrame(rows)


RECORDED = table({
    ("head", 1): {0: 0.8, 1: 0.9, 2: 0.85}, ("scratch", 1): {2: 0.45, 0: 0.5, 1: 0.4},
    ("head", 10): {0: 0.95, 1: 0.97}, ("late", 1): {1: 0.7, 2: 0.75, 9: 0.1},
})  # fmt: skip


# reading a table


def test_scores_are_indexed_and_sorted_by_seed():
    series = results.scores(RECORDED, "scratch", 1)
    assert series.index.tolist() == [0, 1, 2] and series.tolist() == [0.5, 0.4, 0.45]
    with pytest.raises(ValueError, match="no run with recipe 'scratch', budget 10"):
        results.scores(RECORDED, "scratch", 10)


def test_gain_pairs_seed_with_seed():
    gain = results.gain(RECORDED, "head", "scratch", 1)
    differences = [0.3, 0.5, 0.4]
    assert gain.value == pytest.approx(0.4)
    assert gain.high - gain.value == pytest.approx(4.3027 * 0.1 / math.sqrt(3), abs=1e-4)
    assert min(differences) > gain.low > 0


def test_gain_uses_the_seeds_that_both_have():
    assert results.gain(RECORDED, "head", "late", 1).value == pytest.approx((0.2 + 0.1) / 2)
    with pytest.raises(ValueError, match="at least two"):
        results.gain(table({("a", 1): {0: 1, 1: 1}, ("b", 1): {1: 1, 2: 1}}), "a", "b", 1)


def test_summary_has_a_row_for_each_recipe_and_budget():
    summary = results.summary(RECORDED).set_index(["recipe", "budget"])
    assert list(summary.columns) == ["value", "low", "high", "n"]
    assert summary.loc[("head", 1)].tolist()[::3] == pytest.approx([0.85, 3])
    assert summary.loc[("head", 10), "n"] == 2 and len(summary) == 4
    low, high = summary.loc[("head", 1), ["low", "high"]]
    assert low < 0.85 < high


def test_several_tasks_are_not_pooled():
    two = pd.concat([RECORDED.assign(task="digits"), RECORDED.assign(task="signs")])
    for use in (results.summary, lambda both: results.gain(both, "head", "scratch", 1)):
        with pytest.raises(ValueError, match=r"several tasks \(digits, signs\): choose one"):
            use(two)


def test_summary_leaves_out_what_has_no_interval():
    assert results.summary(table({("head", 1): {0: 0.8}})).empty
    assert results.summary(RECORDED, "source_score").empty


# live and recorded


@pytest.fixture
def strict(monkeypatch):
    monkeypatch.setenv("FTLIB_STRICT", "1")


@pytest.fixture
def relaxed(monkeypatch):
    monkeypatch.delenv("FTLIB_STRICT", raising=False)
    monkeypatch.delenv("CI", raising=False)


LIVE = {
    "near": table({("head", 1): {1: 0.92}, ("scratch", 1): {0: 0.48}}),
    "far": table({("head", 1): {1: 0.879}}),
}


def test_a_live_run_near_the_record_agrees(strict):
    found = results.check_live(LIVE["near"], RECORDED)
    assert list(found.columns) == ["recipe", "budget", "seed", "live", "recorded", "agrees"]
    assert found.live.tolist() == [0.92, 0.48] and found.recorded.tolist() == [0.9, 0.5]
    assert found.agrees.all()  # exactly 0.02 away still agrees


def test_a_live_run_far_from_the_record_raises_in_ci(strict):
    with pytest.raises(results.NotReproduced, match="more than 0.02"):
        results.check_live(LIVE["far"], RECORDED)
    assert results.check_live(LIVE["far"], RECORDED, tolerance=0.03).agrees.all()


def test_a_live_run_far_from_the_record_is_shown_to_a_learner(relaxed):
    assert results.check_live(LIVE["far"], RECORDED).agrees.tolist() == [False]


@pytest.mark.parametrize("live", [{("head", 1): {7: 0.9}}, {("head", 5): {0: 0.9}}, {("full", 1): {0: 0.9}}])
def test_a_live_run_without_a_record_is_refused(live, relaxed):
    with pytest.raises(ValueError, match="1 of the live runs were never recorded"):
        results.check_live(table(live), RECORDED)


# traces


def test_seconds_to_reach_the_best_of_the_rival():
    traces = pd.DataFrame(
        [
            ("scratch", 0, 1.0, 0.5), ("scratch", 0, 4.0, 0.8), ("scratch", 0, 6.0, 0.8),
            ("head", 0, 0.5, 0.7), ("head", 0, 1.5, 0.8), ("head", 0, 2.0, 0.9),
            ("scratch", 1, 3.0, 0.95), ("head", 1, 0.5, 0.9),
        ],
        columns=["recipe", "seed", "seconds", "score"],
    )  # fmt: skip
    found = results.seconds_to_reach_best_of(traces, rival="scratch", recipe="head")
    assert found.loc[0].to_dict() == {"target": 0.8, "rival": 4.0, "recipe": 1.5}
    assert found.loc[1, "rival"] == 3.0 and math.isnan(found.loc[1, "recipe"])


# files


@pytest.fixture
def data_dir(tmp_path, monkeypatch):
    monkeypatch.setattr(catalog, "data_dir", lambda: tmp_path)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "catalog.toml").write_text("")
    return tmp_path


def write_recorded(folder) -> None:
    about = {"task": "digits", "recipe": "head", "budget": 10}
    columns = RECORDED.astype(object).where(RECORDED.notna(), None).to_dict("list")
    traces = [about | {"seed": seed, "seconds": [1.0, 2.0], "score": [0.5, 0.6 + seed]} for seed in (0, 1)]
    write_json(folder / "results" / "vision.json", {"columns": columns, "traces": traces})


def test_load_gives_the_table_that_was_recorded(data_dir):
    with pytest.raises(FileNotFoundError, match="run `python -m authoring results vision`"):
        results.load("vision")
    write_recorded(data_dir)
    found = results.load("vision", "digits")
    assert found.score.tolist() == RECORDED.score.tolist() and found.source_score.isna().all()
    assert found.source_score.dtype == float
    with pytest.raises(ValueError, match="'letters'"):
        results.load("vision", "letters")


def test_load_traces_unrolls_them(data_dir):
    write_recorded(data_dir)
    traces = results.load_traces("vision", "digits")
    assert list(traces) == ["task", "recipe", "budget", "seed", "seconds", "score"] and len(traces) == 4
    assert traces[traces.seed == 1].score.tolist() == [0.5, 1.6]
    with pytest.raises(ValueError, match="'letters'"):
        results.load_traces("vision", "letters")


# running a grid


@pytest.fixture
def threads(monkeypatch):
    """Threads in place of processes, which would have to import everything again."""
    get_context = multiprocessing.get_context
    monkeypatch.setattr(
        multiprocessing,
        "get_context",
        lambda kind=None: multiprocessing.dummy if kind == "spawn" else get_context(kind),
    )


class Counter:
    """A job that notes what it was called with."""

    def __init__(self):
        self.calls = []

    def __call__(self, name: str, number: int) -> dict:
        self.calls.append((name, number))
        return {"name": name, "square": number**2}


JOBS = [("a", 1), ("b", 2), ("a", 3)]
ROWS = [{"name": "a", "square": 1}, {"name": "b", "square": 4}, {"name": "a", "square": 9}]


def test_map_returns_rows_in_the_order_of_the_jobs_and_runs_none_twice(tmp_path, threads):
    done, count = tmp_path / "new" / "done.jsonl", Counter()
    assert grid.run_jobs(count, JOBS[:2], done, 2) == ROWS[:2] and sorted(count.calls) == sorted(JOBS[:2])
    assert grid.run_jobs(count, JOBS, done, 2) == ROWS and count.calls[2:] == [("a", 3)]
    assert len(done.read_text().splitlines()) == 3
    done.write_text(done.read_text()[: done.read_text().rindex('"square"')])  # a line that was cut off
    assert grid.run_jobs(count, JOBS, done, 1) == ROWS and len(count.calls) == 4
    assert grid.run_jobs(count, JOBS, done, 1) == ROWS and len(count.calls) == 4


def test_map_keeps_what_was_finished_before_a_job_failed(tmp_path, threads):
    done = tmp_path / "done.jsonl"

    def job(name: str, number: int) -> dict:
        if number == 3:
            raise RuntimeError("stopped")
        return {"name": name, "square": number**2}

    with pytest.raises(RuntimeError, match="stopped"):
        grid.run_jobs(job, JOBS, done, 1)
    count = Counter()
    assert grid.run_jobs(count, JOBS, done, 1) == ROWS and count.calls == [("a", 3)]


@pytest.mark.parametrize("kind", ["checkpoint", "dataset"])
def test_unfinished_grids_of_another_state_of_the_data_are_not_used(data_dir, kind):
    entry = '[net]\nkind = "{kind}"\ntitle = "t"\nlicence = "MIT"\nsources = [{{ from = "data", path = "x" }}]\n'
    entry += 'files = [{{ path = "w", size = 1, sha256 = "{sha}" }}]\n'
    (data_dir / "catalog.toml").write_text(entry.format(kind=kind, sha="0" * 64))
    before = grid.kept_in("tune-digits")
    (data_dir / "catalog.toml").write_text(entry.format(kind=kind, sha="1" * 64))
    assert grid.kept_in("tune-digits") != before and grid.kept_in("x") != grid.kept_in("y")


# tuning and recording, with a made-up world in place of training


def made_up(task, name, budget, seed, settings, train, test) -> dict:
    """Scores that are best at lr 1e-3 with 300 steps, C 10 and gamma 0.03."""
    own = {key: value for key, value in settings[name].items() if key != "precision"}
    right = own == {"lr": 1e-3, "steps": 300} or own == {"C": 10.0, "gamma": 0.03}
    score = 0.5 + 0.3 * right + 0.01 * seed + (0.05 if train == "tune" else 0)
    about = COMMON | {"task": task, "recipe": name, "budget": budget, "seed": seed, "score": score}
    return dict.fromkeys(recipes.COLUMNS) | about | {"seconds": 1.0, "steps": 300, "trainable_parameters": 10}


@pytest.fixture
def made_up_world(data_dir, threads, monkeypatch):
    calls = []

    def trace(task, name, budget, seed, settings, every):
        about = {"task": task, "recipe": name, "budget": budget, "seed": seed}
        return about | {"seconds": [0.1], "score": [0.5]}

    monkeypatch.setattr(record, "_one", lambda *job: calls.append(job) or made_up(*job))
    monkeypatch.setattr(record, "_trace", trace)
    return calls


def test_every_recipe_and_rival_gets_as_many_candidates():
    task = tasks.get("digits")
    counts = {name: len(recipes.candidates(task, name)) for name in tasks.get("digits").grid}
    assert set(counts.values()) == {8}
    assert all(
        len({json.dumps(c, sort_keys=True) for c in recipes.candidates(task, name)}) == 8
        for name in tasks.get("digits").grid
    )
    assert set(tasks.get("digits").grid) <= set(recipes.RECIPES) | set(task.rivals())


def test_tune_chooses_the_best_of_what_it_tried_and_sees_no_training_and_no_test_label(made_up_world, data_dir):
    chosen = record.tune("vision")
    found = chosen["digits"]["settings"]
    assert found["svm"] == {"C": 10.0, "gamma": 0.03}
    assert all(found[name] == {"lr": 1e-3, "steps": 300} for name in tasks.get("digits").grid if name != "svm")
    assert json.loads((data_dir / "results" / "vision_tuned.json").read_text()) == chosen
    assert recipes.tuned(tasks.get("digits")) == found
    assert chosen["digits"]["pool"] == {"tune": 256, "tune_valid": 260}
    assert len(chosen["digits"]["tried"]) == 8 * len(tasks.get("digits").grid)
    assert {frozenset(job[5:]) for job in made_up_world} == {frozenset({"tune", "tune_valid"})}
    efforts = pd.Series([job[1] for job in made_up_world]).value_counts()
    assert efforts.nunique() == 1  # the same number of runs for each recipe and rival
    heads = [job[4]["head"] for job in made_up_world if job[1] == "head_then_all"]
    assert heads and all(head == {"lr": 1e-3, "steps": 300} for head in heads)  # on top of the tuned head


def test_what_makes_tuning_cheaper_reaches_recipes_and_no_rival_and_is_not_recorded(made_up_world, monkeypatch):
    monkeypatch.setattr(type(tasks.get("digits")), "tune_options", {"precision": "bf16"})
    chosen = record.tune("vision")
    assert "precision" not in json.dumps(chosen)
    for job in made_up_world:
        assert all(("precision" in values) == (name in recipes.RECIPES) for name, values in job[4].items())


def test_a_task_says_with_which_draws_it_is_tuned(made_up_world, monkeypatch):
    task = tasks.get("digits")
    monkeypatch.setattr(type(task), "tune_seeds", (0,))
    record.tune("vision")
    assert {job[3] for job in made_up_world} == {0}
    assert len(made_up_world) == len(task.grid) * 8 * len(task.tune_budgets) * 2


def test_a_task_may_offer_passes_the_same_to_every_recipe_and_rival(made_up_world, monkeypatch):
    monkeypatch.setattr(type(tasks.get("digits")), "tune_passes", (3, 7, 14))
    for name in ("head", "scratch", "lora"):
        found = recipes.candidates(tasks.get("digits"), name)
        assert len(found) == 12 and {one["passes"] for one in found} == {3, 7, 14} and "steps" not in found[0]
    manuals = tasks.get("manuals")
    assert {len(recipes.candidates(manuals, name)) for name in manuals.grid if name != "zero_shot"} == {12}


def test_what_is_not_trained_is_scored_once(monkeypatch):
    calls = []
    row = {"recipe": "zero_shot", "score": 0.4, "budget": 1, "seed": 0}
    run = SimpleNamespace(row=row)
    monkeypatch.setattr(recipes, "run", lambda *job, **options: calls.append(job) or run)
    record._untouched.cache_clear()
    rows = [record._one("manuals", "zero_shot", budget, 1, {}, "train", "test") for budget in (25, 50)]
    record._untouched.cache_clear()
    assert len(calls) == 1
    assert [(one["budget"], one["seed"], one["score"]) for one in rows] == [(25, 1, 0.4), (50, 1, 0.4)]


def test_record_runs_the_whole_grid_and_saves_it(made_up_world, data_dir):
    record.tune("vision")
    made_up_world.clear()
    recorded = record.record_grid("vision", seeds=2)
    task, names = tasks.get("digits"), tasks.get("digits").grid
    assert len(recorded) == len(made_up_world) == 2 * len(task.budgets) * len(names)
    assert {job[5:] for job in made_up_world} == {("train", "test")}
    content = json.loads((data_dir / "results" / "vision.json").read_text())
    assert content["versions"]["torch"] and content["threads"] == 1 and content["seconds"] == len(recorded)
    loaded = results.load("vision", "digits")
    assert loaded.score.tolist() == recorded.score.tolist() and tuple(loaded.columns) == recipes.COLUMNS
    assert len(results.load_traces("vision", "digits")) == 2 * len(Task.traced)


# what the lessons show


@pytest.fixture(scope="module")
def recorded() -> pd.DataFrame:
    return results.load("vision", "digits")


@pytest.fixture(scope="module")
def tuning() -> dict:
    return json.loads((catalog.data_dir() / "results" / "vision_tuned.json").read_text())["digits"]


def test_the_recorded_grid_is_whole(recorded):
    seeds = recorded.groupby(["recipe", "budget"]).seed.agg(["nunique", "size"])
    expected = {(name, budget) for name in tasks.get("digits").grid for budget in tasks.get("digits").budgets}
    assert set(seeds.index) == expected
    assert (seeds["nunique"] >= 10).all() and (seeds["nunique"] == seeds["size"]).all()
    assert tuple(recorded.columns) == recipes.COLUMNS


def test_the_recorded_values_make_sense(recorded):
    assert recorded.score.between(0, 1).all() and (recorded.seconds > 0).all()
    forgets = ~recorded.recipe.isin(["scratch", *tasks.get("digits").rivals()])
    assert recorded.source_score[forgets].between(0, 1).all() and recorded.source_score[~forgets].isna().all()
    heads = recorded[recorded.recipe == "head"]
    assert (heads.trainable_parameters == 5130).all()
    assert heads.source_score.nunique() == 1  # a frozen backbone forgets nothing


def test_the_recorded_steps_are_the_tuned_ones(recorded, tuning):
    settings, task = tuning["settings"], tasks.get("digits")
    for name, group in recorded[recorded.steps > 0].groupby("recipe"):
        for budget, rows in group.groupby("budget"):
            least = task.min_passes * steps_per_epoch(10 * budget, task.batch_size)
            phases = recipes.RECIPES[name].phases
            assert (rows.steps == sum(max(settings[phase.settings]["steps"], least) for phase in phases)).all(), name


def test_the_tuned_settings_are_the_best_of_what_was_tried(tuning):
    tried = pd.DataFrame(tuning["tried"])
    assert set(tuning["settings"]) == set(tasks.get("digits").grid)
    for name, chosen in tuning["settings"].items():
        candidates = recipes.candidates(tasks.get("digits"), name)
        log = tried[tried.name == name]
        assert chosen in candidates
        assert sorted(log.candidate) == sorted(json.dumps(candidate) for candidate in candidates)
        own = log[log.candidate == json.dumps(chosen)].score.item()
        assert log.score.max() - recipes.AS_GOOD - 1e-3 <= own <= 1, name
        shorter = log[log.candidate.map(lambda text: json.loads(text).get("steps", 0)) < chosen.get("steps", 0)]
        assert (shorter.score <= log.score.max() - recipes.AS_GOOD + 1e-3).all(), name


def test_gains_names_each_budget_and_takes_any_column():
    rows = [("a", 1, 0, 0.9, 0.5), ("a", 1, 1, 0.8, 0.6), ("b", 1, 0, 0.7, 0.1), ("b", 1, 1, 0.7, 0.2)]
    table = pd.DataFrame(rows, columns=["recipe", "budget", "seed", "score", "source_score"])
    table["budget_unit"] = "labels per class"
    found = results.gains(table, "a", "b", [1], ", letters", "source_score")
    assert list(found) == ["1 per class, letters"]
    assert found["1 per class, letters"].value == pytest.approx(0.4)
    assert results.gains(table, "a", "b", [1])["1 per class"].value == pytest.approx(0.15)


def test_of_settings_that_are_as_good_the_shortest_wins():
    rows = [(1e-2, 300, 0.900), (1e-3, 100, 0.896), (1e-2, 100, 0.897), (1e-4, 50, 0.894)]
    tried = pd.DataFrame(
        {"candidate": [json.dumps({"lr": lr, "steps": steps}) for lr, steps, _ in rows], "score": [r[2] for r in rows]}
    )
    assert recipes.choose(tried) == {"lr": 1e-2, "steps": 100}
    passes = pd.DataFrame({"candidate": ['{"lr": 1, "passes": 7}', '{"lr": 1, "passes": 3}'], "score": [0.702, 0.7]})
    assert recipes.choose(passes) == {"lr": 1, "passes": 3}
    rival = pd.DataFrame({"candidate": ['{"C": 1.0}', '{"C": 10.0}'], "score": [0.7, 0.702]})
    assert recipes.choose(rival) == {"C": 10.0}


def test_the_recorded_traces_reach_the_recorded_scores(recorded):
    traces = results.load_traces("vision", "digits")
    assert set(traces.recipe) == set(Task.traced) and traces.score.between(0, 1).all()
    assert traces.groupby(["recipe", "seed"]).seconds.is_monotonic_increasing.all()
    last = traces.groupby(["recipe", "seed"]).score.last()
    for (recipe, seed), score in last.items():
        assert results.scores(recorded, recipe, Task.trace_budget)[seed] == pytest.approx(score, abs=0.02)


def test_what_lesson_03_says_in_words_is_what_was_recorded(recorded, tuning):
    assert all(results.gain(recorded, "svm", "scratch", budget).low > 0 for budget in (1, 2))
    assert results.gain(recorded, "head_then_all", "head_then_all_moving_bn", 1).low > 0
    assert abs(results.gain(recorded, "head", "full", 10).value) < 0.02
    assert abs(results.gain(recorded, "head", "head_then_all", 50).value) < 0.005
    assert tuning["settings"]["full"]["lr"] > 3 * tuning["settings"]["head_then_all"]["lr"]
    letters = recorded[recorded.budget == 1].groupby("recipe").source_score.mean()
    assert letters.idxmin() == "lora" and letters.idxmax() == "head"
    rows = recorded[recorded.budget == 10].groupby("recipe")[["seconds", "trainable_parameters"]].mean()
    assert rows.seconds["top"] < rows.seconds["full"]
    assert 900 < rows.trainable_parameters["full"] / rows.trainable_parameters["head"] < 1000
