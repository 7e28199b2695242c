"""Live studios on tiny models and a browser to look at them, shared by the tests of this folder."""

import json
from contextlib import contextmanager
from urllib.parse import urljoin

import pytest
import torch

from gan import (
    AudioGenerator,
    AudioPipeline,
    ImageDiscriminator,
    ImageEncoder,
    ImageGenerator,
    ImagePipeline,
    TextDiscriminator,
    TextEncoder,
    TextGenerator,
    TextPipeline,
)
from gan.latent.directions import Directions
from gan.networks import stage_channels
from gan.studio import LOOKS, Registry, build_page, offered_models
from gan.text.tokenizer import train_tokenizer

LABELS = ["Circle", "Square/box", "Star"]
CHARACTERS = [*"Abc7Z"]


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
        pipeline.training_record = {
            "dataset": {"name": "<b>drawn</b>"},
            "steps": 1500,
            "images_seen": 48000,
            "seconds": 61,
        }
        pipeline.save_pretrained(folder / name)
    return folder


@pytest.fixture(scope="session")
def registry(weights):
    return Registry(offered_models(bundled=weights))


def save_blots(folder):
    """An image model among those of another modality."""
    generator = ImageGenerator(resolution=(8, 8), channels=stage_channels((8, 8), "tiny"))
    ImagePipeline(generator).save_pretrained(folder / "blots")


@contextmanager
def served(registry):
    """The address of a studio on these models, while it is running."""
    page = build_page(registry)
    _, url, _ = page.launch(prevent_thread_lock=True, quiet=True, server_name="127.0.0.1", **LOOKS)
    yield url
    page.close()


@pytest.fixture(scope="session")
def address(registry):
    """The address of a studio that is running."""
    with served(registry) as url:
        yield url


@pytest.fixture(scope="session")
def vae_models(tmp_path_factory):
    """GAN, VAE and VAE-GAN of one data set, 16x16 grey, three classes: `toys-gan`, `toys-vae`, `toys-vaegan`; and
    `paint` (RGB, a VAE).
    """
    folder = tmp_path_factory.mktemp("vae")
    measured = {
        "toys-gan": {"Fréchet distance (toy features)": 2.5, "Precision (toy features)": 0.9},
        "toys-vae": {"Fréchet distance (toy features)": 7.25, "Reconstruction error": 0.01},
        "toys-vaegan": {"Fréchet distance (toy features)": 3.0, "Reconstruction error": 0.02},
        "paint": {},
    }
    for number, (name, metrics) in enumerate(measured.items()):
        torch.manual_seed(number)
        labels = LABELS if name != "paint" else None
        objective = name.removeprefix("toys-") if labels else "vae"
        shared = {
            "resolution": (16, 16),
            "image_channels": 1 if labels else 3,
            "num_classes": len(labels or []),
            "channels": (32, 16, 16),
        }
        generator = ImageGenerator(latent_dim=12, **shared)
        discriminator = None if objective == "vae" else ImageDiscriminator(**shared)
        encoder = None if objective == "gan" else ImageEncoder(latent_dim=12, **shared)
        pipeline = ImagePipeline(generator, discriminator, labels, encoder=encoder)
        pipeline.training_record = {
            "dataset": {"name": "toys" if labels else "paint"},
            "seconds": 61 + number,
            "arguments": {"objective": objective},
        }
        pipeline.metrics = {
            "metrics": [
                {"name": key, "value": value, "reference": 0.5, "split": "test", "samples": 10}
                for key, value in metrics.items()
            ]
        }
        pipeline.save_pretrained(folder / name)
    return folder


@pytest.fixture(scope="session")
def vae_registry(vae_models):
    return Registry(offered_models(bundled=vae_models))


@pytest.fixture(scope="session")
def vae_address(vae_registry):
    """The address of a studio on `vae_registry`."""
    with served(vae_registry) as url:
        yield url


@pytest.fixture(scope="session")
def animals_registry(tmp_path_factory):
    """`animals`, a model of two label columns: an animal and its colour, which may be called after an animal."""
    folder = tmp_path_factory.mktemp("animals")
    torch.manual_seed(0)
    generator = ImageGenerator(resolution=(16, 16), num_classes=(3, 2), channels=(16, 16, 16))
    with torch.no_grad():
        for parameter in generator.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.3)
    labels = {"animal": ["cat", "dog", "fox"], "colour": ["black", "fox"]}
    ImagePipeline(generator, labels=labels).save_pretrained(folder / "animals")
    return Registry(offered_models(bundled=folder))


