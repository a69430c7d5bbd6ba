"""Ten broken fine-tunes as people report them, and for each a second one of the same kind in another domain.

A script is what the colleague should have run. ``broken`` takes the place of ``line``, and nothing else differs.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Literal

from ftlessons.lesson18 import runs
from ftlessons.lesson18.runs import Run

LOOP = """    loss = task.loss(model, batch)
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
    log(loss)"""


@dataclass(frozen=True)
class Case:
    """One way to break a fine-tune, in one domain.

    Attributes:
        cause: its key in ``CAUSES``.
        story: what the colleague says.
        script: the sound one; ``line`` stands in it once.
    """

    name: str
    cause: str
    domain: str
    story: str
    script: str
    line: str
    broken: str

    def text(self, fault: bool = True) -> str:
        """The script, as the colleague ran it or as it should be."""
        assert self.script.count(self.line) == 1, f"{self.name}: the line is not there once"
        return self.script.replace(self.line, self.broken) if fault else self.script

    def run(self, seed: int = 0, fault: bool = True) -> Run:
        """Run the script."""
        return runs.run(HEADER + self.text(fault), seed)


HEADER = "from ftlessons.lesson18.data import *\n"  # one line, so that a script's own lines count from 1 after it
Kind = Literal["training", "reading"]

# cause: (what it is called on the board, whether it acts while the weights move, or on what is read and scored)
CAUSES: dict[str, tuple[str, Kind]] = {
    "labels": ("labels in another order where it is scored", "reading"),
    "head": ("a head that the optimizer does not know", "training"),
    "statistics": ("frozen layers whose statistics move", "training"),
    "copies": ("copies or relatives of the test in the training", "reading"),
    "preprocessing": ("inputs prepared otherwise than in pre-training", "reading"),
    "lost_head": ("a new head that is not saved with the adapters", "training"),
    "group_rate": ("one group's learning rate far too high", "training"),
    "mode": ("scored in training mode", "reading"),
    "cut": ("inputs cut before the place that counts", "reading"),
    "unseen": ("a class that training never sees", "reading"),
}

ONE_RATE = "optimizer = torch.optim.AdamW(model.parameters(), lr=3e-4)\n"
GROUPS = "optimizer = torch.optim.AdamW(adapt.parameter_groups(model, 3e-3, decay=0.03))\n"
ALL_MOVES = f"""task = tasks.get("digits")
train, test = task.sample(10, seed), task.split("test")
model = task.pretrained()
adapt.replace_head(model, 10, seed=seed)
{ONE_RATE}adapt.train_mode(model, "eval")
for batch in batches(train, task, steps=25, seed=seed):
{LOOP}
"""
SPEECH_HEAD = """model = task.pretrained()
adapt.freeze(model)
adapt.replace_head(model, 10, seed=seed)
history = fit_head(model, train, task, lr=0.03, steps=150, batch_size=16, seed=seed)
score = accuracy(model.eval(), test, task)
"""
TEXT_HEAD = """model = task.pretrained()
adapt.freeze(model)
adapt.replace_head(model, task.n_outputs, seed=seed)
history = fit_head(model, train, task, lr=0.03, steps=100, batch_size=16, seed=seed)
score = accuracy(model.eval(), test, task)
"""
LORA_TEXT = f"""from peft import LoraConfig, PeftModel, get_peft_model
task = tasks.get("reviews")
train, test = task.sample(64, seed), some(task.split("test"), 80)
settings = LoraConfig(r=8, target_modules=["query", "value"], modules_to_save=["classifier"])
model = get_peft_model(task.pretrained(), settings)
optimizer = torch.optim.AdamW((p for p in model.parameters() if p.requires_grad), lr=3e-3)
model.train()
for batch in batches(train, task, steps=30, seed=seed):
{LOOP}
folder, scores = TemporaryDirectory().name, []
model.save_pretrained(folder)
for server in (1, 2, 3):
    torch.manual_seed(server)
    served = PeftModel.from_pretrained(task.pretrained(), folder)
    scores.append(accuracy(served.eval(), test, task))
score = sum(scores) / 3
"""
SOUNDS = """task = tasks.get("digits")
train, test = drawn_sounds(10, seed)
model = task.pretrained()
"""

CASES = (
    Case(
        "shuffled", "labels", "vision",
        "The loss is as low as it gets, and the test score is that of somebody who guesses.",
        ALL_MOVES + """names = "zero one two three four five six seven eight nine".split()
order = names
test = relabelled(test, [order.index(names[y]) for y in labels(test)])
score = accuracy(model.eval(), test, task)
""",
        "order = names\n", "order = sorted(names)\n",
    ),
    Case(
        "sluggish", "head", "vision",
        "It learns, only slowly. Perhaps these digits are harder than last month's?",
        ALL_MOVES.replace(ONE_RATE, GROUPS) + "score = accuracy(model.eval(), test, task)\n",
        "adapt.replace_head(model, 10, seed=seed)\n" + GROUPS, GROUPS + "adapt.replace_head(model, 10, seed=seed)\n",
    ),
    Case(
        "two_heads", "statistics", "vision",
        "One frozen backbone serves two heads. I only trained a digits head. Since then the letters are read worse.",
        f"""task, letters = tasks.get("digits"), tasks.get("letters")
