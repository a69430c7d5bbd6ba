from __future__ import annotations

import copy

import pytest
import torch
import torchvision.models as tv
import transformers as tf
from torch import nn

from ftlib import adapt
from ftlib.models.resnet import resnet10

tf.logging.set_verbosity_error()
SIZES = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
TEXT = SIZES | {"vocab_size": 50, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
DISTILBERT = {"dim": 16, "n_layers": 2, "n_heads": 2, "hidden_dim": 32, "vocab_size": 50}
GPT2 = {"n_embd": 16, "n_layer": 2, "n_head": 2, "vocab_size": 50, "pad_token_id": 0}
GPT2 |= {"bos_token_id": 1, "eos_token_id": 2}


def bert(cls=tf.BertForSequenceClassification):
    return cls(tf.BertConfig(**TEXT))


def roberta():
    return tf.RobertaForSequenceClassification(tf.RobertaConfig(**TEXT))


def distilbert():
    return tf.DistilBertForSequenceClassification(tf.DistilBertConfig(**DISTILBERT))


def gpt2(cls=tf.GPT2ForSequenceClassification):
    return cls(tf.GPT2Config(**GPT2))


def vit():
    return tv.VisionTransformer(16, 8, num_layers=2, num_heads=2, hidden_dim=16, mlp_dim=32, num_classes=5)


def convnext():
    from torchvision.models.convnext import CNBlockConfig

    return tv.ConvNeXt([CNBlockConfig(8, 16, 1), CNBlockConfig(16, None, 1)], num_classes=5)


def mobilenet():
    return tv.MobileNetV2(num_classes=5, width_mult=0.1)


def vgg():
    from torchvision.models.vgg import VGG, make_layers

    with torch.device("meta"):
        model = VGG(make_layers([4, "M", 8, "M"], batch_norm=True), num_classes=5, init_weights=False)
    model.avgpool = nn.AdaptiveAvgPool2d(1)
    for place, sizes in {0: (8, 12), 3: (12, 12), 6: (12, 5)}.items():
        model.classifier[place] = nn.Linear(*sizes)
    model.features = make_layers([4, "M", 8, "M"], batch_norm=True)
    return model


def inception():
    return tv.Inception3(num_classes=5, init_weights=False)


def googlenet():
    return tv.GoogLeNet(num_classes=5, init_weights=False)


def on_meta(build):
    def make():
        with torch.device("meta"):
            return build()

    return make


def blocks(n, *then):
    return [*(f"block{i}" for i in range(1, n + 1)), *then]


WAV2VEC = tf.Wav2Vec2Config(
    conv_dim=(8,), conv_kernel=(3,), conv_stride=(2,), num_conv_pos_embeddings=4, num_conv_pos_embedding_groups=2,
    num_feat_extract_layers=1, feat_extract_norm="layer", **SIZES,
)  # fmt: skip
T5 = tf.T5Config(d_model=16, d_kv=8, num_layers=1, num_heads=2, d_ff=32, vocab_size=50)
BODY = [f"layer{i}" for i in range(1, 5)]
TRANSFORMER = ["embeddings", "layer0", "layer1"]
POOLED = [*TRANSFORMER, "pooler", "head"]
INCEPTION = [[f"{kind}{i}" for i in numbers] for kind, numbers in (("mixed", (5, 6, 7)), ("inception", (3, 4, 5)))]
FAMILIES = {
    "resnet10": (resnet10, ["stem", *BODY, "head"], "fc"),
    "resnet50": (on_meta(tv.resnet50), ["stem", *BODY, "head"], "fc"),
    "vgg16_bn": (on_meta(tv.vgg16_bn), blocks(5, "hidden", "head"), "classifier.6"),
    "alexnet": (on_meta(tv.alexnet), blocks(3, "hidden", "head"), "classifier.6"),
    "inception_v3": (on_meta(inception), ["stem", *INCEPTION[0], "head"], "fc"),
    "googlenet": (on_meta(googlenet), ["stem", *INCEPTION[1], "head"], "fc"),
    "vit": (vit, ["stem", "layer0", "layer1", "head"], "heads.head"),
    "convnext_tiny": (on_meta(tv.convnext_tiny), ["stem", *blocks(4, "head")], "classifier.2"),
    "efficientnet_b0": (on_meta(tv.efficientnet_b0), ["stem", *blocks(5, "head")], "classifier.1"),
    "mobilenet_v2": (on_meta(tv.mobilenet_v2), ["stem", *blocks(5, "head")], "classifier.1"),
    "mobilenet_v3_small": (on_meta(tv.mobilenet_v3_small), ["stem", *blocks(4, "hidden", "head")], "classifier.3"),
    "densenet121": (on_meta(tv.densenet121), blocks(5, "head"), "classifier"),
    "swin_t": (on_meta(tv.swin_t), ["features", "norm", "head"], "head"),
    "bert": (bert, POOLED, "classifier"),
    "roberta": (roberta, POOLED, "classifier.out_proj"),
    "xlm_roberta": (  # registers its head before the encoder
        lambda: tf.XLMRobertaForSequenceClassification(tf.XLMRobertaConfig(**TEXT)), POOLED, "classifier.out_proj",
    ),
    "wav2vec2": (  # two lists of layers, weight norm
        lambda: tf.Wav2Vec2ForSequenceClassification(WAV2VEC), [*TRANSFORMER, "layer2", "pooler", "head"], "classifier",
    ),
    "distilbert": (distilbert, POOLED, "classifier"),
    "gpt2": (gpt2, [*TRANSFORMER, "head"], "score"),
    "t5": (lambda: tf.T5ForSequenceClassification(T5), POOLED, "classification_head.out_proj"),
    "albert": (
        lambda: tf.AlbertForSequenceClassification(tf.AlbertConfig(embedding_size=8, **TEXT)),
        ["embeddings", "layer0", "pooler", "head"], "classifier",
    ),
    "hf_vit": (
        lambda: tf.ViTForImageClassification(tf.ViTConfig(image_size=16, patch_size=8, **SIZES)),
        [*TRANSFORMER, "head"], "classifier",
    ),
}  # fmt: skip


def tokens(n=3, length=6):
    ids = torch.arange(n * length).reshape(n, length) % 40 + 3
    return {"input_ids": ids, "attention_mask": torch.ones_like(ids)}


def images(n=2, size=32):
    return torch.randn(n, 3, size, size, generator=torch.Generator().manual_seed(1))


def snapshot(model):
    return {k: v.clone() for k, v in model.state_dict().items()}


def body_names(model):
    return [name for name in adapt.stages(model) if name != "head"]


# ---------------------------------------------------------------------------------------------- stages


@pytest.mark.parametrize("family", FAMILIES)
def test_stages_hold_every_parameter_once_in_order_and_the_head_alone_is_the_head(family):
    build, names, head = FAMILIES[family]
    model = build()
    table = adapt.stages(model)
    assert list(table) == names
    held = [id(p) for parts in table.values() for part in parts for p in part.parameters()]
    assert len(held) == len(set(held))
    assert set(held) == {id(p) for p in model.parameters()}
    assert all(isinstance(part, nn.Module) for parts in table.values() for part in parts)
    assert adapt.get_head(model) is model.get_submodule(head)
    auxiliary = [m for m in (getattr(model, n, None) for n in ("AuxLogits", "aux1", "aux2")) if m is not None]
    assert set(map(id, table["head"])) == {id(m) for m in [*auxiliary, adapt.get_head(model)]}


def test_stages_of_inception_without_auxiliary_head():
    with torch.device("meta"):
        model = tv.Inception3(num_classes=5, init_weights=False, aux_logits=False)
    assert adapt.stages(model)["head"] == [model.fc]


def test_stages_of_unknown_network_fall_back_to_its_children():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.body, self.act, self.out = nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2)

    net = Net()
    assert adapt.stages(net) == {"body": [net.body], "head": [net.out]}
    assert adapt.get_head(net) is net.out
    net.scale = nn.Parameter(torch.ones(1))
    with pytest.raises(ValueError, match="'scale'"):
        adapt.stages(net)