@pytest.fixture(scope="session")
def animals_address(animals_registry):
    """The address of a studio on `animals_registry`."""
    with served(animals_registry) as url:
        yield url


@pytest.fixture(scope="session")
def text_models(tmp_path_factory):
    """Text models: `verses` (Chinese characters, a critic), `notes` (words, two classes); `blots`, an image model.

    Nobody trained them; their weights are large enough for critic scores that differ.
    """
    folder = tmp_path_factory.mktemp("text")
    poems = ["春水东流去，秋风北雁来。夏云生远浦，冬雪落高台。", "明月照松间，清泉石上流。"]
    notes = ["the <b>bold</b> dog sleeps", "a dog and a <i>cat</i> run & play", "who hears the cat?"]
    for number, (name, texts, labels) in enumerate((("verses", poems, None), ("notes", notes, ["short", "long"]))):
        torch.manual_seed(number)
        tokenizer = train_tokenizer(texts, "words" if labels else "characters", 100)
        shape = {"vocab_size": tokenizer.get_vocab_size(), "max_length": 24, "num_classes": len(labels or [])}
        shape |= {"embedding_size": 16, "hidden_size": 24, "has_end": labels is not None}
        generator = TextGenerator(**shape)
        discriminator = None if labels else TextDiscriminator(**shape)
        with torch.no_grad():
            for network in filter(None, (generator, discriminator)):
                for parameter in network.parameters():
                    parameter.add_(torch.randn_like(parameter) * 0.3)
        strength = 0.0 if labels else 0.6
        pipeline = TextPipeline(generator, discriminator, labels, critic_strength=strength, tokenizer=tokenizer)
        pipeline.training_record = {
            "dataset": {"name": "<b>written</b>"},
            "steps": 20,
            "texts_seen": 1280,
            "seconds": 61,
        }
        pipeline.save_pretrained(folder / name)
    save_blots(folder)
    return folder


@pytest.fixture(scope="session")
def text_registry(text_models):
    return Registry(offered_models([str(text_models / "verses"), str(text_models / "notes")], bundled=text_models))


@pytest.fixture(scope="session")
def text_address(text_registry):
    """The address of a studio on `text_registry`."""
    with served(text_registry) as url:
        yield url


@pytest.fixture(scope="session")
def sayings_registry(tmp_path_factory):
    """Text models with a latent: `sayings`, with an encoder and directions, `moods`, with two classes and neither, and
    `talks`, with classes and an encoder; and `plain`, a text model without. Nobody trained them."""
    folder = tmp_path_factory.mktemp("sayings")
    tokenizer = train_tokenizer(
        ["two dogs <b> run & play on a mat", "who hears the cat?", "the sea sleeps"], "words", 99
    )
    shape = {"vocab_size": tokenizer.get_vocab_size(), "max_length": 12, "embedding_size": 16, "hidden_size": 24}
    moods = ["glad", "sad"]
    for name, labels in (("sayings", None), ("moods", moods), ("talks", moods), ("plain", None)):
        torch.manual_seed(len(name))
        latent_dim = 0 if name == "plain" else 8
        generator = TextGenerator(**shape, num_classes=len(labels or []), latent_dim=latent_dim)
        encoder = TextEncoder(**shape, latent_dim=8) if name in ("sayings", "talks") else None
        with torch.no_grad():
            for network in filter(None, (generator, encoder)):
                for parameter in network.parameters():
                    parameter.add_(torch.randn_like(parameter) * 0.4)
        pipeline = TextPipeline(generator, labels=labels, tokenizer=tokenizer, encoder=encoder)
        if name == "sayings":
            names = ("length", "plural", "with dogs")
            records = {name: {"source": "measured", "range": [-3, 3]} for name in names}
            pipeline.directions = Directions({name: torch.randn(1, 8) for name in names}, records)
        pipeline.save_pretrained(folder / name)
    return Registry(
        offered_models([str(folder / name) for name in ("sayings", "moods", "talks", "plain")], bundled=folder)
    )


@pytest.fixture(scope="session")
def sayings_address(sayings_registry):
    """The address of a studio on `sayings_registry`."""
    with served(sayings_registry) as url:
        yield url


