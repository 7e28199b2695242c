"""Encoder, discriminator of latents and the objectives that train them, on a tiny language."""

import argparse
from typing import Any

import pytest
import torch
from torch import Tensor

from gan import LatentDiscriminator, TextEncoder, TextGenerator
from gan.errors import GANError
from gan.text.autoencoder import TextAutoencoder, encoded, without_words
from gan.text.objectives import OBJECTIVES
from gan.text.objectives.autoencoder import Autoencoder, gaussian_kl
from gan.text.tokenizer import BEGIN, END, IGNORED
from gan.training.randomness import StepRandom

VOCABULARY, LENGTH, WIDTH = 9, 5, 4
SHAPE: dict[str, Any] = {"vocab_size": VOCABULARY, "max_length": LENGTH, "latent_dim": WIDTH, "embedding_size": 12}
SHAPE |= {"hidden_size": 16, "num_heads": 2, "dropout": 0.0}
FLAGS = {"word_dropping": None, "latent_noise": None, "adversarial_weight": 1.0, "kl_weight": 1.0, "free_bits": 0.1}
FLAGS |= {"normalise_latents": False, "train_batch_size": 64}


def texts(count: int, seed: int = 0) -> Tensor:
    """int64 (count, LENGTH + 1): any words, one to five of them."""
    source = torch.Generator().manual_seed(seed)
    tokens = torch.full((count, LENGTH + 1), IGNORED)
    for row in tokens:
        length = int(torch.randint(1, LENGTH + 1, (), generator=source))
        row[:length] = torch.randint(3, VOCABULARY, (length,), generator=source)
        row[length] = END
    return tokens


def objective(name: str, **flags: Any) -> Autoencoder:
    torch.manual_seed(0)
    generator = TextGenerator(**SHAPE, latent_tokens=flags.pop("latent_tokens", 1))
    found = OBJECTIVES[name](argparse.Namespace(**FLAGS | flags), generator, None)
    assert isinstance(found, Autoencoder)
    found.training_texts = texts(200, seed=20_000)
    return found


@pytest.mark.parametrize("latent_tokens", [1, 2])
@pytest.mark.parametrize("architecture", ["lstm", "transformer", "memory"])
def test_a_latent_is_a_function_of_the_text_and_of_all_of_it(architecture: str, latent_tokens: int) -> None:
    torch.manual_seed(0)
    encoder = TextEncoder(**SHAPE | {"architecture": architecture, "latent_tokens": latent_tokens}).eval()
    tokens = texts(6)
    whole = encoder(tokens).mean
    assert whole.shape == (6, WIDTH) and encoder(tokens).log_variance is None
    for row, latent in zip(tokens, whole):
        used = int((row != IGNORED).sum())
        assert torch.allclose(encoder(row[None, :used]).mean[0], latent, atol=1e-6)  # padding is not read
        for place in range(used - 1):
            other = row.clone()
            other[place] = 3 + (row[place] - 2) % (VOCABULARY - 3)
            assert not torch.allclose(encoder(other[None]).mean[0], latent, atol=1e-5)


@pytest.mark.parametrize("architecture", ["lstm", "transformer", "memory"])
@pytest.mark.parametrize(("tied", "latent_tokens"), [(True, 1), (False, 1), (True, 2), (False, 2)])
def test_the_generator_is_told_the_latent_at_every_token(architecture: str, tied: bool, latent_tokens: int) -> None:
    torch.manual_seed(0)
    shape = SHAPE | {"architecture": architecture, "tied": tied, "latent_tokens": latent_tokens}
    generator = TextGenerator(**shape).eval()
    tokens, latents = torch.tensor([[BEGIN, 4, 5]]).expand(2, -1), torch.randn(2, WIDTH)
    logits, _ = generator(tokens, latents=latents)
    state = None
    for place in range(3):
        step, state = generator(tokens[:, place, None], None, state, latents)
        assert torch.allclose(step[:, 0], logits[:, place], atol=1e-5)
    assert not torch.isclose(logits[0], logits[1]).all(-1).any()
    (weights,) = generator.code_weights()
    assert weights.shape[1] == WIDTH and generator.codes(latents).shape == (2, 1, WIDTH)


