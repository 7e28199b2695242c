"""Exported generators against the pipelines they came from, run by onnxruntime and `torch.export`."""

import io
import json
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch

from gan import AudioGenerator, AudioPipeline, GANError, ImagePipeline, TextGenerator, TextPipeline
from gan.export import onnx as exporting
from gan.export.__main__ import main
from gan.export.onnx import export
from gan.export.seeds import SeedNoise
from gan.text.tokenizer import train_tokenizer

HERE = str(Path(__file__).resolve().parents[2]).encode()  # the folder that no file may name


@pytest.fixture(scope="session")
def faces(make_pipeline: Callable[..., ImagePipeline]) -> ImagePipeline:
    """8x12 RGB, three classes."""
    return make_pipeline(resolution=(8, 12))


@pytest.fixture(scope="session")
def onnx_file(faces: ImagePipeline) -> exporting.Export:
    return export(faces)


@pytest.fixture(scope="session")
def of_latents(faces: ImagePipeline) -> exporting.Export:
    return export(faces, inputs="latents")


def run(data: bytes, **feeds: Any) -> dict[str, np.ndarray]:
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, {name: np.asarray(value) for name, value in feeds.items()})))


def pixels(images: np.ndarray) -> np.ndarray:
    """(batch, channels, height, width) in [-1, 1] as a pipeline's pictures, (batch, height, width, channels)."""
    return (images * 127.5 + 127.5).round().astype(int).transpose(0, 2, 3, 1)


@pytest.mark.parametrize("latent_dim", [1, 7, 12, 16, 17, 64, 70, 128, 300])
def test_noise_of_seeds_is_that_of_torch(latent_dim: int) -> None:
    seeds = [0, 1, 7, 123_456, 2**31, 2**32 - 1]
    latents, classes = SeedNoise(latent_dim, (10, 6))(torch.tensor(seeds))
    for seed, latent, drawn in zip(seeds, latents, classes):
        source = torch.Generator().manual_seed(seed)
        torch.testing.assert_close(latent, torch.randn(latent_dim, generator=source), atol=3e-6, rtol=0)
        assert drawn.tolist() == [int(torch.randint(count, (), generator=source)) for count in (10, 6)]


def test_longer_noise_than_one_draw_is_refused() -> None:
    with pytest.raises(GANError, match="--inputs latents"):
        SeedNoise(640, ())


@pytest.mark.parametrize(
    ("seed", "count", "psi", "label"), [(7, 1, 1.0, None), (40, 9, 0.6, None), (0, 3, 1.5, "Bob")]
)
def test_a_seed_is_the_same_picture_everywhere(
    onnx_file: exporting.Export, faces: ImagePipeline, seed: int, count: int, psi: float, label: str | None
) -> None:
    meant = faces(seed=seed, num_images=count, truncation=psi, label=label)
    classes = np.full((count, 1), -1 if label is None else faces.label_index(label))
    made = run(onnx_file.data, seeds=np.arange(seed, seed + count), truncation=np.float32(psi), classes=classes)
    assert np.abs(pixels(made["images"]) - np.stack([np.asarray(image, int) for image in meant.images])).max() <= 1
    assert [faces.labels[k] for k in made["labels"][:, 0]] == meant.labels


def test_the_record_says_how_to_run_the_file(onnx_file: exporting.Export) -> None:
    record = onnx_file.record
    assert record["labels"] == ["Ada", "Bob", "Cleo"]
    assert list(record["generator"]["resolution"]) == [8, 12]
    assert record["inputs"] == {
        "seeds": {"dtype": "int64", "shape": ["batch"]},
        "truncation": {"dtype": "float32", "shape": []},
        "classes": {"dtype": "int64", "shape": ["batch", 1]},
    }
    assert record["outputs"]["images"] == {"dtype": "float32", "shape": ["batch", 3, 8, 12]}
    assert record["largest_difference"] < 1e-4
    session = onnxruntime.InferenceSession(onnx_file.data)
    assert [(x.name, x.shape) for x in session.get_inputs()] == [
        (name, of["shape"]) for name, of in record["inputs"].items()
    ]
    assert HERE not in onnx_file.data


def test_latents_and_mixed_classes(faces: ImagePipeline, of_latents: exporting.Export) -> None:
    latents = torch.randn(4, 12, generator=torch.Generator().manual_seed(3))
    weights = torch.tensor([[0.5, 0.5, 0.0]]).expand(4, -1)
    made = run(of_latents.data, latents=latents, truncation=np.float32(0.8), class_weights=weights)["images"]
    meant = faces.decode(latents, weights, 0.8).permute(0, 2, 3, 1).numpy().astype(int)
    assert np.abs(pixels(made) - meant).max() <= 1


def test_the_halves_are_the_whole_and_codes_can_be_edited_between(
    faces: ImagePipeline, onnx_file: exporting.Export
) -> None:
    codes, draw = (export(faces, part=part) for part in ("codes", "draw"))
    assert len(codes.data) + len(draw.data) < 1.2 * len(onnx_file.data) + 60_000
    feeds = {"seeds": np.arange(7, 12), "truncation": np.float32(0.7), "classes": np.full((5, 1), 1)}
    made = run(codes.data, **feeds)
    meant = torch.cat([faces.codes_of(seed, "Bob", 0.7) for seed in range(7, 12)])
    assert np.abs(made["codes"] - meant.numpy()).max() < 1e-4
    vector = faces.usable_directions().vectors["component 1"]
    images = run(draw.data, codes=made["codes"] + 1.5 * vector.numpy())["images"]
    edited = [faces.edit(seed, {"component 1": 1.5}, "Bob", 0.7).images[0] for seed in range(7, 12)]
    assert np.abs(pixels(images) - np.stack([np.asarray(image, int) for image in edited])).max() <= 1
    assert codes.record["outputs"]["codes"]["shape"] == ["batch", *faces.code_shape]
    halved = export(faces, inputs="latents", half=True, part="codes")
    assert halved.record["largest_difference"] < 1e-4