train, test = task.sample(10, seed), task.split("test")
model = task.pretrained()
adapt.freeze(model)
old = adapt.set_head(model, nn.Linear(512, 10))
optimizer = torch.optim.AdamW(model.fc.parameters(), lr=1e-2)
adapt.train_mode(model)
for batch in batches(train, task, steps=60, seed=seed):
{LOOP}
new = adapt.set_head(model, old)
score = accuracy(model.eval(), some(letters.split("test"), 500), letters)
adapt.set_head(model, new)
""",
        "adapt.train_mode(model)\n", "model.train()\n",
    ),
    Case(
        "brilliant", "copies", "vision",
        "Nearly everything right on held-out pictures! Only the pilot at the customer's goes badly.",
        """task = tasks.get("digits")
x, y, writer = archive(seed)
held_out = writer == writer.unique()[seed % 5]
train, test = TensorDataset(x[~held_out], y[~held_out]), TensorDataset(x[held_out], y[held_out])
model = task.pretrained()
adapt.freeze(model)
adapt.replace_head(model, 10, seed=seed)
history = fit_head(model, train, task, lr=0.01, steps=300, batch_size=16, seed=seed)
score = accuracy(model.eval(), test, task)
""",
        "held_out = writer == writer.unique()[seed % 5]\n", "held_out = torch.rand(len(y)) < 0.2\n",
    ),
    Case(
        "hoarse", "preprocessing", "speech",
        "New microphones, better sound, as many labels as before. The same recipe gets fewer words right.",
        """task = tasks.get("spoken_digits")
raw = recorded(task.sample(5, seed)), recorded(some(task.split("test"), 100))
recorder = 16_000  # samples a second
train, test = (at_rate(part, recorder, 8_000) for part in raw)
""" + SPEECH_HEAD,
        "recorder = 16_000", "recorder = 8_000",
    ),
    Case(
        "amnesiac", "lost_head", "language",
        "In the notebook it works. The three servers that load what was saved say three different things.",
        LORA_TEXT, ', modules_to_save=["classifier"]', "",
    ),
    Case(
        "bump", "group_rate", "robotics",
        "The arm could push and lift before I taught it to place. Now it can hardly reach.",
        f"""task = tasks.get("pick_and_place")
train, test = task.sample(10, seed), task.sample(5, seed, "tune")
model = task.pretrained()
first, rest = model.layer1.parameters(), nn.ModuleList([model.layer2, model.layer3, model.head]).parameters()
optimizer = torch.optim.AdamW([{{"params": first, "lr": 3e-4}}, {{"params": rest, "lr": 3e-4}}])
for batch in batches(train, task, steps=400, seed=seed):
{LOOP}
score = successes(task, model.eval())
""",
        '"params": first, "lr": 3e-4', '"params": first, "lr": 3e-2',
    ),
    Case(
        "moody", "mode", "vision",
        "The loss is fine, the batches that I looked at were right, and the test score is a disaster.",
        ALL_MOVES + """test = folders(test)
model.eval()
score = accuracy(model, test, task)
""",
        "model.eval()\n", "model.train()\n",
    ),
    Case(
        "hasty", "cut", "language",
        "It is fast and fits any computer. It just does not seem to understand what people write.",
        """task = fresh("reviews")
task.collate = collate_up_to(64)
train, test = task.sample(256, seed), some(task.split("test"), 120)
""" + TEXT_HEAD,
        "collate_up_to(64)", "collate_up_to(10)",
    ),
    Case(
        "blind_spot", "unseen", "speech",
        "A good score, a smooth loss, and one customer whose orders never arrive.",
        """task = tasks.get("spoken_digits")
train, test = task.sample(5, seed), some(task.split("test"), 100)
train = take(train, [i for i, y in enumerate(labels(train)) if y in range(10)])
""" + SPEECH_HEAD,
        "range(10)", "range(9)",
    ),
)  # fmt: skip

VARIANTS = (
    Case(
        "shuffled_words", "labels", "speech", "", """task = tasks.get("spoken_digits")
train, test = task.sample(5, seed), some(task.split("test"), 100)
order = list(task.classes)
test = relabelled(test, [order.index(task.classes[y]) for y in labels(test)])
""" + SPEECH_HEAD, "order = list(task.classes)\n", "order = sorted(task.classes)\n",
    ),
    Case(
        "sluggish_ear", "head", "speech", "", f"""task = tasks.get("spoken_digits")
train, test = task.sample(5, seed), some(task.split("test"), 100)
model = task.pretrained()
adapt.replace_head(model, 10, seed=seed)
{GROUPS}model.train()
for batch in batches(train, task, steps=40, seed=seed):
{LOOP}
score = accuracy(model.eval(), test, task)
""", "adapt.replace_head(model, 10, seed=seed)\n" + GROUPS, GROUPS + "adapt.replace_head(model, 10, seed=seed)\n",
    ),
    Case(
        "two_heads_sounds", "statistics", "speech", "", SOUNDS + f"""adapt.freeze(model)
