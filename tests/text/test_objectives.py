"""What each objective does to tiny networks, without the loop."""

import argparse
import itertools
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from accelerate import PartialState
from torch import Tensor

from gan import GANError, SequenceDiscriminator, TextGenerator, TextPipeline
from gan.text.likelihood import inputs, nll
from gan.text.objectives import OBJECTIVES, TextObjective
from gan.text.objectives.density_ratio import STRENGTHS, DensityRatio
from gan.text.objectives.mle import MLE
from gan.text.objectives.relgan import RelGAN
from gan.text.objectives.rollouts import complete, sample
from gan.text.objectives.seqgan import SeqGAN, rewards
from gan.text.tokenizer import END, IGNORED
from gan.training.randomness import StepRandom

VOCABULARY, LENGTH = 7, 5
SHAPE = {"embedding_size": 8, "hidden_size": 12, "num_layers": 1, "num_heads": 2, "dropout": 0.0, "noise": 0.0}
RANDOM = StepRandom(0, 0)
FLAGS = {kind: flag for flag, kind in OBJECTIVES.items()}


def arguments(**more: Any) -> argparse.Namespace:
    """What `train.py text` would pass on."""
    shared = {"objective": "seqgan", "architecture": "lstm", "tied": True, "critic_loss": "bound", "rollouts": 2}
    run = {
        "beta_max": 2.0,
        "max_train_steps": 10,
        "gradient_accumulation_steps": 1,
        "discriminator_steps": 1,
        "seed": 0,
    }
    return argparse.Namespace(**(SHAPE | shared | run | {"pretrained_model_name_or_path": "mle"} | more))


def language(count: int, seed: int = 0) -> Tensor:
    """int64 (count, LENGTH + 1): 3 and 4 by turns, one to five of them, with a mistake once in a while."""
    source = torch.Generator().manual_seed(seed)
    tokens = torch.full((count, LENGTH + 1), IGNORED)
    for row in tokens:
        length, first = (int(torch.randint(low, high, (), generator=source)) for low, high in ((1, 6), (0, 2)))
        row[:length] = torch.tensor([3 + (first + k) % 2 for k in range(length)])
        if float(torch.rand((), generator=source)) < 0.2:
            row[0] = 5
        row[length] = END
    return tokens


def model(architecture: str = "lstm", **more: Any) -> TextGenerator:
    torch.manual_seed(0)
    network = TextGenerator(vocab_size=VOCABULARY, max_length=LENGTH, architecture=architecture, **(SHAPE | more))
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.2)
    return network


def batch(count: int = 6, labels: Tensor | None = None) -> dict[str, Any]:
    return {"tokens": language(count), "labels": labels}


def learn(objective: TextObjective, steps: int, rate: float = 0.02) -> list[float]:
    """Losses of the network that is trained."""
    optimizer, losses = torch.optim.Adam(objective.generator.parameters(), rate), []
    for step in range(steps):
        given = {"tokens": language(32, seed=step), "labels": None}
        loss, _ = objective.generator_loss(None, given, objective.generate(objective.generator, given), RANDOM)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    return losses


@pytest.fixture(scope="module")
def trained() -> TextPipeline:
    """A model of maximum likelihood that could have been trained for longer."""
    objective = MLE(arguments(), model(), None)
    losses = learn(objective, 25)
    assert losses[-1] < 0.7 * losses[0]
    return TextPipeline(objective.generator)


def copy_of(pipeline: TextPipeline) -> TextGenerator:
    twin = TextGenerator.from_config(pipeline.generator.config)
    twin.load_state_dict(pipeline.generator.state_dict())
    return twin


def test_maximum_likelihood_learns_a_language_and_is_scored_by_its_likelihood(trained: TextPipeline) -> None:
    held_out = language(100, seed=10_000)
    score = MLE(arguments(), model(), None).validate(trained.generator, held_out, None)
    logits, _ = trained.generator(inputs(held_out))
    expected = F.cross_entropy(logits.flatten(0, 1), held_out.flatten(), ignore_index=IGNORED)
    assert score == pytest.approx(float(expected.detach()), rel=1e-5)
    assert score < float(nll(model(), None, held_out, None))


