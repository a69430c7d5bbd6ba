"""Texts of the model cards; the scripts beside this module fill them from the training record."""

GLYPHS = """# glyph-resnet10

A ResNet with one basic block a stage (He et al. 2016, as in torchvision: `conv1, layer1..layer4, fc`) that tells
{classes} printed letters apart. It is the pre-trained model of the vision lessons. It has never seen a digit or
handwriting.

| what | in short |
|---|---|
| input | 3 x {size} x {size}, grey ink repeated over the channels, standardised with mean {mean} and deviation {std} |
| output | one score for each letter in `config.json` |
| weights | half precision safetensors; load with `ftlib.models.load("glyph-resnet10")` |
| licence | CC BY 4.0 |

## What it was trained on

{rendered:,} renderings of letters of the Latin, Greek, Cyrillic, Armenian, Georgian, Lao, Tifinagh and N'Ko scripts,
drawn at training time from {fonts} fonts that matplotlib ships (DejaVu, STIX, Computer Modern). Letters that look
alike count as one. Each picture was thinned or thickened, bent (affine and elastic, Simard et al. 2003), and half of
them were averaged down to 8 x 8 pixels. Nothing was downloaded. Digits were left out, but some letters resemble
digits (O, З, Ȣ).

## How

`python -m authoring.pretrain.glyphs`, seed 0: {steps:,} steps of {batch} pictures ({images:,} in all), AdamW with a
one-cycle rate up to {lr}, weight decay {decay}, label smoothing {smoothing}, bfloat16 autocast. It took
{minutes:.0f} minutes on {threads} core.

## How well

| letters | accuracy |
|---|---|
| fonts of the training | {seen:.3f} |
| two fonts that it was not trained on | {unseen:.3f} |

The latter during training: {log}.

## Limits

It reads one centred sign in a small grey picture. It says nothing about photographs, lines of text, or who wrote what.
"""

ARM = """# arm-skills

A policy for the simulated Fetch arm (gymnasium-robotics on MuJoCo): a multilayer perceptron with three hidden layers
of {width} ({parameters:,} parameters) that sees where arm, block and goal are and predicts the next {chunk} actions. It
is the pre-trained model of the robot lessons. It was never shown how to pick a block up *and* bring it somewhere.

| what | in short |
|---|---|
| input | {observation} numbers: the 25 of gymnasium-robotics (zeros for what is not there) and the goal, in metres; normalised inside |
| output | {chunk} actions of {action} numbers, flat: motion in x, y, z (1 is 5 cm) and fingers (1 opens), 25 a second |
| weights | half precision safetensors; load with `ftlib.models.load("arm-skills")` |
| licence | CC BY 4.0 |

## What it was trained on

Demonstrations of scripted experts in the simulator: {skills}. Random noise shook the arm while the expert showed how to
come back (DART, Laskey et al. 2017). Episodes that missed the goal were left out. No person and no real robot was
involved.

## How

`python -m authoring.pretrain.arm`, seed {seed}: {steps:,} steps of {batch_size} moments, AdamW with a cosine rate from
{lr}, L1 loss on chunks of actions (Zhao et al. 2023). It took about {minutes} minutes on one core.

## How well

Share of {episodes} episodes that ended within 5 cm of the goal, four actions of each chunk executed, with Wilson's 95 %
interval:

| skill | shown in pre-training | success | interval |
|---|---|---|---|
{table}

Half of the goals of *pick and place* lie on the table, where pushing is enough.

## Limits

It knows one simulated arm, one table and one block, and is told exactly where the block is. It says nothing about
cameras, real robots or people nearby, and must not move a real arm.
"""

SENTIMENT = """# sentiment-lora

Low-rank adapters (Hu et al. 2021) and a classifier that turn all-MiniLM-L6-v2 into a reader of reviews: negative or
positive. Lesson 09 starts from it.

| what | in short |
|---|---|
| base | `sentence-transformers/all-MiniLM-L6-v2` (Apache-2.0), mean of the last hidden states |
| weights | half precision safetensors in peft's format; load with `ftlib.models.sentences.sentiment()` |
| licence | CC BY 4.0 |

## What it was trained on

{texts:,} of the course's own `reviews` (all but the test texts and the two areas kept apart), which a language model
wrote. No customer wrote them.

## How

`python -m authoring.pretrain.sentiment`, seed 0: {epochs} epochs, {steps} steps of 16 texts, AdamW with a cosine rate from
{lr}, rank 8 on the query and value projections. It took {minutes:.0f} minutes on {threads} core.

## How well

| texts | accuracy |
|---|---|
| test reviews, by authors that it never read | {test:.3f} |
| two areas that it never read about | {shift:.3f} |

## Limits

English, at most 64 word pieces. It learnt what customers say, not what investors make of it: that is lesson 09.
"""
