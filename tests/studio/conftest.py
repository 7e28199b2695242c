"""A live studio on two tiny models, shared by the tests of this folder."""

import pytest
import torch

from gan import ImageGenerator, ImagePipeline
from gan.image.networks import stage_channels
from gan.studio import LOOKS, Registry, build_page, offered_models

LABELS = ["Circle", "Square/box", "Star"]


@pytest.fixture(scope="session")
def weights(tmp_path_factory):
    """A folder of models: `shapes` (16x16 RGB, three classes) and `strokes` (8x12 grey, unconditional)."""
    folder = tmp_path_factory.mktemp("weights")
    torch.manual_seed(0)
    for name, resolution, channels, labels in (("shapes", (16, 16), 3, LABELS), ("strokes", (12, 8), 1, None)):
        generator = ImageGenerator(
            resolution=resolution,
            image_channels=channels,
            num_classes=len(labels or []),
            channels=stage_channels(resolution, "tiny"),
        )
        pipeline = ImagePipeline(generator, labels=labels)
        pipeline.training = {"dataset": {"name": "<b>drawn</b>"}, "steps": 1500, "images_seen": 48000, "seconds": 61}
        pipeline.save_pretrained(folder / name)
    return folder


@pytest.fixture(scope="session")
def registry(weights):
    return Registry(offered_models(bundled=weights))


@pytest.fixture(scope="session")
def address(registry):
    """The address of a studio that is running."""
    page = build_page(registry)
    _, url, _ = page.launch(prevent_thread_lock=True, quiet=True, server_name="127.0.0.1", **LOOKS)
    yield url
    page.close()
