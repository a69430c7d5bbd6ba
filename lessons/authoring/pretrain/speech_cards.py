"""Texts of the cards of the speech checkpoint and the two spoken data sets."""

WAVENET = """# speech-wavenet

A WaveNet-style network (van den Oord et al. 2016: dilated, gated convolutions with residual and skip
connections) that reads log-mel frames both ways in time and spells what it hears, trained with CTC (Graves et
al. 2006). It is the pre-trained model of the speech lessons. **It has heard synthetic voices only.**

| what | in short |
|---|---|
| input | 64 log-mel bands of 8 kHz sound, a frame every 12.5 ms, see `ftlib.speech.audio.log_mel` |
| output | every 25 ms a score for each of 29 signs: CTC's blank, a to z, apostrophe and space |
| size | {parameters:.2f} million parameters, {channels} channels, {blocks} blocks; a frame out sees {reach:.1f} s |
| weights | half precision safetensors; load with `ftlib.models.load("speech-wavenet")` |
| licence | CC BY-SA 4.0 |

## What it was trained on

{hours:.0f} hours, {sentences:,} sentences, read by {voices} synthetic voices: variants of espeak-ng's English
({accents} accents, GPL-3.0 program) and flite's kal, rms and slt (its own free licence). Speed, pitch and
melody vary. About two thirds have been through an echo, noise, other voices, a telephone line, or Opus coding,
all made by program. Each time a sentence is heard, its tempo and its frequencies are shifted anew (by up to
18% and 10%), and bands and moments are masked.

More than a third of the sentences are clauses of WikiText-2 (validation and test text, from English Wikipedia's
good and featured articles, CC BY-SA 3.0, Merity et al. 2016), with numbers written out and everything that
holds an unknown word left out. A third are words of those clauses in random order, rare ones more often than in
prose. The rest come from a small grammar written for this course: questions, commands, dates, numbers, names,
spelled words. No medical or legal text was chosen.

Kept out: one sentence in thirty, and the voices of the validation set and of the data sets `dictation` and
`spoken-digits` (`lessons/authoring/pretrain/speech_voices.py` lists them all).

## How

`python -m authoring.pretrain.wavenet`: {steps:,} steps of {batch} sentences ({audio_hours:.0f} hours heard in all),
Muon at {lr} (AdamW for the first and last layer, norms and biases), constant and then cooled down over the last
quarter of the time, bfloat16 autocast, weights averaged over about 500 steps. It took {minutes:.0f} minutes of one
core.

## How well

Greedy decoding on {valid} sentences that it was not trained on, in {valid_voices} voices that it was not trained on:

| sound | character error rate | word error rate |
|---|---|---|
| clean | {cer:.1%} | {wer:.1%} |
| with noise, echo and telephone lines | {noisy_cer:.1%} | {noisy_wer:.1%} |

Clean character error rate during training, on the first 200 of them: {log}.

## Limits

Synthetic voices are clearer and more alike than people's. On real recordings it makes far more errors, and how many
depends on who speaks: measure it for every group of people before you rely on it. It spells by ear and knows no words.
Not for clinical or legal use.
"""

DIGITS = """# spoken-digits

The ten words zero to nine, {n:,} clips at 8 kHz, read by sixteen variants of the synthetic voice espeak-ng
(`python -m authoring.pretrain.spoken_digits`). Made for this course; licence CC BY 4.0. No person speaks here.

`<voice>.opus` holds all clips of one voice; `clips.json` says where each begins and ends (samples), which word it is
(`label`), and which split it belongs to. The splits differ in voices:

| split | voices |
|---|---|
| train | {train} |
| tune | {tune} |
| tune_valid | {tune_valid} |
| test | {test} |

Speed, pitch and accent vary from take to take; about two thirds of the clips have noise, an echo or a telephone line.
The network `speech-wavenet` has heard none of these voices, but it has heard the words.
"""

DICTATION = """# dictation

Medical and legal dictation, and general sentences for comparison: {n:,} clips at 8 kHz, {minutes:.0f} minutes,
in Opus at about {kbit:.0f} kbit/s. Licence CC BY 4.0. **No person speaks here, and no patient, case or client exists.**

The sentences (`sentences.jsonl`) were written by a language model for this course, one by one: the medical and legal
ones as a clinician or a lawyer might dictate them, the general ones as people talk. Training and test sentences come from two separate passes of writing, so that a
turn of phrase of one does not leak into the other. They were then read by synthetic voices (`python -m
authoring.pretrain.dictation`): variants of espeak-ng, and flite's awb. The network `speech-wavenet` has heard none
of these voices.

| part | sentences | minutes | voices |
|---|---|---|---|
{table}

`<part>-<voice>.opus` holds the clips of one voice; `clips.json` says where each begins and ends (samples), its
text, its terms (words and phrases that must not be wrong) and its part. `words.txt` lists general English
words, the most frequent first, from the sentences that the network was pre-trained on.

## Limits

Real dictation has hesitations, corrections, accents, colleagues and corridors. Error rates here say how methods
compare, and nothing about a clinic or a court. Not for clinical or legal use.
"""
