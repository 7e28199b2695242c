"""What the benchmarks compute; that they run to the end takes minutes and is not tested here."""

import math
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
import torch.nn.functional as F

sys.path.insert(0, str(Path(__file__).parent.parent / "benchmarks"))
import baseline
import compare
import dcgan
import diffaugment
import equal_time
import exchange
import flow_prior
import latent_text
import lightweight_gan_baseline
import oracle
import pythae_baselines
import stacked_mnist
import text
import throughput
import wavegan

from gan import ImageEncoder, ImagePipeline
from gan.image.data import ImageSet
from gan.text.data import TextSet, encode
from gan.text.oracle import LENGTH, VOCABULARY, Oracle
from gan.text.tokenizer import SPECIAL, numbers_tokenizer
from gan.training.randomness import StepRandom


def test_modes_all_drawn_alike_diverge_by_nothing_and_a_single_one_by_its_surprise() -> None:
    shares = torch.full((1000,), 1e-3, dtype=torch.float64)
    even = stacked_mnist.score(torch.arange(1000).repeat(3), shares)
    assert even["modes"] == 1000
    assert even["KL"] == pytest.approx(0, abs=1e-9)
    single = stacked_mnist.score(torch.full((50,), 123), shares)
    assert single["modes"] == 1
    assert single["KL"] == pytest.approx(math.log(1000))


def test_stacked_digits_are_channels_and_what_is_written_is_read_again(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(256, size=(30, 1, 28, 28)).astype(np.uint8)
    digits = ImageSet(pixels, np.arange(30) % 10, [str(k) for k in range(10)], "digits", "train")
    stacked = stacked_mnist.stack(digits, 25, seed=0)
    assert stacked.shape == (25, 3, 32, 32)
    assert stacked[:, :, :2].max() == 0
    assert any((stacked[0, 1, 2:-2, 2:-2] == digit).all() for digit in pixels[:, 0])
    stacked_mnist.write_dataset(tmp_path, stacked)
    train_set, test_set = baseline.load(str(tmp_path), "--unconditional")
    assert len(train_set) + len(test_set) == 25
    assert train_set.labels is None
    read = np.concatenate([train_set.pixels, test_set.pixels])
    assert sorted(read.sum((1, 2, 3))) == sorted(stacked.sum((1, 2, 3)))


def test_what_cannot_be_read_ends_a_benchmark_with_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="holds no data set"):
        baseline.load(str(tmp_path))


@pytest.mark.processes
def test_pictures_go_to_another_interpreter_and_come_back_with_a_record(tmp_path: Path) -> None:
    script = tmp_path / "peer.py"
    script.write_text(
        f"import sys; sys.path.insert(0, {str(Path(exchange.__file__).parent)!r})\n"
        "import exchange\n"
        "args = exchange.parser('a peer').parse_args()\n"
        "pixels = exchange.read(args.archive)\n"
        "record = {'seed': args.seed, 'cpu_minutes': args.cpu_minutes}\n"
        "exchange.write(args.archive, 1 - pixels[: args.samples] / 255, record)\n"
    )
    pixels = np.random.default_rng(0).integers(256, size=(5, 3, 4, 4)).astype(np.uint8)
    flags = {"samples": 2, "seed": 7, "cpu_minutes": None}
    generated, record = exchange.train(sys.executable, str(script), pixels, flags)
    assert generated.dtype == np.uint8 and (generated == 255 - pixels[:2]).all()
    assert record == {"seed": 7, "cpu_minutes": None}