def test_a_single_layer_is_all_head():
    head = nn.Linear(3, 2)
    assert adapt.stages(head) == {"head": [head]}
    assert [g["name"] for g in adapt.parameter_groups(head, 0.1)] == ["head", "head (no decay)"]
    assert adapt.stages(nn.ReLU()) == {"head": []}


def test_tied_and_missing_heads_leave_the_head_stage_empty():
    language = gpt2(tf.GPT2LMHeadModel)
    assert list(adapt.stages(language)) == ["embeddings", "layer0", "layer1", "head"]
    assert adapt.stages(language)["head"] == []
    masked = bert(tf.BertForMaskedLM)
    held = [id(p) for parts in adapt.stages(masked).values() for part in parts for p in part.parameters()]
    assert sorted(held) == sorted(id(p) for p in masked.parameters())
    assert adapt.stages(bert(tf.BertModel))["head"] == []


def test_count_and_describe_agree():
    model = resnet10(num_classes=7)
    adapt.freeze(model, "stem", "layer1")
    table = adapt.describe(model)
    assert table.index.name == "stage" and list(table.columns) == ["trainable", "total"]
    assert tuple(table.sum()) == adapt.count(model)
    assert tuple(table.loc["stem"]) == (0, 64 * 3 * 49 + 128)
    assert tuple(table.loc["head"]) == (512 * 7 + 7, 512 * 7 + 7)


