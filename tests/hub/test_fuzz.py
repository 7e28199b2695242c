"""Repositories and uploads as an enemy would make them: each gives a result or one sentence, and never a traceback.

The inputs are drawn by Hypothesis, always the same ones; `FUZZ=20 python -m pytest tests/hub/test_fuzz.py` draws more.
"""

import copy
import io
import json
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from gan import (
    AudioDiscriminator,
    AudioGenerator,
    AudioPipeline,
    GANError,
    GANPipeline,
    ImageDiscriminator,
    ImageEncoder,
    ImageGenerator,
    ImagePipeline,
    TextDiscriminator,
    TextGenerator,
    TextPipeline,
)
from gan.audio.preprocessing import UNREADABLE, fit_clip, read_sound, wav
from gan.studio.model_panel import describe, panel_html
from gan.studio.morph.uploads import decode_base64, read_picture
from gan.studio.page import TABS
from gan.studio.strings import EN
from gan.text.data import load
from gan.text.tokenizer import train_tokenizer

WEIGHTS = "diffusion_pytorch_model.safetensors"
TEXTS = ["the dog sleeps.", "a cat and a dog run!", "wer ruft 明月?"]
RECORD = {
    "modality": "image",
    "command": "accelerate launch train.py image",
    "dataset": {"name": "user/set", "split": "train", "images": 40, "license": "mit"},
    "arguments": {"license": None, "center_crop": True},
    "machine": {"device": "x86_64 CPU", "threads": 2},
    "seed": 0,
    "steps": 20,
    "images_seen": 80,
    "seconds": 4.5,
}
MEASURED = {
    "metrics": [
        {"name": "Distance", "value": 2.5, "reference": 0.5, "split": "test", "samples": 20, "features": "toy"}
    ],
    "baselines": [{"name": "noise", "values": {"Distance": 3.0}}],
    "neighbours": {"distance_ratio": 0.9, "features": "toy", "very_near": 0.01},
}
counted: Counter[str] = Counter()


def some(count: int) -> settings:
    """So many examples, always the same."""
    return settings(
        max_examples=count * int(os.environ.get("FUZZ", "1")),
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Path]]:
    """Tiny models on disk, of every modality and with every kind of network; prints what became of the inputs."""
    folder = tmp_path_factory.mktemp("fuzz")
    torch.manual_seed(0)
    grid: dict[str, Any] = {"resolution": (8, 8), "num_classes": 2, "channels": (16, 16)}
    generator = ImageGenerator(latent_dim=4, **grid)
    image = (generator, ImageDiscriminator(**grid), ["Ada", "Bob"])
    clip: dict[str, Any] = {"samples": 2048, "channels": (16, 16, 16), "num_classes": (2, 3)}
    names = {"digit": ["zero", "one"], "speaker": ["Ada", "Bob", "Cleo"]}
    pipelines: dict[str, GANPipeline] = {
        "image": ImagePipeline(*image, encoder=ImageEncoder(latent_dim=4, **grid)),
        "audio": AudioPipeline(AudioGenerator(latent_dim=4, **clip), AudioDiscriminator(**clip), names),
    }
    for kind, architecture in (("words", "lstm"), ("bpe", "transformer"), ("characters", "memory")):
        tokenizer = train_tokenizer(TEXTS, kind, 300)
        shape: dict[str, Any] = {
            "vocab_size": tokenizer.get_vocab_size(),
            "max_length": 6,
            "architecture": architecture,
        }
        shape |= {"embedding_size": 8, "hidden_size": 8, "num_heads": 2, "num_classes": 0}
        players = TextGenerator(**shape), TextDiscriminator(**shape)
        pipelines[kind] = TextPipeline(*players, critic_strength=0.5, tokenizer=tokenizer)
    for name, pipeline in pipelines.items():
        pipeline.training_record, pipeline.metrics = RECORD, MEASURED
        pipeline.save_pretrained(folder / name)
    yield {name: folder / name for name in pipelines}
    print("\n" + ", ".join(f"{name}: {count}" for name, count in sorted(counted.items())))


def answer(what: str, function: Callable[[], Any]) -> bool:
    """Whether it gives a result; asserts that it says one sentence if it doesn't."""
    try:
        function()
    except GANError as error:
        sentence = str(error)
        assert sentence and sentence[-1] == "." and "\n" not in sentence and len(sentence) < 1000, sentence
        counted[f"{what} refused"] += 1
        return False
    counted[f"{what} taken"] += 1
    return True


