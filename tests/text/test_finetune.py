"""Text models taken over for texts of other classes, before any training."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from gan import GANError, TextPipeline
from gan.text.likelihood import nll
from gan.text.task import TextTask
from gan.text.tokenizer import BEGIN
from gan.training.arguments import parser


@pytest.mark.parametrize("architecture", ["lstm", "transformer", "memory"])
def test_a_shared_class_stays_and_a_new_one_starts_as_the_likeliest(
    make_text_pipeline: Callable[..., TextPipeline], tmp_path: Path, architecture: str
) -> None:
    old = make_text_pipeline(architecture, labels=["spring", "Winter"])
    old.save_pretrained(tmp_path / "seasons")
    for name in ("autumn", "winter"):
        (tmp_path / "texts" / name).mkdir(parents=True)
        (tmp_path / "texts" / name / "all.txt").write_text("春水东流去，\n秋风北雁来。", encoding="utf-8")
    flags = ["--pretrained_model_name_or_path", str(tmp_path / "seasons"), "--train_data_dir", str(tmp_path / "texts")]
    task = TextTask(parser({"text": TextTask}).parse_args(["text", *flags]))
    assert task.train_set.label_names == ["autumn", "winter"]
    assert task.args.architecture == architecture and task.args.hidden_size == 24  # the record is of what is trained

    tokens = torch.tensor([[BEGIN, 5, 7, 3]])
    with torch.inference_mode():
        new = task.generator.eval()
        kept, before = new(tokens, torch.tensor([1]))[0], old.generator(tokens, torch.tensor([1]))[0]
    assert torch.equal(kept, before)
    encoded = task.encoded.tokens[:1]  # of autumn
    likeliest = min((0, 1), key=lambda k: float(nll(old.generator, None, encoded, torch.tensor([k]))))
    assert torch.equal(new.embed_class.weight[0], old.generator.embed_class.weight[likeliest])
    assert task.pipeline(new, None).labels == ["autumn", "winter"]
    assert new.frequencies.sum() == pytest.approx(1) and new.frequencies.max() > 1.5 / len(new.frequencies)


@pytest.mark.parametrize("architecture", ["lstm", "transformer", "memory"])
@pytest.mark.parametrize("classes_before", [True, False])
def test_classes_can_be_left_out_and_added(
    make_text_pipeline: Callable[..., TextPipeline],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    architecture: str,
    classes_before: bool,
) -> None:
    old = make_text_pipeline(architecture, critic=False, labels=["spring", "winter"] if classes_before else None)
    old.save_pretrained(tmp_path / "seasons")
    for name in ("autumn", "winter"):
        (tmp_path / "texts" / name).mkdir(parents=True)
        (tmp_path / "texts" / name / "all.txt").write_text("春水东流去，\n秋风北雁来。", encoding="utf-8")
    flags = ["--pretrained_model_name_or_path", str(tmp_path / "seasons"), "--train_data_dir", str(tmp_path / "texts")]
    flags += ["--unconditional"] * classes_before
    task = TextTask(parser({"text": TextTask}).parse_args(["text", *flags]))
    assert task.pipeline(task.generator, None).labels == (None if classes_before else ["autumn", "winter"])
    tokens = torch.tensor([[BEGIN, 5, 7, 3]])
    with torch.inference_mode():
        if classes_before:  # as a mean class would have it
            old.generator.embed_class.weight.copy_(old.generator.embed_class.weight.mean(0).expand(2, -1))
        expected = old.generator(tokens, torch.tensor([0]) if classes_before else None)[0]
        found = task.generator.eval()(tokens, None if classes_before else torch.tensor([1]))[0]
    torch.testing.assert_close(found, expected)
    out = capsys.readouterr().out
    assert ("from the mean of the model's classes" if classes_before else "All classes start as the model is") in out


@pytest.mark.parametrize("architecture", ["lstm", "transformer"])
@pytest.mark.parametrize("latent_tokens", [1, 2])
def test_classes_of_a_model_with_a_latent_can_be_left_out(
    make_latent_pipeline: Callable[..., TextPipeline], tmp_path: Path, architecture: str, latent_tokens: int
) -> None:
    old = make_latent_pipeline(architecture, ["spring", "winter"], latent_tokens)
    old.save_pretrained(tmp_path / "seasons")
    (tmp_path / "all.txt").write_text("春水东流去，\n秋风北雁来。", encoding="utf-8")
    flags = ["--pretrained_model_name_or_path", str(tmp_path / "seasons"), "--train_data_dir", str(tmp_path)]
    task = TextTask(parser({"text": TextTask}).parse_args(["text", *flags, "--objective", "daae", "--unconditional"]))
    assert not task.args.normalise_latents, "a model that was trained without goes on without"
    tokens, latents = torch.tensor([[BEGIN, 5, 7, 3]]), torch.randn(1, 8)
    with torch.inference_mode():
        old.generator.embed_class.weight.copy_(old.generator.embed_class.weight.mean(0).expand(2, -1))
        expected = old.generator(tokens, torch.tensor([0]), latents=latents)[0]
        found = task.generator.generator.eval()(tokens, latents=latents)[0]
    torch.testing.assert_close(found, expected)


def test_without_an_encoder_there_is_nothing_to_go_on_with_and_no_data_are_read(
    make_latent_pipeline: Callable[..., TextPipeline], tmp_path: Path
) -> None:
    pipeline = make_latent_pipeline()
    pipeline.register_modules(encoder=None)
    pipeline.save_pretrained(tmp_path / "verses")
    flags = ["--pretrained_model_name_or_path", str(tmp_path / "verses"), "--objective", "daae"]
    flags += ["--train_data_dir", str(tmp_path / "nowhere")]
    with pytest.raises(GANError, match="verses has no encoder, which --objective daae trains"):
        TextTask(parser({"text": TextTask}).parse_args(["text", *flags]))