# ------------------------------------------------------------------------------------ freeze, unfreeze


@pytest.mark.parametrize(
    ("part", "trained"),
    [("head", ["head"]), ("layer4", ["layer4", "head"]), ("stem", None), ("all", None)],
)
def test_train_from_freezes_what_comes_before(part, trained):
    model = resnet10(num_classes=4)
    adapt.freeze(model, "layer4", "head")  # whatever was frozen before
    change = adapt.train_from(model, part)
    moving = adapt.describe(model).trainable
    assert list(moving[moving > 0].index) == (trained or list(adapt.stages(model)))
    assert change.trainable_after == moving.sum() and change.trainable_before < change.total


def test_train_from_names_the_stages():
    with pytest.raises(ValueError, match="no stage 'top' to train from: choose all or one of stem, layer1"):
        adapt.train_from(resnet10(num_classes=4), "top")


def test_freeze_and_unfreeze_by_stage():
    model = resnet10(num_classes=10)
    everything = adapt.count(model)[1]
    change = adapt.freeze(model, "stem", "layer1", "layer2", "layer3", "layer4")
    assert str(change) == repr(change)
    assert str(change) == f"froze stem, layer1..layer4: {everything:,} -> 5,130 trainable parameters"
    assert [n for n, p in model.named_parameters() if p.requires_grad] == ["fc.weight", "fc.bias"]
    change = adapt.unfreeze(model, "layer4", "layer3")
    assert change.what == "unfroze layer3, layer4"
    assert (change.trainable_before, change.total) == (5130, everything)
    assert change.trainable_after == adapt.count(model)[0] > 5130
    assert model.layer3[0].conv1.weight.requires_grad and not model.layer2[0].conv1.weight.requires_grad
    assert adapt.freeze(model).trainable_after == 0
    assert adapt.unfreeze(model).trainable_after == everything


def test_frozen_weights_do_not_move_even_with_a_gradient_from_before():
    model = resnet10(num_classes=3)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.1)
    model(images()).sum().backward()
    adapt.freeze(model, *body_names(model))
    before = copy.deepcopy(dict(model.named_parameters()))
    optimizer.step()
    moved = {n for n, p in model.named_parameters() if not torch.equal(p, before[n])}
    assert moved == {"fc.weight", "fc.bias"}


