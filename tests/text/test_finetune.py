"""Text models taken over for texts of other classes, before any training."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from gan import TextPipeline
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