@pytest.mark.parametrize("critic_loss", ["bound", "logistic"])
def test_a_critic_cannot_lose_on_validation_data(trained: TextPipeline, critic_loss: str) -> None:
    held_out, generator = language(200, seed=10_000), copy_of(trained)
    before = float(nll(generator, None, held_out, None))
    objective = DensityRatio(arguments(critic_loss=critic_loss, embedding_size=16), generator, trained)
    frozen = {name: tensor.clone() for name, tensor in generator.state_dict().items()}
    assert float(nll(generator, objective.generator, held_out, None, (0.0,))) == before
    young = objective.validate(objective.generator, held_out, None)  # at a strength above 0, or it could not improve
    assert young is not None and young > before
    assert objective.components(objective.generator, None, held_out, None).critic_strength == 0
    losses = learn(objective, 60)
    assert sum(losses[-10:]) < sum(losses[:10])
    assert objective.validate(objective.generator, held_out, None) < before
    assert all(torch.equal(generator.state_dict()[name], tensor) for name, tensor in frozen.items())
    kept, critic, strength, _ = objective.components(objective.generator, None, held_out, None)
    assert kept is generator and critic is objective.generator and strength in STRENGTHS and strength > 0


def test_the_expectation_over_the_vocabulary_is_the_sum_over_all_tokens(trained: TextPipeline) -> None:
    objective, given = DensityRatio(arguments(critic_loss="logistic"), copy_of(trained), trained), batch()
    loss, _ = objective.generator_loss(None, given, objective.generate(objective.generator, given), RANDOM)
    shown, terms = inputs(given["tokens"]), []
    with torch.no_grad():
        log_p = objective.frozen(shown)[0].log_softmax(-1)
        log_q = objective.generator(shown)[0].log_softmax(-1)
    for row, place in itertools.product(range(6), range(LENGTH + 1)):
        real = int(given["tokens"][row, place])
        if real != IGNORED:
            f = [float(q - p) if p.isfinite() else 0.0 for p, q in zip(log_p[row, place], log_q[row, place])]
            shares = log_p[row, place].exp().tolist()
            softplus = [float(F.softplus(torch.tensor(value))) for value in f]
            fake = sum(share * value for share, value in zip(shares, softplus))
            terms.append(float(F.softplus(torch.tensor(-f[real]))) + fake)
    assert float(loss.detach()) == pytest.approx(sum(terms) / len(terms), rel=1e-4)


@pytest.mark.parametrize("architecture", ["lstm", "transformer", "memory"])
def test_roll_outs_keep_what_is_there_and_go_on_from_it(architecture: str) -> None:
    generator, labels = model(architecture, num_classes=2).eval(), torch.tensor([0, 1, 0, 1])
    torch.manual_seed(1)
    written = sample(generator, 4, labels)
    assert written.tokens.shape == (4, LENGTH)
    for kept in range(1, LENGTH + 1):
        texts = complete(generator, written, kept, 3, labels)
        assert torch.equal(texts[:, :kept], written.tokens[:, :kept].repeat_interleave(3, 0))
        for text in texts.tolist():
            length = text.index(END) + 1 if END in text else LENGTH
            assert IGNORED not in text[:length] and set(text[length:]) <= {IGNORED}


def test_roll_outs_come_as_often_as_the_generator_says() -> None:
    generator, count = model().eval(), 4000
    torch.manual_seed(2)
    written = sample(generator, 1, None)
    while END in written.tokens[0, :3]:
        written = sample(generator, 1, None)
    drawn = complete(generator, written, 2, count, None)[:, 2]
    shares = generator(inputs(written.tokens))[0][0, 2].softmax(-1)
    assert torch.allclose(drawn.bincount(minlength=VOCABULARY) / count, shares, atol=0.04)


def player(kind: type[TextObjective], pipeline: TextPipeline, **more: Any) -> Any:
    torch.manual_seed(3)
    return kind(
        arguments(objective={kind: flag for flag, kind in OBJECTIVES.items()}[kind], **more),
        copy_of(pipeline),
        pipeline,
    )


def test_rewards_are_probabilities_and_the_last_is_of_the_text_itself(trained: TextPipeline) -> None:
    objective = player(SeqGAN, trained)
    written = sample(objective.policy, 8, None)
    gained = rewards(objective.policy, objective.discriminator, written, 3, None)
    assert gained.shape == (8, LENGTH) and gained.min() >= 0 and gained.max() <= 1
    assert objective.discriminator.training
    with torch.no_grad():
        whole = objective.discriminator.eval()(written.tokens).sigmoid().squeeze(1)
    assert torch.allclose(gained[:, -1], whole)
    ended = (written.tokens == END).any(1)
    for row in ended.nonzero().flatten().tolist():  # nothing is left to chance behind an end
        end = written.tokens[row].tolist().index(END)
        assert torch.allclose(gained[row, end:], whole[row].expand(LENGTH - end), atol=1e-6)