def test_unknown_stage_is_refused_and_nothing_changes():
    model = resnet10()
    model.fc.requires_grad_(False)
    before = adapt.count(model)
    for operation in (adapt.freeze, adapt.unfreeze):
        for name in ("layer9", ["stem"]):
            with pytest.raises(ValueError, match=r"layer9|stem.*stem, layer1, layer2, layer3, layer4, head"):
                operation(model, "layer1", "head", name)
    assert adapt.count(model) == before


# ------------------------------------------------------------------------------------------ train_mode


@pytest.mark.parametrize(
    ("mode", "frozen_moves", "trained_moves"),
    [("frozen_eval", False, True), ("eval", False, False), ("train", True, True)],
)
def test_train_mode_decides_which_statistics_move(mode, frozen_moves, trained_moves):
    model = resnet10(num_classes=3)
    adapt.freeze(model, "stem", "layer1", "layer2")
    model.eval()
    adapt.train_mode(model, mode)
    before = snapshot(model)
    model(images())
    after = model.state_dict()

    def moved(name):
        return not torch.equal(before[name], after[name])

    assert moved("bn1.running_mean") is moved("layer2.0.bn2.running_var") is frozen_moves
    assert moved("layer3.0.bn1.running_mean") is moved("layer4.0.bn2.running_var") is trained_moves
    assert model.training and model.fc.training


def test_train_mode_is_the_default_and_undoes_itself():
    model = resnet10()
    adapt.freeze(model, "stem")
    adapt.train_mode(model)
    assert not model.bn1.training and model.layer1[0].bn1.training
    adapt.unfreeze(model)
    adapt.train_mode(model)
    assert all(m.training for m in model.modules())


def test_train_mode_turns_dropout_off_only_in_frozen_parts():
    model = bert()
    adapt.freeze(model, "embeddings", "layer0")
    adapt.train_mode(model)
    assert not model.bert.embeddings.dropout.training
    assert not any(m.training for m in model.bert.encoder.layer[0].modules())
    assert all(m.training for m in model.bert.encoder.layer[1].modules())
    assert model.dropout.training  # has no parameters: it belongs to the trained head
    deep = vgg()
    adapt.freeze(deep, "block1", "block2", "hidden")
    adapt.train_mode(deep)
    assert not deep.features[1].training and deep.classifier[5].training


def test_train_mode_refuses_an_unknown_choice():
    with pytest.raises(ValueError, match="'frozen_eval', 'eval', 'train', not 'freeze'"):
        adapt.train_mode(resnet10(), "freeze")


# ---------------------------------------------------------------------------------- get, replace head


@pytest.mark.parametrize("family", FAMILIES)
def test_replace_head_keeps_everything_before_it(family):
    build, _, path = FAMILIES[family]
    model = build()
    old, others = adapt.get_head(model), {n: id(p) for n, p in model.named_parameters()}
    change = adapt.replace_head(model, 4, seed=0)
    new = model.get_submodule(path)
    assert adapt.get_head(model) is new is not old
    assert (new.in_features, new.out_features) == (old.in_features, 4)
    assert (new.bias is None) == (old.bias is None)
    assert new.weight.device == old.weight.device and new.weight.dtype == old.weight.dtype
    replaced = {n.rsplit(".", 1)[0] for n, p in model.named_parameters() if id(p) != others[n]}
    auxiliary = {"inception_v3": {"AuxLogits.fc"}, "googlenet": {"aux1.fc2", "aux2.fc2"}}.get(family, set())
    assert replaced == {path} | auxiliary
    assert all(model.get_submodule(name).out_features == 4 for name in auxiliary)
    assert change.total == adapt.count(model)[1] and path in str(change)