letters, old = tasks.get("letters"), adapt.set_head(model, nn.Linear(512, 10))
optimizer = torch.optim.AdamW(model.fc.parameters(), lr=1e-2)
adapt.train_mode(model)
for batch in batches(train, task, steps=60, seed=seed):
{LOOP}
new = adapt.set_head(model, old)
score = accuracy(model.eval(), some(letters.split("test"), 500), letters)
adapt.set_head(model, new)
""", "adapt.train_mode(model)\n", "model.train()\n",
    ),
    Case(
        "brilliant_posts", "copies", "language", "", """task = tasks.get("reviews")
posts, whence = reposted(task.sample(64, seed), seed)
draw = torch.Generator().manual_seed(seed)
held_out = (torch.rand(64, generator=draw) < 0.25)[whence]
train, test = (take(posts, (held_out == part).nonzero()[:, 0].tolist()) for part in (False, True))
""" + TEXT_HEAD, "(torch.rand(64, generator=draw) < 0.25)[whence]", "torch.rand(len(posts), generator=draw) < 0.25",
    ),
    Case(
        "raw_ink", "preprocessing", "vision", "", """task = tasks.get("digits")
prepared = as_they_are
train, test = prepared(task.sample(10, seed)), prepared(task.split("test"))
model = task.pretrained()
adapt.freeze(model)
adapt.replace_head(model, 10, seed=seed)
history = fit_head(model, train, task, lr=0.01, steps=150, batch_size=16, seed=seed)
score = accuracy(model.eval(), test, task)
""", "prepared = as_they_are\n", "prepared = scanned\n",
    ),
    Case(
        "amnesiac_eye", "lost_head", "vision", "", LORA_TEXT.replace("reviews", "digits").replace(
            "task.sample(64, seed), some(task.split(\"test\"), 80)",
            "task.sample(10, seed), some(task.split(\"test\"), 300)",
        ).replace('["query", "value"]', '["conv1", "conv2"]').replace("classifier", "fc").replace(
            "model = get_peft_model(task.pretrained(), settings)",
            "base = task.pretrained()\nadapt.replace_head(base, 10, seed=seed)\nmodel = get_peft_model(base, settings)",
        ).replace("model.train()\n", "adapt.train_mode(model, \"eval\")\n").replace(
            "served = PeftModel.from_pretrained(task.pretrained(), folder)",
            "base = task.pretrained()\n    adapt.replace_head(base, 10, seed=server)\n"
            "    served = PeftModel.from_pretrained(base, folder)",
        ), ', modules_to_save=["fc"]', "",
    ),
    Case(
        "bump_eye", "group_rate", "vision", "", f"""task = tasks.get("digits")
train, test = task.sample(10, seed), task.split("test")
model = task.pretrained()
adapt.replace_head(model, 10, seed=seed)
late, rest = list(model.layer4.parameters()), [p for n, p in model.named_parameters() if "layer4" not in n]
optimizer = torch.optim.AdamW([{{"params": late, "lr": 3e-4}}, {{"params": rest, "lr": 3e-4}}])
adapt.train_mode(model, "eval")
for batch in batches(train, task, steps=40, seed=seed):
{LOOP}
score = accuracy(model.eval(), test, task)
""", '"params": late, "lr": 3e-4', '"params": late, "lr": 3e-2',
    ),
    Case(
        "moody_sounds", "mode", "speech", "", SOUNDS + f"""adapt.replace_head(model, 10, seed=seed)
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
model.train()
for batch in batches(train, task, steps=60, seed=seed):
{LOOP}
test = folders(test)
model.eval()
score = accuracy(model, test, task)
""", "model.eval()\n", "",
    ),
    Case(
        "hasty_ear", "cut", "speech", "", """task = tasks.get("spoken_digits")
longest = 3.0
train, test = (shortened(part, longest) for part in (task.sample(5, seed), some(task.split("test"), 100)))
""" + SPEECH_HEAD, "longest = 3.0\n", "longest = 0.3\n",
    ),
    Case(
        "blind_spot_news", "unseen", "language", "", """task = tasks.get("finance_news")
train, test = task.sample(96, seed), some(task.split("test"), 120)
train = take(train, [i for i, y in enumerate(labels(train)) if y in range(3)])
""" + TEXT_HEAD, "range(3)", "range(2)",
    ),
)  # fmt: skip


@cache
def case(name: str) -> Case:
    """The case or variant of that name.

    Raises:
        ValueError: there is none; the sentence lists the ten cases.
    """
    found = {each.name: each for each in (*CASES, *VARIANTS)}
    if name not in found:
        raise ValueError(f"there is no case {name!r}: choose from {', '.join(each.name for each in CASES)}")
    return found[name]