@pytest.fixture(scope="session")
def audio_models(tmp_path_factory):
    """Audio models: `voices` (two label columns, 8 kHz), `hits` (one, a drum kit's); `blots`, an image model.

    Nobody trained them; a quarter of a second each.
    """
    folder = tmp_path_factory.mktemp("audio")
    kinds = {
        "voices": {"label": ["one", "two", "<b>three</b>"], "speaker": ["ann", "bob"]},
        "hits": {"label": ["kick", "snare", "closed hat"]},
    }
    for number, (name, labels) in enumerate(kinds.items()):
        torch.manual_seed(number)
        generator = AudioGenerator(
            samples=2048, num_classes=tuple(map(len, labels.values())), latent_dim=8, channels=(16, 16, 16)
        )
        pipeline = AudioPipeline(generator, labels=labels)
        pipeline.training_record = {"dataset": {"name": "<b>sung</b>"}, "steps": 20, "clips_seen": 1280, "seconds": 61}
        pipeline.save_pretrained(folder / name)
    save_blots(folder)
    return folder


@pytest.fixture(scope="session")
def audio_registry(audio_models):
    return Registry(offered_models([str(audio_models / "voices"), str(audio_models / "hits")], bundled=audio_models))


@pytest.fixture(scope="session")
def audio_address(audio_registry):
    """The address of a studio on `audio_registry`."""
    with served(audio_registry) as url:
        yield url


@pytest.fixture(scope="session")
def type_registry(tmp_path_factory):
    """`type` (16x16 grey, five characters), `styles` (two label columns, the second of characters) and `tiles` (RGB,
    no characters); nobody trained them."""
    folder = tmp_path_factory.mktemp("type")
    torch.manual_seed(3)
    shape = {"resolution": (16, 16), "channels": (32, 16, 16), "latent_dim": 12}
    ImagePipeline(ImageGenerator(image_channels=1, num_classes=5, **shape), labels=CHARACTERS).save_pretrained(
        folder / "type"
    )
    labels = {"style": ["round", "square"], "letter": CHARACTERS}
    ImagePipeline(ImageGenerator(image_channels=1, num_classes=(2, 5), **shape), labels=labels).save_pretrained(
        folder / "styles"
    )
    ImagePipeline(ImageGenerator(image_channels=3, num_classes=2, **shape), labels=["one", "two"]).save_pretrained(
        folder / "tiles"
    )
    names = [str(folder / name) for name in ("type", "styles", "tiles")]
    return Registry(offered_models(names, bundled=folder))


@pytest.fixture(scope="session")
def type_address(type_registry):
    """The address of a studio on `type_registry`."""
    with served(type_registry) as url:
        yield url


@pytest.fixture(scope="session")
def profiles():
    """Browser profiles by their options: in a fresh one, Chromium fetches and compiles all scripts anew.

    In each a page without scripts stays open, and with it the process that all of its pages share.
    """
    return {}


@pytest.fixture
def open_address(browser, profiles):
    """Opens an address where nothing of an earlier page is stored; what its console complains of fails the test."""
    pages, complaints = [], []

    def opened(address, viewport=None, **options):
        options = {"locale": "en-US", "accept_downloads": True} | options
        key = json.dumps(options, sort_keys=True)
        if key not in profiles:
            profiles[key] = browser.new_context(**options)
            profiles[key].new_page().goto(urljoin(address, "/robots.txt"))
        profiles[key].set_offline(False)  # a test may have ended in between
        page = profiles[key].new_page()
        pages.append(page)
        if viewport:
            page.set_viewport_size(viewport)
        stored = {"origin": urljoin(address, "/"), "storageTypes": "local_storage"}
        profiles[key].new_cdp_session(page).send("Storage.clearDataForOrigin", stored)
        page.set_default_timeout(60_000)  # a busy machine is slow, not wrong
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(address, wait_until="domcontentloaded")
        return page

    yield opened
    for page in pages:
        page.close()
    assert not complaints


@pytest.fixture
def open_tab(open_address, vae_address):
    """Opens a tab by its address and waits until it shows something."""

    def opened(query, **options):
        page = open_address(f"{vae_address}?{query}", **options)
        ready = ".morph:not(.waiting)" if "tab=morph" in query else ".compare .sheet img[src]"
        page.wait_for_selector(ready)
        return page

    return opened


@pytest.fixture
def open_page(open_address, address):
    """Opens the studio with this query and waits for its pictures."""

    def opened(query="", **options):
        page = open_address(f"{address}?{query}", **options)
        page.wait_for_selector(".tile img[src^='data:image/png']")
        return page

    return opened