def test_replace_head_of_inception_serves_both_heads():
    model = inception()
    adapt.replace_head(model, 3)
    adapt.freeze(model, *body_names(model))
    adapt.train_mode(model)
    with torch.no_grad():
        main, auxiliary = model(images(2, 299))
    assert main.shape == auxiliary.shape == (2, 3)


def test_replace_head_with_seed_equals_plain_torch_and_leaves_the_global_generator_alone():
    model = resnet10()
    torch.manual_seed(7)
    plain = nn.Linear(512, 10)
    torch.manual_seed(123)
    state = torch.get_rng_state()
    adapt.replace_head(model, 10, seed=7)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(model.fc.weight, plain.weight) and torch.equal(model.fc.bias, plain.bias)
    torch.manual_seed(7)
    adapt.replace_head(model, 10)  # no seed: the global generator, as plain torch
    assert torch.equal(model.fc.weight, plain.weight) and torch.equal(model.fc.bias, plain.bias)
    assert not torch.equal(torch.get_rng_state(), state)


def test_replace_head_keeps_dtype_and_makes_the_head_trainable():
    model = resnet10().to(torch.bfloat16)
    adapt.freeze(model)
    change = adapt.replace_head(model, 10)
    assert model.fc.weight.dtype == torch.bfloat16
    assert (change.trainable_before, change.trainable_after) == (0, 5130)


@pytest.mark.parametrize("build", [bert, roberta, distilbert, gpt2])
def test_replace_head_tells_a_transformer_its_task(build):
    model = build().eval()
    adapt.replace_head(model, 5)
    assert model.num_labels == model.config.num_labels == len(model.config.id2label) == 5
    labels = torch.tensor([0, 4, 2])
    out = model(**tokens(), labels=labels)
    assert torch.allclose(out.loss, nn.functional.cross_entropy(out.logits, labels))
    change = adapt.replace_head(model, kind="regression")
    assert model.config.problem_type == "regression" and "1 output, regression" in str(change)
    target = torch.tensor([0.5, -1.0, 2.0])
    out = model(**tokens(), labels=target)
    assert out.logits.shape == (3, 1)
    assert torch.allclose(out.loss, nn.functional.mse_loss(out.logits[:, 0], target))
    adapt.replace_head(model, 2)
    assert model.config.problem_type == "single_label_classification"


@pytest.mark.parametrize(
    ("arguments", "options", "words"),
    [
        ((1,), {}, "n_outputs >= 2, got 1; to predict one number, pass kind='regression'"),
        ((), {}, "n_outputs >= 2, got None"),
        ((2.5,), {}, "got 2.5"),
        ((0,), {"kind": "regression"}, "n_outputs >= 1, got 0"),
        ((3,), {"kind": "ranking"}, "not 'ranking'"),
    ],
)
def test_replace_head_refuses_wrong_arguments(arguments, options, words):
    model = resnet10()
    old = model.fc
    with pytest.raises(ValueError, match=words):
        adapt.replace_head(model, *arguments, **options)
    assert model.fc is old


def headless():
    model = resnet10()
    model.fc = nn.Identity()
    return model


@pytest.mark.parametrize(
    "build", [headless, lambda: bert(tf.BertModel), on_meta(tv.squeezenet1_0), lambda: nn.Linear(2, 2)]
)
def test_models_without_linear_head_are_refused(build):
    model = build()
    with pytest.raises(ValueError, match=f"{type(model).__name__} has no linear head"):
        adapt.get_head(model)
    with pytest.raises(ValueError, match="no linear head"):
        adapt.replace_head(model, 3)
    with pytest.raises(ValueError, match="no linear head"), adapt.features(model):
        pass


def test_set_head_swaps_a_head_in_and_out():
    model = resnet10(num_classes=5).eval()
    own, other = model.fc, nn.Linear(512, 3)
    assert adapt.set_head(model, other) is own
    assert adapt.get_head(model) is other
    assert model(images()).shape == (2, 3)
    assert adapt.set_head(model, own) is other
    assert model.fc is own
    with pytest.raises(ValueError, match="no linear head"):
        adapt.set_head(headless(), other)