@pytest.mark.parametrize("kind", [SeqGAN, RelGAN])
def test_both_networks_learn(trained: TextPipeline, kind: type[TextObjective]) -> None:
    objective, given = player(kind, trained), batch()
    generator, discriminator = objective.generator, objective.discriminator
    for _ in range(3):
        torch.manual_seed(4)
        generated = objective.generate(generator, given)
        loss, logs = objective.discriminator_loss(
            discriminator, discriminator, given, generated["samples"].detach(), 0.0, RANDOM
        )
        loss.backward()
        assert all(
            parameter.grad is not None and parameter.grad.isfinite().all() for parameter in discriminator.parameters()
        )
        assert all(parameter.grad is None for parameter in generator.parameters())
        discriminator.zero_grad()
        discriminator.requires_grad_(False)
        loss, more = objective.generator_loss(discriminator, given, generated, RANDOM)
        loss.backward()
        discriminator.requires_grad_(True)
        assert all(parameter.grad is None for parameter in discriminator.parameters())
        assert all(parameter.grad is not None for parameter in generator.parameters())
        assert sum(float(parameter.grad.abs().sum()) for parameter in generator.parameters()) > 0
        assert all(value.isfinite() for value in (logs | more).values())
        with torch.no_grad():
            for parameter in generator.parameters():
                parameter -= 0.01 * parameter.grad
        generator.zero_grad()
    assert objective.validate(generator, language(4), None) is None
    assert objective.components(generator, discriminator, None, None) == (generator, discriminator, 0.0, None)


def test_policy_gradient_makes_what_is_rewarded_likelier(trained: TextPipeline) -> None:
    objective = player(SeqGAN, trained)

    class LikesThrees(torch.nn.Module):
        def forward(self, tokens: Tensor, classes: Tensor | None = None) -> Tensor:
            return 4 * (tokens == 3).float().mean(1, keepdim=True) - 2

    before = (sample(objective.policy, 500, None).tokens == 3).float().mean()
    optimizer = torch.optim.Adam(objective.generator.parameters(), 0.01)
    for step in range(20):
        torch.manual_seed(step)
        given = batch(32)
        generated = objective.generate(objective.generator, given)
        loss, _ = objective.generator_loss(LikesThrees(), given, generated, RANDOM)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert (sample(objective.policy, 500, None).tokens == 3).float().mean() > before + 0.1


def test_relaxed_tokens_sharpen_from_the_first_pass_to_the_last(trained: TextPipeline) -> None:
    objective, given = player(RelGAN, trained, beta_max=100.0), batch(16)
    largest = []
    for passes in (0, 5, 10):
        objective.load_state_dict({"passes": passes})
        assert objective.beta == pytest.approx(100 ** (passes / 10))
        torch.manual_seed(5)
        samples = objective.generate(objective.generator, given)["samples"]
        assert samples.shape == (16, LENGTH, VOCABULARY)
        assert torch.allclose(samples.sum(-1), torch.ones(16, LENGTH), atol=1e-5)
        largest.append(float(samples.detach().amax(-1).mean()))
    assert largest == sorted(largest) and largest[-1] > 0.97
    assert objective.state_dict() == {"passes": 11}
    torch.manual_seed(5)
    hard = samples.argmax(-1)
    first_end = (hard == END).int().cumsum(1).clamp(max=1)
    assert (hard[first_end == 1] == END).all()  # one-hot ends behind an end


@pytest.mark.parametrize("kind", [DensityRatio, SeqGAN, RelGAN])
def test_a_model_to_start_from_is_needed(kind: type[TextObjective]) -> None:
    name = FLAGS[kind]
    with pytest.raises(GANError, match=f"--objective {name} .* a model of --objective mle"):
        kind(arguments(objective=name), model(), None)


def test_a_discriminator_is_taken_over_where_it_fits(trained: TextPipeline) -> None:
    first = player(SeqGAN, trained)
    pipeline = TextPipeline(first.generator, first.discriminator)
    again, other = player(SeqGAN, pipeline), player(RelGAN, pipeline)
    assert isinstance(again.discriminator, SequenceDiscriminator)
    same = zip(first.discriminator.parameters(), again.discriminator.parameters())
    assert all(torch.equal(one, two) for one, two in same)
    assert other.discriminator.config.representations == 64


def test_adversarial_generators_have_no_dropout() -> None:
    pipeline = TextPipeline(model("transformer", dropout=0.5, noise=0.3))
    objective = player(SeqGAN, pipeline)
    objective.generator.train()
    tokens = inputs(language(4))
    assert torch.equal(objective.generator(tokens)[0], objective.generator(tokens)[0])
    assert (objective.generator.config.dropout, objective.generator.config.noise) == (0.0, 0.0)


def test_the_frozen_generator_is_where_the_run_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PartialState(), "device", torch.device("meta"))
    generator = model()
    ratio = DensityRatio(arguments(), generator, TextPipeline(generator))
    assert next(ratio.frozen.parameters()).device.type == "meta"
