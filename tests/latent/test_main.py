"""The commands that find directions and measure guidance."""

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from safetensors.torch import load_file

from gan import GANError, GANPipeline, ImagePipeline
from gan.latent.__main__ import main
from gan.latent.guidance_curve import distance, suited
from gan.latent.tables import guidance_notes


def test_directions_are_found_scored_and_written(
    pipeline: ImagePipeline, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    model = tmp_path / "model"
    pipeline.save_pretrained(model)
    assert main(["directions", str(model), "--num_samples", "200", "--num_scored", "10"]) == 0
    printed = capsys.readouterr().out
    assert "| brightness | " in printed and f"directions.json are in {model}" in printed
    loaded = GANPipeline.from_pretrained(model)
    assert loaded.directions.records["brightness"]["monotone"] > 0.5
    assert loaded.edit(1, {"brightness": 2.0}).images
    assert "### Directions" in (model / "README.md").read_text()


def test_a_model_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["directions", str(tmp_path)]) == 2
    assert "error: " in capsys.readouterr().err


def test_guidance_is_measured(
    make_pipeline: Callable[..., ImagePipeline],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setitem(sys.modules, "efficientnet_lite_pytorch", None)  # without it there is less to compute
    model = str(tmp_path / "model")
    make_pipeline(labels=None).save_pretrained(model)
    data = ["--dataset_name", "glyphs", "--unconditional", "--max_train_samples", "100", "--num_images", "60"]
    assert main(["guidance", model, *data, "--critic_steps", "0", "2"]) == 0
    printed = capsys.readouterr().out
    assert "| critic steps | critic prior |" in printed and "The smallest distance there is that of" in printed
    found = json.loads((tmp_path / "model" / "guidance.json").read_text())
    assert [(row["critic_steps"], row["critic_prior"]) for row in found["curve"]] == [(0, 0), (2, 0), (2, 1)]
    assert [row["critic_steps"] for row in found["confirmed"]] == [0, 2] and found["chosen"] in found["curve"]
    loaded = GANPipeline.from_pretrained(model)
    best = min(found["curve"][1:], key=distance)
    assert loaded.config["guidance"] == suited(found) and suited(found)["prior"] == best["critic_prior"]
    assert loaded.guidance_curve == found and "### Critic guidance" in (tmp_path / "model" / "README.md").read_text()
    assert main(["guidance", model, *data, "--critic_steps", "99"]) == 2
    assert "99 critic steps cannot be measured" in capsys.readouterr().err


def test_guidance_needs_a_distance_to_choose_by():
    with pytest.raises(GANError, match="too few to measure one; hold out at least 100, and generate 50 or more"):
        distance({"critic_steps": 0, "critic_prior": 0, "class_agreement": 0.9})


def test_no_guidance_may_be_the_best():
    rows = [
        {"critic_steps": n, "critic_prior": p, "frechet_distance": d} for n, p, d in ((0, 0, 1), (2, 0, 3), (2, 1, 2))
    ]
    found = {"step_size": 0.06, "curve": rows, "chosen": rows[0], "confirmed": [rows[0], rows[2]]}
    assert suited(found) == {"steps": 0, "step_size": 0.06, "prior": 1}


@pytest.mark.parametrize(("elsewhere", "steps"), [(2.0, 5), (4.0, 0)])
def test_what_is_not_better_on_the_other_half_is_not_kept(elsewhere: float, steps: int):
    curve = [{"critic_steps": n, "critic_prior": 1, "frechet_distance": d} for n, d in ((0, 3), (5, 2))]
    confirmed = [curve[0], curve[1] | {"frechet_distance": elsewhere}]
    found = {"step_size": 0.06, "curve": curve, "chosen": curve[1], "confirmed": confirmed}
    assert suited(found) == {"steps": steps, "step_size": 0.06, "prior": 1}
    assert ("so none is recommended" in guidance_notes(found, steps)) == (steps == 0)


def test_guidance_of_a_model_without_a_discriminator(
    make_pipeline: Callable[..., ImagePipeline], tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    ImagePipeline(make_pipeline(labels=None).generator).save_pretrained(tmp_path / "model")
    words = ["guidance", str(tmp_path / "model"), "--train_data_dir", str(tmp_path / "nowhere")]
    assert main(words) == 2  # before any data are looked at
    assert "no discriminator" in capsys.readouterr().err


def test_a_picture_is_found_tuned_for_and_written(
    pipeline: ImagePipeline, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    model, out = tmp_path / "model", tmp_path / "out"
    pipeline.save_pretrained(model)
    Image.new("RGB", (40, 30), "red").save(tmp_path / "picture.png")
    words = ["invert", str(model), str(tmp_path / "picture.png"), "--steps", "3", "--output_dir", str(out)]
    assert main([*words, "--tune", "--tune_steps", "10"]) == 0
    printed = capsys.readouterr().out
    distances = [float(number) for number in re.findall(r"[\d.]+(?= (?:at|with|tuned))", printed)]
    assert distances == sorted(distances, reverse=True) and len(distances) == 3
    assert f"codes.safetensors, found.png, tuned.png, tuning.safetensors are in {out}" in printed
    codes = load_file(out / "codes.safetensors")["codes"]
    loaded = GANPipeline.from_pretrained(model)
    for name in ("found.png", "tuned.png"):
        with Image.open(out / name) as image:
            assert image.tobytes() == loaded.draw(codes).images[0].tobytes()
        loaded.load_tuning(out / "tuning.safetensors")
    assert main(words) == 0
    assert sorted(path.name for path in out.iterdir()) == ["codes.safetensors", "found.png"]


def test_what_cannot_be_inverted(
    pipeline: ImagePipeline, repository: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    words = ["invert", str(repository), str(tmp_path / "text.png"), "--output_dir", str(tmp_path / "out")]
    refused = {"cannot be opened as a picture": words, "--tune_steps is for --tune": [*words, "--tune_steps", "3"]}
    (tmp_path / "text.png").write_text("no picture")
    for sentence, line in refused.items():
        assert main(line) == 2
        assert sentence in capsys.readouterr().err
    Image.new("L", (8, 8)).save(tmp_path / "text.png")
    assert main([*words, "--output_dir", str(tmp_path / "text.png" / "out"), "--steps", "0"]) == 2
    assert "choose another --output_dir" in capsys.readouterr().err


def test_guidance_without_a_model(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit):
        main(["guidance"])
    assert "required: MODEL" in capsys.readouterr().err