def test_replace_head_refuses_language_models():
    with pytest.raises(ValueError, match="GPT2LMHeadModel predicts tokens"):
        adapt.replace_head(gpt2(tf.GPT2LMHeadModel), 3)


# -------------------------------------------------------------------------------------------- features


@pytest.mark.parametrize("build", [resnet10, vit, convnext, mobilenet, vgg, bert, roberta, distilbert, gpt2])
def test_head_on_features_equals_the_whole_model(build):
    model = build()
    batch = {"x": images(size=16 if build is vit else 32)}
    if build in (bert, roberta, distilbert, gpt2):
        batch = tokens() | {"labels": torch.tensor([0, 1, 0])}
    args = [batch.pop("x")] if "x" in batch else []
    model.train()
    head = adapt.get_head(model)
    with torch.no_grad():
        with adapt.features(model) as backbone:
            z = backbone(*args, **batch)
        assert all(m.training for m in model.modules()) and adapt.get_head(model) is head
        assert z.shape == (len(z), head.in_features)
        out = model.eval()(*args, **batch)
        assert torch.allclose(head(z), getattr(out, "logits", out), atol=1e-5)


def test_features_restore_head_and_modes_after_an_exception():
    model = resnet10()
    adapt.freeze(model, "stem")
    adapt.train_mode(model)
    head, modes = model.fc, [m.training for m in model.modules()]
    with pytest.raises(ZeroDivisionError), adapt.features(model) as backbone:
        assert not backbone.training and isinstance(model.fc, nn.Identity)
        raise ZeroDivisionError
    assert model.fc is head and [m.training for m in model.modules()] == modes
    assert len(set(modes)) == 2


# ------------------------------------------------------------------------------------ parameter groups


def test_parameter_groups_give_earlier_stages_lower_rates():
    model = resnet10(num_classes=10)
    adapt.freeze(model, "stem", "layer1")
    groups = adapt.parameter_groups(model, 0.1, decay=0.5, weight_decay=0.02)
    rates = {g["name"]: g["lr"] for g in groups}
    assert rates["head"] == rates["head (no decay)"] == 0.1
    assert rates["layer4"] == pytest.approx(0.05) and rates["layer2 (no decay)"] == pytest.approx(0.0125)
    assert [n.split()[0] for n in rates] == [s for s in (*BODY[1:], "head") for _ in (0, 1)]
    held = [id(p) for g in groups for p in g["params"]]
    assert len(held) == len(set(held))
    assert set(held) == {id(p) for p in model.parameters() if p.requires_grad}
    decayed = {id(p) for g in groups if g["weight_decay"] == 0.02 for p in g["params"]}
    weights = (nn.Conv2d, nn.Linear)
    assert decayed == {id(m.weight) for m in model.modules() if isinstance(m, weights)} & set(held)
    assert all(g["weight_decay"] in (0.0, 0.02) for g in groups)
    torch.optim.AdamW(groups)


def test_parameter_groups_refuse_what_cannot_train():
    for wrong in ({"lr": 0.0}, {"lr": float("nan")}, {"decay": 0.0}, {"decay": 1.5}, {"weight_decay": -0.1}):
        with pytest.raises(ValueError, match="needs lr > 0"):
            adapt.parameter_groups(resnet10(), **({"lr": 0.1} | wrong))
    model = resnet10()
    adapt.freeze(model)
    with pytest.raises(ValueError, match="nothing is trainable"):
        adapt.parameter_groups(model, 0.1)


# ------------------------------------------------------------------------------------------------ LoRA


