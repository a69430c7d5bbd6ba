"""wav2vec 2.0 in the form of the course's WaveNet: sound in, a score for each sign and frame out. Full profile only."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import Wav2Vec2Config, Wav2Vec2CTCTokenizer, Wav2Vec2ForCTC, Wav2Vec2Model, Wav2Vec2PreTrainedModel

from ftlib import catalog, runtime
from ftlib._sources import Unusable, knock
from ftlib.speech import ctc

REPO, REVISION = "facebook/wav2vec2-base-960h", "22aad52"  # the commit that transformers' own pipeline takes
RATE = 16_000  # hertz
_NAMES = {"'": "'", " ": "|"}  # its vocabulary has capitals


class SpellingWav2Vec2(Wav2Vec2PreTrainedModel):
    """wav2vec 2.0 (Baevski et al. 2020, https://arxiv.org/abs/2006.11477) with a linear head.

    With ``pooled`` set to True the head reads the mean over all frames, as in ``WaveNet``. Its first layer normalises
    over time, padding included, as it was trained: scores differ a little with the batch.
    """

    pooled = False

    def __init__(self, config: Wav2Vec2Config) -> None:
        super().__init__(config)
        self.wav2vec2 = Wav2Vec2Model(config)
        self.classifier = nn.Linear(config.hidden_size, config.num_labels)
        self.post_init()

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Score signs.

        Args:
            x: (B, 1, samples) at 16 kHz, each of mean 0 and variance 1, zero in the padding.
            lengths: (B,) samples of each example before padding; None: no padding.

        Returns:
            (B, frames out, outputs), a frame every 20 ms; if ``pooled``, (B, outputs).
        """
        frames = self.wav2vec2(x[:, 0]).last_hidden_state
        if not self.pooled:
            return self.classifier(frames)
        ends = torch.full(x.shape[:1], x.shape[-1], device=x.device) if lengths is None else lengths
        steps = torch.arange(frames.shape[1], device=x.device)
        mask = (steps < self.out_lengths(ends).to(x.device)[:, None]).unsqueeze(-1).to(frames.dtype)
        return self.classifier((frames * mask).sum(1) / mask.sum(1).clamp(min=1))

    def out_lengths(self, lengths: Tensor) -> Tensor:
        """Frames out for samples in."""
        return self.wav2vec2._get_feat_extract_output_lengths(lengths)


def wav2vec2(source: str | Path = REPO, pretrained: bool = True) -> SpellingWav2Vec2:
    """wav2vec 2.0 base, fine-tuned on 960 hours of people reading (LibriSpeech), with the course's alphabet: 94 million
    parameters, Apache-2.0, 378 MB.

    Its head is cut to the course's 29 signs, so that everything in ``ftlib.speech.ctc`` works on it.

    Args:
        source: a repository of the hub, or a folder with the same files.
        pretrained: False draws all weights from torch's global generator.

    Raises:
        CatalogError: this is the small profile, or the files cannot be had.
    """
    options = _options(source)
    try:
        config = Wav2Vec2Config.from_pretrained(
            source, num_labels=ctc.OUTPUTS, apply_spec_augment=False, layerdrop=0.0, **options
        )
        if not pretrained:
            return SpellingWav2Vec2(config).eval()
        whole = Wav2Vec2ForCTC.from_pretrained(source, dtype=torch.float32, **options)
        numbers = Wav2Vec2CTCTokenizer.from_pretrained(source, **options).get_vocab()
    except OSError as error:
        raise catalog.CatalogError(f"{str(source)!r} cannot be had: check the network, then try again.") from error
    return _with_our_signs(config, whole, numbers)


def _with_our_signs(config: Wav2Vec2Config, whole: Wav2Vec2ForCTC, numbers: dict[str, int]) -> SpellingWav2Vec2:
    model = SpellingWav2Vec2(config)
    model.wav2vec2.load_state_dict(whole.wav2vec2.state_dict())
    rows = [whole.config.pad_token_id, *(numbers[_NAMES.get(sign, sign.upper())] for sign in ctc.ALPHABET)]
    with torch.no_grad():
        model.classifier.weight.copy_(whole.lm_head.weight[rows])
        model.classifier.bias.copy_(whole.lm_head.bias[rows])
    return model.eval()


def _options(source: str | Path) -> dict[str, Any]:
    """Where to look: a folder as it is; the hub at a fixed commit, or its cache where there is no network."""
    if Path(source).is_dir():
        return {"local_files_only": True}
    if runtime.profile() != "full":
        how = 'pip install "ftlib[full]", set FTLIB_PROFILE=full and restart Python'
        raise catalog.CatalogError(f"{str(source)!r} is downloaded, and the small profile downloads nothing: {how}.")
    from huggingface_hub import constants

    offline = constants.HF_HUB_OFFLINE
    if not offline:
        try:
            knock(str(source))
        except Unusable:
            offline = True
    return {"revision": REVISION, "local_files_only": offline}