def use(folder: Path) -> None:
    """What a stranger's page does with a model: loads it, samples, and shows what it says of itself."""
    pipeline = GANPipeline.from_pretrained(folder)
    samples = pipeline.sample_bytes(3, 2)
    assert len(samples) == 2 and all(samples)
    rows = next(tab.panel_rows for tab in TABS if tab.pipeline is type(pipeline) and tab.panel_rows)
    facts = describe("it", pipeline)
    assert panel_html(facts, rows(facts, EN), EN)
    answer("card", lambda: pipeline.card("user/name", published=True))


def answers(what: str, model: Path, name: str, data: bytes) -> bool:
    """`answer` of `use`, of a copy of the model with other bytes in one of its files."""
    copy = shutil.copytree(model, model.parent / "copy", dirs_exist_ok=True)
    try:
        (copy / name).write_bytes(data)
        return answer(what, lambda: use(copy))
    finally:
        shutil.rmtree(copy)


CHANGES: st.SearchStrategy[Any] = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([0, 1, 2, 3, 7, 64, 2**20, 2**24, 2**40, 2**63, 10**30, -1, 0.5, 1.5, 1e300])
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from([[], {}, [1], [2, 2], [8, 8], [2**20, 2**20], [[1], [2]], ["a", "b"], {"a": [1]}, [None, None]])
    | st.lists(st.integers(0, 2**24), max_size=4)
)
ODD = CHANGES.map(copy.deepcopy)  # or what is changed inside of them would be found there by the next example


@st.composite
def altered(draw: st.DrawFn, content: Any) -> Any:
    """A JSON value with one to three places in it changed, taken away or added."""
    content = json.loads(json.dumps(content))
    for _ in range(draw(st.integers(1, 3))):
        place, inner = content, draw(st.integers(0, 6))
        for _ in range(inner):
            keys = list(place) if isinstance(place, dict) else list(range(len(place)))
            nested = [key for key in keys if isinstance(place[key], dict | list) and place[key]]
            if not nested:
                break
            place = place[draw(st.sampled_from(nested))]
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        if isinstance(place, dict) and draw(st.integers(0, 5)) == 0:
            place[draw(st.sampled_from(["quantization_config", "auto_map", "_name_or_path", "new", "self"]))] = draw(
                ODD
            )
        elif keys:
            key = draw(st.sampled_from(keys))
            if draw(st.integers(0, 5)):
                place[key] = draw(ODD)
            else:
                del place[key]
    return content


@st.composite
def damaged(draw: st.DrawFn, data: bytes) -> bytes:
    """Bytes cut off, or with up to eight bits flipped, most of them early, where heads are."""
    if draw(st.booleans()):
        return data[: draw(st.integers(0, len(data) - 1))]
    flipped = bytearray(data)
    for _ in range(draw(st.integers(1, 8))):
        where = draw(st.integers(0, min(len(data), 400) - 1) | st.integers(0, len(data) - 1))
        flipped[where] ^= 1 << draw(st.integers(0, 7))
    return bytes(flipped)


CONFIGS = [
    *(("image", part) for part in ("generator", "discriminator", "encoder")),
    *((model, part) for model in ("audio", "words", "bpe", "characters") for part in ("generator", "discriminator")),
]


@some(150)
@given(st.data())
def test_configs(models: dict[str, Path], data: st.DataObject) -> None:
    model, part = data.draw(st.sampled_from(CONFIGS))
    name = f"{part}/config.json"
    content = json.loads((models[model] / name).read_text())
    answers("config", models[model], name, json.dumps(data.draw(altered(content))).encode())


@some(60)
@given(st.data())
def test_weights(models: dict[str, Path], data: st.DataObject) -> None:
    model, part = data.draw(st.sampled_from(CONFIGS))
    name = f"{part}/{WEIGHTS}"
    answers("weights", models[model], name, data.draw(damaged((models[model] / name).read_bytes())))


@some(100)
@given(st.data())
def test_index_and_records(models: dict[str, Path], data: st.DataObject) -> None:
    model = data.draw(st.sampled_from(list(models)))
    name = data.draw(st.sampled_from(["model_index.json", "model_index.json", "training.json", "metrics.json"]))
    whole = (models[model] / name).read_bytes()
    new = data.draw(damaged(whole) | altered(json.loads(whole)).map(lambda content: json.dumps(content).encode()))
    answers(name, models[model], name, new)


@some(80)
@given(st.data())
def test_tokenizers(models: dict[str, Path], data: st.DataObject) -> None:
    model = data.draw(st.sampled_from(["words", "bpe", "characters"]))
    whole = (models[model] / "tokenizer.json").read_bytes()
    new = data.draw(damaged(whole) | altered(json.loads(whole)).map(lambda content: json.dumps(content).encode()))
    answers("tokenizer", models[model], "tokenizer.json", new)