@pytest.mark.parametrize("build", [resnet10, vgg, bert, roberta, distilbert, gpt2])
def test_lora_trains_adapters_and_head_only_and_starts_where_the_model_was(build):
    model = build().eval()
    batch = {} if build in (resnet10, vgg) else tokens()
    args = [] if batch else [images()]
    with torch.no_grad():
        before = model(*args, **batch)
    peft = adapt.lora(model, rank=2).eval()
    with torch.no_grad():
        after = peft(*args, **batch)
    assert torch.allclose(getattr(after, "logits", after), getattr(before, "logits", before), atol=1e-6)
    names = [n for n, p in peft.named_parameters() if p.requires_grad]
    assert any("lora_A" in n for n in names)
    assert all("lora_" in n or "modules_to_save" in n for n in names)
    head = adapt.get_head(peft)
    assert type(head) is nn.Linear and head.weight.requires_grad
    table = adapt.describe(peft)
    assert tuple(table.sum()) == adapt.count(peft)
    assert table.loc["head", "trainable"] >= sum(p.numel() for p in head.parameters())
    assert table.iloc[0]["trainable"] == 0 or build is vgg
    with torch.no_grad(), adapt.features(peft) as backbone:
        assert backbone(*args, **batch).shape[1] == head.in_features
    assert adapt.get_head(peft) is head


def test_lora_learns_and_leaves_the_frozen_weights_alone():
    model = resnet10(num_classes=3)
    adapt.replace_head(model, 3, seed=0)
    peft = adapt.lora(model, rank=2)
    adapt.train_mode(peft)
    before = snapshot(peft)
    groups = adapt.parameter_groups(peft, 0.01, decay=0.5)
    optimizer = torch.optim.SGD(groups)
    nn.functional.cross_entropy(peft(images()), torch.tensor([0, 2])).backward()
    optimizer.step()
    moved = {n for n, v in peft.state_dict().items() if not torch.equal(v, before[n])}
    assert any("lora_B" in n for n in moved) and any("fc.modules_to_save" in n for n in moved)
    assert all("lora_" in n or "modules_to_save" in n for n in moved)  # BatchNorm statistics as well


def test_lora_on_resnet_adapts_the_3x3_convolutions_after_the_stem():
    peft = adapt.lora(resnet10(), rank=2)
    adapted = {n.split(".lora_A")[0] for n, _ in peft.named_parameters() if "lora_A" in n}
    convolutions = {f"base_model.model.layer{i}.0.conv{j}" for i in range(1, 5) for j in (1, 2)}
    assert adapted == convolutions


def test_lora_on_a_language_model_keeps_its_head_frozen():
    peft = adapt.lora(gpt2(tf.GPT2LMHeadModel), rank=2)
    assert all("lora_" in n for n, p in peft.named_parameters() if p.requires_grad)
    assert tuple(adapt.describe(peft).sum()) == adapt.count(peft)


def test_lora_adapts_the_named_layers():
    peft = adapt.lora(bert(), rank=2, target="key")
    assert {n.split(".")[-4] for n, _ in peft.named_parameters() if "lora_A" in n} == {"key"}


def test_lora_refuses_what_does_not_fit():
    with pytest.raises(ValueError, match="MobileNetV2; name the layers"):
        adapt.lora(mobilenet())
    with pytest.raises(ValueError, match="no layer called 'qurey'"):
        adapt.lora(bert(), target=["query", "qurey"])
    for wrong in ({"rank": 0}, {"alpha": 0}, {"dropout": 1.0}):
        with pytest.raises(ValueError, match="needs rank >= 1"):
            adapt.lora(bert(), **wrong)
    peft = adapt.lora(bert(), rank=2)
    with pytest.raises(ValueError, match="already carries adapters"):
        adapt.lora(peft)
    with pytest.raises(ValueError, match="before lora"):
        adapt.replace_head(peft, 3)


def test_docstring_examples():
    import doctest

    from ftlib.adapt import adapters, anatomy, freezing, heads

    results = [doctest.testmod(module) for module in (adapters, anatomy, freezing, heads)]
    assert sum(r.attempted for r in results) >= 6 and not any(r.failed for r in results)
