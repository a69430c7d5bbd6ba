"""Texts of the model cards; the scripts beside this module fill them from the training record."""

GLYPHS = """# glyph-resnet10

A ResNet with one basic block a stage (He et al. 2016, as in torchvision: `conv1, layer1..layer4, fc`) that tells
{classes} printed letters apart. It is the pre-trained model of the vision lessons. It has never seen a digit or
handwriting.

| | |
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

`python -m ftlib.pretrain.glyphs`, seed 0: {steps:,} steps of {batch} pictures ({images:,} in all), AdamW with a
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