@pytest.mark.parametrize(
    ("peer", "sentence"), [(pythae_baselines, "of 1x28x28 and 3x64x64"), (lightweight_gan_baseline, "not 32x32")]
)
def test_peers_refuse_pictures_that_they_have_no_networks_for(
    peer: ModuleType, sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stacked_mnist.write_dataset(tmp_path / "data", np.zeros((25, 3, 32, 32), np.uint8))
    given = ["--python", sys.executable, "--dataset_name", str(tmp_path / "data"), "--output_dir", str(tmp_path)]
    monkeypatch.setattr(sys, "argv", ["peer", *given])
    with pytest.raises(SystemExit, match=sentence):
        peer.main()


def test_diffaugment_cuts_a_quarter_out_of_every_picture_and_can_be_differentiated() -> None:
    pictures = torch.ones(200, 3, 16, 24, requires_grad=True)
    changed = diffaugment.augment(pictures, 0.0, StepRandom(0, 0))
    holes = (changed == 0).all(1)
    assert holes.flatten(1).any(1).all()  # exact zeros: colours come before it
    assert 0.1 < holes.float().mean() < 0.3  # a quarter, less what lies outside, more what moved in from there
    (slope,) = torch.autograd.grad(changed.square().sum(), pictures, create_graph=True)
    assert torch.autograd.grad(slope.square().sum(), pictures)[0].isfinite().all()


@pytest.mark.parametrize(
    ("resolution", "channels", "classes"), [((28, 28), 1, 10), ((32, 32), 3, 0), ((64, 48), 3, 2)]
)
def test_dcgan_draws_and_judges_pictures_of_any_size(resolution: tuple[int, int], channels: int, classes: int) -> None:
    shape = (resolution, channels, classes, 8)
    generator, discriminator = dcgan.Generator(*shape), dcgan.Discriminator(*shape)
    labels = torch.tensor([0, 1, 1]) if classes else None
    images = generator(torch.randn(3, dcgan.LATENT), labels)
    assert images.shape == (3, channels, *resolution)
    assert images.abs().max() <= 1
    assert discriminator(images, labels).shape == (3,)


def test_wavegan_makes_and_judges_clips_of_labels() -> None:
    generator, critic = wavegan.Generator([3, 2], 4), wavegan.Critic([3, 2], 4)
    labels = torch.tensor([[0, 1], [2, 0]])
    clips = generator(wavegan.noise(2), labels)
    assert clips.shape == (2, wavegan.SAMPLES) and clips.abs().max() <= 1
    assert critic(clips, labels).shape == (2,)
    wavegan.gradient_penalty(critic, clips.detach(), torch.zeros_like(clips), labels).backward()
    assert critic.layers[0].weight.grad.abs().sum() > 0


def test_phases_are_shuffled_by_two_at_most_and_reflected() -> None:
    ramp = torch.arange(10.0).view(1, 1, 1, 10)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        found = {tuple(wavegan.phase_shuffle(ramp).flatten().tolist()) for _ in range(100)}
    assert len(found) == 5
    assert (2, 1, 0, 1, 2, 3, 4, 5, 6, 7) in found and (2, 3, 4, 5, 6, 7, 8, 9, 8, 7) in found


def test_operations_are_counted_forwards_and_backwards() -> None:
    image, weight = torch.randn(2, 4, 8, 8, requires_grad=True), torch.randn(4, 4, 3, 3, requires_grad=True)
    one_pass = 2 * 2 * 4 * 4 * 9 * 8 * 8
    assert throughput.flops(lambda: F.conv2d(image, weight, padding=1)) == one_pass
    assert throughput.flops(lambda: F.conv2d(image, weight, padding=1).sum().backward()) == 3 * one_pass


def test_the_comparison_shows_what_is_known_of_each_model(
    make_pipeline: Callable[..., ImagePipeline],
) -> None:
    gan = make_pipeline()
    encoder = ImageEncoder((16, 16), 3, 3, gan.generator.config.latent_dim, gan.generator.config.channels)
    both = ImagePipeline(gan.generator, gan.discriminator, gan.labels, encoder=encoder)
    both.training_record = {"images_seen": 64, "seconds": 90}
    both.metrics = {"metrics": [{"name": "Precision (classifier features)", "value": 0.5}]}
    row = compare.row("some/folder", both)
    assert (row["minutes"], row["Precision"], row["Recall"]) == (1.5, 0.5, None)
    held_out = ImageSet(np.zeros((4, 3, 16, 16), np.uint8), None, None, "black", "test")
    picture = compare.figure([gan, both], held_out)
    assert picture.width > 2 * compare.SCALE * compare.SEEDS * 16


def test_a_sweep_is_summed_up_where_it_goes() -> None:
    curve = {"alpha": [0.9, 1.0, 1.5, 2.0], "oracle": [9.5, 9.0, 7.0, 6.0], "test": [8.2, 8.0, 8.6, 9.2]}
    assert oracle.summary(curve) == pytest.approx([9.0, 8.0, 8.0, 15.2, 2.0, 7.0 + 2 / 6, 6 + 1 / 3, None])
    assert oracle.spread([1.0, 2.0, 3.0]) == "2.000 ± 1.000"
    assert oracle.spread([1.0], digits=1) == "1.0"
    assert oracle.spread([1.0, None]) == "–"


def test_words_drawn_as_often_as_they_are_seen_are_no_better_than_that(capsys: pytest.CaptureFixture[str]) -> None:
    judge = Oracle()
    parts = {
        split: TextSet(
            [" ".join(map(str, row)) for row in judge.sample(count, 0).tolist()], None, None, "oracle", split
        )
        for split, count in (("train", 40), ("test", 20))
    }
    for part in parts.values():
        part.tokenizer, part.has_end = numbers_tokenizer(VOCABULARY), False
    tokens = encode(parts["test"], parts["test"].tokenizer, LENGTH).tokens
    judged, test = oracle.unigram(judge, parts["train"], tokens, 20)
    assert judge.nll(tokens - len(SPECIAL)) < test < math.log(VOCABULARY) < judged
    curve = {"alpha": [1.0, 1.5], "oracle": [judged, 8.0], "test": [test, test + 1]}
    oracle.report({"mle": [curve, curve]}, {"Unigram": ["1.000", "2.000"]}, {"mle": "60"})
    said = capsys.readouterr().out
    assert (
        "| MLE, sharpened: alpha 1.5 | 8.000 ± 0.000 |" in said and "| RelGAN (published, Nie et al.) | 6.68 |" in said
    )
    rows = [line.count("|") for line in said.splitlines() if line.startswith("|")]
    assert set(rows) == {len(oracle.COLUMNS) + 3, 4}


def test_flags_and_time_go_to_a_method_and_what_it_starts_from(tmp_path: Path) -> None:
    for name, seconds in (("mle-0", 10.0), ("ratio-0", 5.0)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "seconds.json").write_text(str(seconds))
    args = oracle.arguments(["--output_dir", str(tmp_path), "--flags", "all", "--dropout 0.6"])
    assert oracle.train("ratio", 0, args) == tmp_path / "ratio-0"  # nothing is trained again
    assert oracle.cpu_seconds("ratio", 0, tmp_path) == 15


def test_reverse_scores_are_compared_at_equal_lm_scores_and_never_beyond_the_points() -> None:
    points = [
        {"temperature": t, "lm_score": lm, "reverse_lm_score": r} for t, lm, r in ((1.1, 4.0, 3.6), (0.9, 3.0, 4.0))
    ]
    assert text.at_level(points, 3.25) == pytest.approx(3.9)
    assert text.at_level(points, 4.1) is None
    assert text.averaged([points, points], "temperature") == points


def test_mixing_needs_the_next_seed_and_refining_what_it_starts_from() -> None:
    assert text.needed(text.CURVES["mixture"], 2, [0, 1, 2]) == [("mle", 2), ("mle", 0)]
    assert text.needed(text.CURVES["ratio"], 1, [0, 1, 2]) == [("ratio", 1), ("mle", 1)]
    assert text.needed(text.CURVES["away"], 1, [0, 1, 2]) == [("weak", 1), ("mle", 1)]


def test_a_pilot_says_how_many_steps_fit_and_only_runs_of_the_same_setting_are_kept(tmp_path: Path) -> None:
    assert equal_time.steps_in(2, lambda steps: 7 + 0.5 * steps) == 240
    file = tmp_path / "runs.jsonl"
    assert equal_time.kept(file, {"minutes": 2}) == []
    for minutes in (2, 3):
        equal_time.keep(file, {"minutes": minutes}, {"row": "ae", "score": minutes + 0.5})
    assert equal_time.kept(file, {"minutes": 3}) == [{"row": "ae", "score": 3.5}]


def test_a_latent_is_compared_with_maximum_likelihood_where_both_are_as_various() -> None:
    curve = [{"lm_score": lm, "reverse_lm_score": reverse} for lm, reverse in ((2.0, 5.0), (3.0, 4.0))]
    assert latent_text.behind({"lm_score": 3.0, "reverse_lm_score": 4.5}, curve) == pytest.approx(0.5)
    assert latent_text.behind({"lm_score": 2.0, "reverse_lm_score": 5.1}, curve) is None
    run = {"seed": 0, "points": {"0": curve[0], "1": curve[1]}, "edits_moved": 0.5}
    found = latent_text.columns(run, {"points": {"0.8": curve[0], "1": curve[1]}})
    assert found["behind, T 0"] == found["behind, T 1"] == 0 and found["edits_moved"] == 0.5
    assert not any(name.startswith("behind") for name in latent_text.columns(run, None))


def test_one_language_model_may_be_beside_several_with_a_latent(capsys: pytest.CaptureFixture[str]) -> None:
    curve = {"0.8": {"lm_score": 2.0, "reverse_lm_score": 5.0}, "1": {"lm_score": 3.0, "reverse_lm_score": 4.0}}
    behind_by = {0: 0.1, 1: 0.3}
    runs = {
        ("daae", seed): {"points": {"0": {"lm_score": 2.5 + far, "reverse_lm_score": 4.5}}}
        for seed, far in behind_by.items()
    }
    latent_text.report(runs | {("mle", 0): {"points": curve}}, {})
    header, _, daae, *_ = ([cell.strip() for cell in line.split("|")] for line in capsys.readouterr().out.splitlines())
    assert daae[header.index("behind, T 0")] == "0.20 ± 0.14"


def test_a_flow_goes_from_noise_to_latents_and_back() -> None:
    torch.manual_seed(0)
    flow = flow_prior.Flow(torch.ones(6), torch.diag(torch.arange(1.0, 7.0)), num_layers=3, hidden_size=8).double()
    for coupling in flow.couplings:
        torch.nn.init.normal_(coupling.last.weight)
    noise = torch.randn(5, 6, dtype=torch.double)
    latents = flow.inverse(noise)

    found, determinant = flow(latents)
    assert torch.allclose(found, noise)
    jacobian = torch.func.jacrev(lambda latent: flow(latent[None])[0][0])(latents[0])
    assert torch.allclose(torch.linalg.slogdet(jacobian)[1] + torch.linalg.slogdet(flow.root)[1], determinant[0])