def test_every_token_of_a_latent_is_read_and_told_by_itself() -> None:
    """What an encoder reads a token from is chosen for it alone; a generator that attends to one token is told no
    other."""
    torch.manual_seed(0)
    encoder = TextEncoder(**SHAPE | {"latent_tokens": 2}).eval()
    tokens = texts(6)
    whole = encoder(tokens).mean
    with torch.no_grad():
        encoder.to_shares.weight[1].mul_(-3)
    changed = (encoder(tokens).mean - whole).abs() > 1e-5
    assert not changed[:, : WIDTH // 2].any() and changed[:, WIDTH // 2 :].all()
    generator = TextGenerator(**SHAPE | {"latent_tokens": 2}).eval()
    assert generator.attention is not None
    with torch.no_grad():
        generator.attention.to_shares.bias.copy_(torch.tensor([50.0, 0.0]))
    latents, read = torch.randn(1, WIDTH), torch.tensor([[BEGIN, 4, 5]])
    logits, _ = generator(read, latents=latents)
    others = latents + torch.tensor([0.0, 0, 1, 1]), latents + torch.tensor([1.0, 1, 0, 0])
    same, different = (generator(read, latents=other)[0] for other in others)
    assert torch.allclose(same, logits, atol=1e-5) and not torch.allclose(different, logits, atol=1e-3)


def test_a_latent_is_divided_into_equal_tokens() -> None:
    with pytest.raises(GANError, match="4 numbers cannot be divided into 3 equal tokens"):
        TextGenerator(**SHAPE | {"latent_tokens": 3})
    heads = {"architecture": "transformer", "hidden_size": 12, "num_heads": 4}
    with pytest.raises(GANError, match="half of 12 cannot be divided among 4 heads"):
        TextGenerator(**SHAPE | heads | {"latent_tokens": 2})


@pytest.mark.parametrize("latent_tokens", [1, 2])
def test_normalised_latents_have_the_mean_and_variances_of_the_prior(latent_tokens: int) -> None:
    found = objective("daae", latent_tokens=latent_tokens, normalise_latents=True)
    autoencoder = found.generator
    assert isinstance(autoencoder, TextAutoencoder)
    tokens = found.training_texts
    with torch.no_grad():
        autoencoder.encoder.to_latent.bias.add_(3.0)
    in_training = found.generate(autoencoder, {"tokens": tokens, "labels": None})["samples"].detach()
    plain, encoder = autoencoder.encoder, found.components(autoencoder, None, None, None).encoder
    assert isinstance(encoder, TextEncoder)
    latents = encoded(encoder, tokens)
    for normal in (in_training, latents):
        assert normal.mean(0).abs().max() < 1e-4 and (normal.var(0, correction=0) - 1).abs().max() < 0.01
    assert torch.allclose(in_training, latents, atol=0.01), "what is saved encodes as training does"
    assert encoded(plain, tokens).mean() > 2, "the network that is trained is not touched"


def test_a_batch_of_one_text_cannot_be_normalised() -> None:
    with pytest.raises(GANError, match="a batch of one text"):
        objective("daae", normalise_latents=True, train_batch_size=1)


def test_words_are_dropped_and_ends_are_not() -> None:
    torch.manual_seed(0)
    tokens = texts(400)
    assert torch.equal(without_words(tokens, 0.0), tokens)
    found = without_words(tokens, 0.5)
    assert ((found == END).sum(1) == 1).all()
    for row, kept in zip(tokens.tolist(), found.tolist()):
        rest = iter(row)
        assert all(token in rest for token in kept if token != IGNORED), "in the order of before"
        end = kept.index(END)
        assert set(kept[end + 1 :]) <= {IGNORED}
    assert float((found > END).sum() / (tokens > END).sum()) == pytest.approx(0.5, abs=0.04)


def test_a_plain_autoencoder_learns_to_copy_and_is_scored_by_that() -> None:
    found = objective("ae")
    optimizer = torch.optim.Adam(found.generator.parameters(), 0.01)
    held_out = texts(50, seed=10_000)
    before = found.validate(found.generator, held_out, None)
    for step in range(120):
        batch = {"tokens": texts(64, seed=step), "labels": None}
        loss, _ = found.generator_loss(None, batch, found.generate(found.generator, batch), StepRandom(0, step))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    after = found.validate(found.generator, held_out, None)
    assert before is not None and after is not None and after < 0.6 * before
    parts = found.components(found.generator, None, held_out, None)
    assert isinstance(parts.generator, TextGenerator) and isinstance(parts.encoder, TextEncoder)


@pytest.mark.parametrize("name", ["daae", "aae"])
def test_an_adversarial_one_brings_its_latents_to_the_prior(name: str) -> None:
    found = objective(name, word_dropping=0.3 if name == "daae" else None, adversarial_weight=3.0)
    discriminator = found.discriminator
    assert isinstance(discriminator, LatentDiscriminator) and isinstance(found.generator, TextAutoencoder)
    assert found.generator.word_dropping == (0.3 if name == "daae" else 0)
    players = [
        torch.optim.Adam(network.parameters(), rate, (0.5, 0.99))
        for network, rate in ((found.generator, 5e-3), (discriminator, 2e-3))
    ]
    with torch.no_grad():
        found.generator.encoder.to_latent.bias.add_(3.0)
    before = gaussian_kl(encoded(found.generator.encoder, texts(200, seed=10_000)))
    for step in range(100):
        batch, random = {"tokens": texts(32, seed=step), "labels": None}, StepRandom(0, step)
        generated = found.generate(found.generator, batch)
        fake = generated["samples"].detach()
        loss, logs = found.discriminator_loss(discriminator, discriminator, batch, fake, 0.5, random)
        assert {"discriminator_loss", "r1", "r2"} == set(logs)
        players[1].zero_grad()
        loss.backward()
        players[1].step()
        loss, logs = found.generator_loss(discriminator, batch, generated, random)
        assert {"generator_loss", "reconstruction_loss"} == set(logs)
        players[0].zero_grad()
        loss.backward()
        players[0].step()
    after = gaussian_kl(encoded(found.generator.encoder, texts(200, seed=10_000)))
    assert after < 0.3 * before


def test_the_divergence_of_a_vae_is_free_up_to_a_limit() -> None:
    found, batch = objective("vae", free_bits=10.0), {"tokens": texts(8), "labels": None}
    generated = found.generate(found.generator, batch)
    loss, logs = found.generator_loss(None, batch, generated, StepRandom(0, 0))
    tokens_a_text = float((batch["tokens"] != IGNORED).sum()) / 8  # type: ignore[union-attr]
    assert float(loss.detach()) == pytest.approx(float(logs["reconstruction_loss"]) + 10 * WIDTH / tokens_a_text)
    assert 0 < float(logs["kl"]) < 10 * WIDTH
    costly, _ = objective("vae", free_bits=0.0).generator_loss(None, batch, generated, StepRandom(0, 0))
    assert float(costly.detach()) == pytest.approx(float(logs["reconstruction_loss"] + logs["kl"] / tokens_a_text))


def test_gaussian_kl_by_hand() -> None:
    latents = torch.tensor([[1.0, 0.0], [3.0, 0.0]]) + torch.tensor([[0.0, -1.0], [0.0, 1.0]])
    assert gaussian_kl(latents) == pytest.approx(4 / 2)  # means 2 and 0, variances 1


def test_draws_from_a_variational_posterior_spread_by_its_variance_too() -> None:
    encoder = objective("vae").generator.encoder
    with torch.no_grad():
        encoder.to_latent.weight.zero_()
        encoder.to_latent.bias.zero_()  # a posterior that is the prior, whatever the text
    read = texts(2000)
    assert encoded(encoder, read).abs().max() == 0
    assert gaussian_kl(encoded(encoder, read, seed=1)) < 0.05
    assert encoded(encoder, read, seed=1).equal(encoded(encoder, read, seed=1))
    plain = objective("ae").generator.encoder
    assert encoded(plain, read, seed=1).equal(encoded(plain, read))