def test_deep_nesting(models: dict[str, Path]) -> None:
    for name in ("model_index.json", "generator/config.json", "training.json", "tokenizer.json"):
        assert not answers("nesting", models["words"], name, b"[" * 200_000)
        assert not answers("nesting", models["words"], name, b'{"labels":' * 200_000)


ENORMOUS = {
    "image": [{"latent_dim": 2**24}, {"channels": [2**24, 2**24]}, {"blocks_per_stage": 2**24}],
    "audio": [{"samples": 2**23}, {"embedding_dim": 2**24}, {"blocks_per_stage": 2**24}],
    "words": [{"vocab_size": 2**24}, {"num_layers": 2**24}, {"hidden_size": 2**24}, {"max_length": 2**24}],
    "bpe": [{"num_layers": 2**24}, {"max_length": 2**24}],
    "characters": [{"num_layers": 2**24}, {"hidden_size": 2**24}, {"max_length": 2**24}],
}


@pytest.mark.parametrize("model", ENORMOUS)
def test_a_config_that_asks_for_terabytes_is_refused(models: dict[str, Path], model: str) -> None:
    for changes in ENORMOUS[model]:
        for part in ("generator", "discriminator"):
            content = json.loads((models[model] / part / "config.json").read_text())
            known = {key: value for key, value in changes.items() if key in content}
            if known:
                name = f"{part}/config.json"
                assert not answers("enormous", models[model], name, json.dumps(content | known).encode()), changes


def _pictures() -> list[bytes]:
    files = []
    pixels = np.random.default_rng(0).integers(0, 255, (12, 9, 4), dtype=np.uint8)
    for kind, mode in (("PNG", "RGBA"), ("PNG", "P"), ("JPEG", "RGB"), ("GIF", "P"), ("WEBP", "RGBA"), ("BMP", "RGB")):
        file = io.BytesIO()
        Image.fromarray(pixels).convert(mode).save(file, kind)
        files.append(file.getvalue())
    tiff = io.BytesIO()
    Image.fromarray(pixels).convert("L").save(tiff, "TIFF")
    return [*files, tiff.getvalue()]


@some(120)
@given(st.data())
def test_pictures(models: dict[str, Path], data: st.DataObject) -> None:
    pipeline = _loaded(models["image"])
    assert isinstance(pipeline, ImagePipeline)
    file = data.draw(st.sampled_from(_pictures()).flatmap(damaged) | st.binary(max_size=200))
    answer("picture", lambda: pipeline.reconstruct(read_picture(file, EN)))
    answer("base64", lambda: decode_base64(data.draw(st.text(max_size=40) | st.integers()), EN))


@some(60)
@given(st.data())
def test_sounds(data: st.DataObject) -> None:
    whole = wav(np.sin(np.arange(800, dtype=np.float32) / 9)[:, None], 8000)
    file = data.draw(damaged(whole) | st.binary(max_size=200))

    def fit() -> None:
        try:
            clip = fit_clip(*read_sound(io.BytesIO(file)), 8000, 512)
        except UNREADABLE as error:  # which whoever reads sounds catches
            raise GANError("The sound cannot be read.") from error
        assert clip.shape == (512,) and np.isfinite(clip).all()

    answer("sound", fit)


@some(80)
@given(st.data())
def test_what_a_user_types(models: dict[str, Path], data: st.DataObject) -> None:
    pipeline = _loaded(models[data.draw(st.sampled_from(["words", "bpe", "characters"]))])
    words = st.text(max_size=12) | st.sampled_from(
        ["the dog", "明月", "<begin>", "<end>", "\ud800", "\x00", "a" * 500]
    )
    asked = st.fixed_dictionaries(
        {},
        optional={"prefix": words, "acrostic": words, "label": words, "seed": ODD, "num_samples": st.integers(-1, 3)}
        | {"temperature": ODD, "top_k": ODD, "top_p": ODD, "critic_strength": ODD, "best_of": st.integers(-1, 3)},
    )
    answer("typed", lambda: pipeline(**data.draw(asked)))


@some(40)
@given(content=st.binary(max_size=300) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "ignore")))
def test_text_files(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    folder = tmp_path_factory.mktemp("texts")
    (folder / "a.txt").write_bytes(content)
    asked = SimpleNamespace(train_data_dir=str(folder), dataset_name=None, max_train_samples=None, unconditional=False)
    vars(asked).update({"label_column": None, "text_unit": "line", "tokens": "words", "window_length": 8})
    answer("text file", lambda: load(asked))


_kept: dict[Path, GANPipeline] = {}


def _loaded(folder: Path) -> GANPipeline:
    if folder not in _kept:
        _kept[folder] = GANPipeline.from_pretrained(folder)
    return _kept[folder]