def test_models_without_classes_take_none(make_pipeline: Callable[..., ImagePipeline]) -> None:
    grey = make_pipeline(resolution=(12, 8), image_channels=1, labels=None)
    made = export(grey, form="torch")
    assert list(made.record["inputs"]) == ["seeds", "truncation"]
    assert list(made.record["outputs"]) == ["images"]
    program = torch.export.load(io.BytesIO(made.data)).module()
    (images,) = program(torch.arange(5, 8), torch.tensor(1.0))
    meant = [np.asarray(image, int)[..., None] for image in grey(seed=5, num_images=3).images]
    assert np.abs(pixels(images.detach().numpy()) - np.stack(meant)).max() <= 1
    with zipfile.ZipFile(io.BytesIO(made.data)) as archive:
        assert not any(HERE in archive.read(name) for name in archive.namelist())


def test_sounds_are_spectrograms() -> None:
    torch.manual_seed(0)
    generator = AudioGenerator(samples=2048, num_classes=(3, 2), latent_dim=17, channels=(16, 16, 16))
    spoken = AudioPipeline(generator, labels={"digit": ["zero", "one", "two"], "speaker": ["Ada", "Bob"]})
    made = export(spoken)
    assert list(made.record["outputs"]) == ["spectrograms", "labels"]
    latents, classes = spoken.latents([3, 4], "two")
    out = run(made.data, seeds=[3, 4], truncation=np.float32(0.5), classes=[[2, -1], [2, -1]])
    assert out["labels"].tolist() == classes.tolist()
    with torch.inference_mode():
        meant = spoken.generator(latents, classes, 0.5).numpy()
    np.testing.assert_allclose(out["spectrograms"], meant, atol=1e-4)


def test_half_halves_the_weights(faces: ImagePipeline, of_latents: exporting.Export) -> None:
    halved = export(faces, inputs="latents", half=True)
    saved = len(of_latents.data) - len(halved.data)
    assert saved > 0.9 * 2 * faces.num_parameters
    assert halved.record["largest_difference"] < 1e-4 < halved.record["largest_difference_by_rounding"] < 0.05
    with pytest.raises(GANError, match="--half"):
        export(faces, form="torch", half=True)


def test_what_does_not_agree_is_not_written(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(exporting, "TOLERANCE", 0)
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.iterdir())
    assert main([str(repository), "--inputs", "latents"]) == 2
    assert "differs from the model by" in capsys.readouterr().err
    assert sorted(tmp_path.iterdir()) == before


def test_the_command_writes_a_file_and_its_record(
    repository: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(repository), "--output", str(tmp_path / "made" / "faces.onnx")]) == 0
    record = json.loads((tmp_path / "made" / "faces.onnx.json").read_text())
    assert record["model"] == "model"
    said = capsys.readouterr().out
    assert f"faces.onnx  {(tmp_path / 'made' / 'faces.onnx').stat().st_size:,} bytes" in said
    assert "classes (batch, 1) int64" in said
    assert "largest difference from PyTorch: " in said


def test_the_command_writes_halves(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main([str(repository), "--halves", "--inputs", "latents", "--output", "faces.onnx"]) == 0
    names = {path.name for path in tmp_path.iterdir() if path.is_file()}
    assert {"faces-codes.onnx", "faces-codes.onnx.json", "faces-draw.onnx", "faces-draw.onnx.json"} <= names
    said = capsys.readouterr().out
    assert "inputs of codes: latents" in said and "inputs of draw: codes (batch, " in said


def test_mistakes_are_one_sentence(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "other.tgz").write_bytes(b"no archive")
    for flags, said in (
        (["--page", "p", "--inputs", "latents"], "leave --output, --format, --inputs and --halves out"),
        (["--page", "p", "--halves"], "leave --output, --format, --inputs and --halves out"),
        (["--runtime", "x.tgz"], "--page FOLDER"),
        (["--page", str(tmp_path / "p"), "--runtime", str(tmp_path / "other.tgz")], "npm pack onnxruntime-web@"),
        (["--page", str(tmp_path / "p"), "--runtime", str(tmp_path / "none.tgz")], "npm pack onnxruntime-web@"),
    ):
        assert main([str(repository), *flags]) == 2
        error = capsys.readouterr().err.strip().splitlines()[-1]
        assert error.startswith("error: ") and said in error and error.endswith("."), error
    assert not (tmp_path / "p").exists()
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    assert main([str(repository)]) == 2
    assert "the package onnxscript: pip install onnx==" in capsys.readouterr().err


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(GANError, match=r"x\.onnx could not be written .*choose another place"):
        exporting.write(tmp_path / "file", {"x.onnx": b""})


def test_texts_cannot_be_exported() -> None:
    tokenizer = train_tokenizer(["a dog and a cat"], "words", 100)
    generator = TextGenerator(vocab_size=tokenizer.get_vocab_size(), max_length=8, embedding_size=16, hidden_size=24)
    with pytest.raises(GANError, match="makes texts; only generators of pictures and sounds"):
        export(TextPipeline(generator, tokenizer=tokenizer))
