"""What a clip looks like: its spectrogram in colours that end in light, and sheets of them."""

import numpy as np
import torch
from PIL import Image

from gan.audio.spectrogram import analyse

# Anchors of a perceptually even map from black over violet and orange to pale yellow, silence to full scale.
COLOURS = np.array(
    [[0, 0, 4], [28, 16, 68], [79, 18, 123], [129, 37, 129], [181, 54, 122], [229, 80, 100], [251, 135, 97]]
    + [[254, 194, 135], [252, 253, 191]]
)
COLUMNS, GAP = 8, 4  # of a sheet; pixels between its pictures
DARKEST = -0.6  # of a spectrogram in [-1, 1]: what is quieter is not heard beside what is loud


def spectrogram_picture(audio: np.ndarray, n_fft: int) -> Image.Image:
    """The spectrogram of a clip (samples,) in [-1, 1]: a column a frame, low frequencies at the bottom, RGB."""
    return colour(analyse(torch.from_numpy(np.ascontiguousarray(audio))[None], n_fft)[0, 0].numpy())


def colour(spectrogram: np.ndarray) -> Image.Image:
    """A spectrogram (bins, frames) in [-1, 1] in colours."""
    place = np.clip((spectrogram[::-1] - DARKEST) / (1 - DARKEST), 0, 1) * (len(COLOURS) - 1)
    channels = [np.interp(place, np.arange(len(COLOURS)), COLOURS[:, k]) for k in range(3)]
    return Image.fromarray(np.stack(channels, -1).round().astype(np.uint8))


def contact_sheet(pictures: list[Image.Image]) -> Image.Image:
    """Pictures of one size in rows, on white."""
    width, height = pictures[0].width + GAP, pictures[0].height + GAP
    rows = -(-len(pictures) // COLUMNS)
    sheet = Image.new("RGB", (COLUMNS * width + GAP, rows * height + GAP), "white")
    for k, picture in enumerate(pictures):
        sheet.paste(picture, (GAP + k % COLUMNS * width, GAP + k // COLUMNS * height))
    return sheet
