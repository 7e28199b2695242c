"""`python -m gan.sample`: what several processes write is what the pipeline gives, one seed at a time."""

import io
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from cli import ROOT, files, in_two_processes
from PIL import Image

from gan import AudioGenerator, AudioPipeline, GANPipeline, ImagePipeline, TextGenerator, TextPipeline
from gan.audio.preprocessing import wav
from gan.sample import main
from gan.text.tokenizer import train_tokenizer


@pytest.fixture
def writer(tmp_path: Path) -> Path:
    """A tiny model of text on disk, with classes."""
    torch.manual_seed(0)
    tokenizer = train_tokenizer(["the dog sleeps", "a cat runs"], "words", 50)
    shape = {"vocab_size": tokenizer.get_vocab_size(), "max_length": 8, "embedding_size": 8, "hidden_size": 8}
    TextPipeline(TextGenerator(num_classes=2, **shape), None, ["one", "two"], tokenizer=tokenizer).save_pretrained(
        tmp_path / "writer"
    )
    return tmp_path / "writer"


def sample(model: Path, folder: Path, *flags: object) -> None:
    assert main([str(model), "--output_dir", str(folder), *map(str, flags)]) == 0


@pytest.mark.processes
def test_two_processes_write_what_one_does(repository: Path, tmp_path: Path) -> None:
    flags = ["--num_images", "21", "--seed", "5", "--batch_size", "4", "--truncation", "0.7"]
    env = os.environ | {"OMP_NUM_THREADS": "1", "ACCELERATE_USE_CPU": "true", "PYTHONPATH": str(ROOT)}
    words = ["-m", "gan.sample", repository, "--output_dir", tmp_path / "two", *flags]
    done = in_two_processes(*words, env=env, cwd=tmp_path).check()
    assert done.out.count("21 images are in") == 1
    sample(repository, tmp_path / "one", *flags[:4], "--batch_size", 64, *flags[6:])
    written = files(tmp_path / "two")
    assert written == files(tmp_path / "one") and len(written) == 22
    pipeline = GANPipeline.from_pretrained(repository)
    for seed in (5, 12, 25):
        direct = pipeline(seed=seed, truncation=0.7).images[0]
        assert Image.open(io.BytesIO(written[f"{seed:010d}.png"])).tobytes() == direct.tobytes()


def test_an_interrupted_command_goes_on(repository: Path, tmp_path: Path) -> None:
    folder = tmp_path / "samples"
    sample(repository, folder, "--num_images", 10, "--batch_size", 4)
    whole = files(folder)
    (folder / "0000000003.png").unlink()
    (folder / "0000000008.png").write_bytes(whole["0000000008.png"][:-20])
    kept = (folder / "0000000002.png").stat().st_ino
    sample(repository, folder, "--num_samples", 12, "--batch_size", 3)
    assert {name: data for name, data in files(folder).items() if name in whole} == whole
    assert len(files(folder)) == 13 and (folder / "0000000002.png").stat().st_ino == kept


def test_texts_are_lines(writer: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TextPipeline, "samples_per_file", 10)
    flags = ["--temperature", 0.8, "--label", "two", "--batch_size", 4]
    sample(writer, tmp_path / "texts", "--num_samples", 15, *flags)
    found = files(tmp_path / "texts")
    assert set(found) == {"sampling.json", "0000000000.jsonl", "0000000010.jsonl"}
    assert found["0000000010.jsonl"].count(b"\n") == 5
    sample(writer, tmp_path / "texts", "--num_samples", 23, *flags)
    lines = [line for path in sorted((tmp_path / "texts").glob("*.jsonl")) for line in path.open()]
    direct = GANPipeline.from_pretrained(writer)(num_samples=23, temperature=0.8, label="two")
    assert [json.loads(line) for line in lines] == [
        {"seed": seed, "text": text, "label": "two"} for seed, text in zip(direct.seeds, direct.texts)
    ]


def test_clips_are_sound_files(tmp_path: Path) -> None:
    shape = {"samples": 2048, "channels": (16, 16, 16), "num_classes": (2,)}
    AudioPipeline(AudioGenerator(latent_dim=4, **shape), labels={"digit": ["zero", "one"]}).save_pretrained(
        tmp_path / "m"
    )
    flags = ["--num_samples", 3, "--seed", 8, "--label", "one", "--truncation", 0.5]
    sample(tmp_path / "m", tmp_path / "clips", *flags)
    whole = files(tmp_path / "clips")
    direct = GANPipeline.from_pretrained(tmp_path / "m")(seed=9, truncation=0.5, label="one").audios[0]
    assert whole["0000000009.wav"] == wav(direct, 8000) and len(whole) == 4
    (tmp_path / "clips/0000000010.wav").write_bytes(whole["0000000010.wav"][:-2])
    sample(tmp_path / "m", tmp_path / "clips", *flags)
    assert files(tmp_path / "clips") == whole


BAD = {
    "is neither a folder": ["what is this"],
    "have no --temperature": ["MODEL", "--temperature", "1"],
    "There is no label 'Zoe'": ["MODEL", "--label", "Zoe"],
    "A truncation of 9.0 cannot be used": ["MODEL", "--truncation", "9"],
    "not a whole number from 0 to": ["MODEL", "--seed", str(2**32 - 3)],
    "is not an empty folder": ["MODEL", "--output_dir", "MODEL"],
    "holds samples of another model, seed or setting": ["MODEL", "--output_dir", "TAKEN", "--truncation", "0.5"],
}


@pytest.mark.parametrize("part", BAD)
def test_bad_input_is_one_sentence(
    part: str,
    repository: Path,
    make_pipeline: Callable[..., ImagePipeline],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    if "TAKEN" in BAD[part]:
        sample(repository, tmp_path / "taken", "--num_images", 2)
    places = {"MODEL": str(repository), "TAKEN": str(tmp_path / "taken")}
    before = files(tmp_path)
    line = [places.get(word, word) for word in BAD[part]]
    if "--output_dir" not in line:
        line += ["--output_dir", str(tmp_path / "never")]
    assert main([*line, "--num_images", "5"]) == 2
    said = capsys.readouterr().err.strip().splitlines()[-1]
    assert said.startswith("error: ") and part in said and said.endswith(".")
    assert files(tmp_path) == before
