"""`TextPipeline`: text from seeds."""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from diffusers.utils import BaseOutput
from torch import Tensor

from gan.errors import GANError
from gan.hub.repository import FORMAT_VERSION
from gan.inputs import agreed_count, check_latents, class_list, noise_sources, sample_seeds
from gan.labels import check_labels
from gan.latent.directions import RECORDS, VECTORS, Directions
from gan.text.autoencoder import LatentDiscriminator, TextEncoder
from gan.text.networks import SequenceDiscriminator, TextDiscriminator, TextGenerator
from gan.text.sampling import ROWS, Decoded, ForcedTokens, SamplingParams, stream
from gan.text.steering import SteerableTextPipeline
from gan.text.tokenizer import END, decode, pieces, read_tokenizer

TOKENIZER = "tokenizer.json"
LOSSES = {  # by objective
    "mle": "maximum likelihood",
    "ratio": "log density ratio of data to generator for every token, which refines a model of maximum likelihood",
    "distil": "the refined model of a generator and its critic, distilled into one network",
    "seqgan": "policy gradient, rewarded by a discriminator of whole texts (SeqGAN), after maximum likelihood",
    "relgan": "relativistic pairing loss through a Gumbel-softmax (RelGAN), after maximum likelihood",
    "daae": "likelihood of texts given their latents, of which words were dropped, and a relativistic pairing loss "
    "between latents and the prior (denoising adversarial autoencoder)",
    "aae": "likelihood of texts given their latents, and a relativistic pairing loss between latents and the prior "
    "(adversarial autoencoder)",
    "vae": "the evidence lower bound, with free bits (VAE)",
    "ae": "likelihood of texts given their latents (autoencoder)",
}
BODIES = {  # by architecture
    "lstm": "A recurrent language model",
    "transformer": "A small causal Transformer",
    "memory": "A language model with a relational memory",
}
LINE_ENDS = "，。！？；,.!?;\n"  # a line of an acrostic begins after one of these


@dataclass
class TextPipelineOutput(BaseOutput):
    """What `TextPipeline` returns.

    Attributes:
        texts: the samples.
        seeds: the seed of each: `pipeline(seed=seeds[k])` with the same settings makes sample k alone;
            empty where they were drawn from generators.
        labels: the class name of each; `None` for an unconditional model.
        log_likelihoods: of each, in nats, at temperature 1 and at the critic strength of the call.
        pieces: of each, the characters that every token adds; joined they are the text.
        token_log_likelihoods: of each, the log probability of every token and, last, of the end.
        token_opinions: as many: the critic's log ratio in nats, which at strength 1 is added to the generator's log
            probability; `None` for a model without a critic.
    """

    texts: list[str]
    seeds: list[int]
    labels: list[str] | None
    log_likelihoods: list[float]
    pieces: list[list[str]]
    token_log_likelihoods: list[list[float]]
    token_opinions: list[list[float]] | None


class TextPipeline(SteerableTextPipeline):
    """A generator of text and, where it was refined by a density ratio, its critic, or where it has a latent, an
    encoder.

    Args:
        generator: the network that is sampled; its EMA weights.
        discriminator: of --objective ratio the critic, which refines samples; of other objectives the discriminator
            of texts or latents, kept for fine-tuning; `None` for a model without.
        labels: class names, by index; `None` for an unconditional generator.
        critic_strength: lambda, chosen on validation data: the default weight of the critic's log ratio in sampling.
        format_version: of the repository that this was loaded from.
        tokenizer: of the `tokenizers` library; read from `tokenizer.json`.
        encoder: texts to the latents of the generator; `None` for a model without.

    Attributes:
        tokenizer: encodes text as tokens, and decodes them.
    """

    modality, task = "text", "gan.text.task.TextTask"
    unit = "texts"
    files, sample_files = ("tokenizer.json", VECTORS, RECORDS), ("samples.txt",)
    file_suffix, samples_per_file = ".jsonl", 1000
    hub_task = "text-generation"
    losses = LOSSES
    last_objectives = ("ratio", "distil")
    training_components = ()  # sampling listens to the critic

    def __init__(
        self,
        generator: TextGenerator,
        discriminator: TextDiscriminator | SequenceDiscriminator | LatentDiscriminator | None = None,
        labels: list[str] | None = None,
        critic_strength: float = 0.0,
        format_version: int = FORMAT_VERSION,
        tokenizer: Any = None,
        encoder: TextEncoder | None = None,
    ):
        super().__init__()
        check_labels(labels, generator.config.num_classes)
        if not isinstance(critic_strength, int | float) or not math.isfinite(critic_strength):
            raise GANError(f"The critic_strength is {critic_strength!r}, which is no number.")
        check_fit(generator, discriminator, encoder)
        self.register_modules(generator=generator, discriminator=discriminator, encoder=encoder)
        self.register_to_config(labels=labels, critic_strength=critic_strength, format_version=format_version)
        self.training_record: dict[str, Any] = {}
        self.metrics: dict[str, Any] = {}
        self.tokenizer: Any = tokenizer  # a `Tokenizer`; `None` only while a model is being loaded
        for network in (generator, discriminator, encoder):
            if network is not None:
                network.eval()

    @property
    def critic(self) -> TextDiscriminator | None:
        """The discriminator, if it is one that refines samples."""
        return self.discriminator if isinstance(self.discriminator, TextDiscriminator) else None

    def read_more(self, folder: Path, source: str) -> None:
        """Reads `tokenizer.json` and the directions.

        Raises:
            GANError: if the tokenizer is missing or has another vocabulary than the networks, or a file is damaged.
        """
        if not (folder / TOKENIZER).is_file():
            raise GANError(f"{source} is incomplete: {TOKENIZER} is missing; download or save the model again.")
        try:
            self.tokenizer = read_tokenizer((folder / TOKENIZER).read_text(encoding="utf-8"))
        except UnicodeDecodeError as error:
            raise GANError(f"{TOKENIZER} of {source} is damaged; download or save the model again.") from error
        except GANError as error:
            raise GANError(f"{source} cannot be loaded: {error}") from error
        if self.tokenizer.get_vocab_size() != self.generator.config.vocab_size:
            raise GANError(
                f"{source} cannot be loaded: {TOKENIZER} has {self.tokenizer.get_vocab_size()} tokens, and the "
                f"generator {self.generator.config.vocab_size}."
            )
        self.directions = Directions.load(folder, (1, self.latent_dim), source)

    def _write_repository(self, folder: Path, *args: Any) -> None:
        super()._write_repository(folder, *args)
        (folder / TOKENIZER).write_text(self.tokenizer.to_str(pretty=True), encoding="utf-8")

    def __call__(
        self,
        seed: int = 0,
        num_samples: int = 1,
        temperature: float | None = None,
        top_k: int = 0,
        top_p: float = 1.0,
        prefix: str = "",
        acrostic: str = "",
        critic_strength: float | None = None,
        best_of: int = 1,
        label: str | int | None = None,
        *,
        edits: Mapping[str, float] | None = None,
        batch_size: int | None = None,
        class_labels: Sequence[str | int] | Tensor | None = None,
        generator: torch.Generator | Sequence[torch.Generator] | None = None,
        return_dict: bool = True,
    ) -> TextPipelineOutput:
        """Samples texts. Sample k is that of seed `seed + k`, whatever the batch. See also `SamplingParams`.

        Args:
            seed: of the first sample, from 0 to 2^32 - 1.
            num_samples: how many.
            temperature: 1 as trained, smaller is safer and less varied; 0 always takes the likeliest token. By
                default 1, and for a model with a latent 0.
            top_k: sample among the k likeliest tokens; 0 for all.
            top_p: sample among the likeliest tokens that together have this probability.
            prefix: the beginning of every sample.
            acrostic: the tokens that the lines of a sample begin with; a line begins after a punctuation mark.
            critic_strength: lambda; 0 is the generator alone, `None` the value that was best on validation data.
            best_of: candidates for every sample, of which the critic's favourite is kept.
            label: a class name or index; `None` gives every sample a class of its own, drawn from its seed.
            edits: for a model with a latent, strengths by the name of one of its `directions`.
            batch_size: another name for `num_samples`, as in diffusers.
            class_labels: names or indices, one a sample, instead of `label`.
            generator: what noise is drawn from instead of a seed: one a sample, each of which draws what its seed
                does, or one for all, which draw from it one after the other.
            return_dict: `False` returns a tuple, with the texts first.

        Raises:
            GANError: for a setting that can't be used, two that contradict each other, or text in a prefix or acrostic
                that the model can't read.
        """
        params = SamplingParams(temperature, top_k, top_p, prefix, acrostic, critic_strength, best_of)
        candidates, each = int(best_of), class_list(label, class_labels)
        count = agreed_count(num_samples, "num_samples", batch_size=batch_size, class_labels=each, generator=generator)
        sources, seeds = noise_sources(seed, count, generator)
        params, forced = self._prepared(params)
        uniforms, classes, latents = self._noise(sources, each or [label] * count, candidates, edits)
        repeated = None if classes is None else classes.repeat_interleave(candidates)
        samples = self._sampled(uniforms.flatten(0, 1), repeated, params, forced, latents)
        if candidates > 1:
            samples = [
                max(samples[k : k + candidates], key=lambda sample: float(sample.log_ratios.sum()))
                for k in range(0, len(samples), candidates)
            ]
        output = self._output(samples, seeds, classes)
        return output if return_dict else output.to_tuple()

    def _sampled(
        self,
        uniforms: Tensor,
        classes: Tensor | None,
        params: SamplingParams,
        forced: ForcedTokens,
        latents: Tensor | None,
    ) -> list[Decoded]:
        """Finished samples one by one, of noise (n, length), classes (n,) and latents (n, latent_dim)."""
        samples: list[Decoded] = []
        for start in range(0, len(uniforms), ROWS):
            rows = slice(start, start + ROWS)
            given, told = (None if of is None else of[rows] for of in (classes, latents))
            *_, whole = stream(self.generator, self.critic, uniforms[rows], given, params, forced, told)
            samples += _single(whole)
        return samples

    def decode(
        self,
        latents: Tensor,
        label: str | int | None = None,
        temperature: float = 0.0,
        seed: int = 0,
        **settings: Any,
    ) -> TextPipelineOutput:
        self._check_latent()
        single = isinstance(latents, Tensor) and latents.ndim == 1
        latents = check_latents(latents[None] if single else latents, self.latent_dim)
        if not len(latents):
            raise GANError("There are no latents to decode; give one or more.")
        if label is None and self.labels:
            raise GANError(f"This model writes texts of a class; give a label, one of {', '.join(self.labels)}.")
        params, forced = self._prepared(SamplingParams(temperature, **settings))
        source = torch.Generator().manual_seed(sample_seeds(seed, 1)[0])
        uniforms, classes, _ = self._noise([source], [label], 1)
        count = len(latents)
        dice, same = uniforms[:, 0].expand(count, -1), None if classes is None else classes.expand(count)
        return self._output(self._sampled(dice, same, params, forced, latents), [], same)

    def latents(self, seeds: list[int], label: str | int | None = None) -> tuple[Tensor, Tensor | None]:
        self._check_latent()
        sources = [torch.Generator().manual_seed(seed) for seed in seeds]
        _, classes, latents = self._noise(sources, [label] * len(seeds), 1)
        assert latents is not None
        return latents, classes

    def stream(self, seed: int = 0, num_samples: int = 1, **settings: Any) -> Iterator[TextPipelineOutput]:
        """What `__call__` returns, unfinished, after every token; the last is the same as its.

        Args: those of a call without `best_of`; `num_samples` up to `ROWS`, so that all grow in one batch.

        Raises:
            GANError: as for a call.
        """
        yield from self.stream_of(sample_seeds(seed, num_samples), **settings)

    def stream_of(
        self,
        seeds: list[int],
        label: str | int | None = None,
        edits: Mapping[str, float] | None = None,
        **settings: Any,
    ) -> Iterator[TextPipelineOutput]:
        """`stream` for any seeds, from 0 to 2^32 - 1."""
        if len(seeds) > ROWS:
            raise GANError(f"{len(seeds)} samples were asked for; {ROWS} at most can be streamed.")
        params, forced = self._prepared(SamplingParams(**settings))
        if params.best_of > 1:
            raise GANError("The best of several candidates is known at their end only; stream without best_of.")
        sources = [torch.Generator().manual_seed(seed) for seed in seeds]
        uniforms, classes, latents = self._noise(sources, [label] * len(seeds), 1, edits)
        for decoded in stream(self.generator, self.critic, uniforms[:, 0], classes, params, forced, latents):
            yield self._output(_single(decoded), seeds, classes)

    def _prepared(self, params: SamplingParams) -> tuple[SamplingParams, ForcedTokens]:
        """The settings with this model's own critic strength in place, and the tokens of prefix and acrostic.

        Raises:
            GANError: for settings that this model cannot follow.
        """
        if self.critic is None and params.critic_strength:
            raise GANError("This model has no critic; leave its strength at 0, or use one of --objective ratio.")
        if self.critic is None and params.best_of > 1:
            raise GANError(
                "This model has no critic to choose the best; use one that was trained with --objective ratio."
            )
        prefix = self._typed(params.prefix, "prefix") if params.prefix else []
        acrostic = self._typed(params.acrostic, "acrostic") if params.acrostic else []
        max_length = self.generator.config.max_length
        for what, tokens in (("prefix", prefix), ("acrostic", acrostic)):
            if len(tokens) >= max_length:
                raise GANError(
                    f"The {what} is {len(tokens)} tokens long, and a text of this model at most {max_length}."
                )
        line_ends = (self.tokenizer.token_to_id(mark) for mark in LINE_ENDS)
        forced = ForcedTokens(tuple(prefix), tuple(acrostic), frozenset(k for k in line_ends if k is not None))
        default = self.config.critic_strength if self.critic is not None else 0.0
        strength = default if params.critic_strength is None else params.critic_strength
        usual = 0.0 if self.latent_dim else 1.0
        temperature = usual if params.temperature is None else params.temperature
        return replace(params, critic_strength=strength, temperature=temperature), forced

    def _noise(
        self,
        sources: Sequence[torch.Generator],
        labels: Sequence[Any],
        candidates: int,
        edits: Mapping[str, float] | None = None,
    ) -> tuple[Tensor, Tensor | None, Tensor | None]:
        """Uniform numbers (n, candidates, length), classes (n,) and latents (n, latent_dim), each sample's from its
        generator and label, with edits of the latents."""
        if edits:
            self._check_latent()
        chosen = [self.label_index(label) for label in labels]
        num_classes, length = self.generator.config.num_classes, self.generator.config.max_length + 1
        uniforms, classes, noise = [], [], []
        for source, index in zip(sources, chosen, strict=True):
            device = source.device
            drawn = int(torch.randint(max(1, num_classes), (), generator=source, device=device))
            classes.append(drawn if index is None else index)
            if self.latent_dim:
                noise.append(torch.randn(self.latent_dim, generator=source, device=device).cpu())
            rows = [torch.rand(length, generator=source, device=device).cpu() for _ in range(candidates)]
            uniforms.append(torch.stack(rows))
        latents = self.moved(torch.stack(noise), edits or {}) if noise else None
        return torch.stack(uniforms), torch.tensor(classes) if num_classes else None, latents

    def _output(self, samples: list[Decoded], seeds: list[int], classes: Tensor | None) -> TextPipelineOutput:
        ids = [[token for token in sample.tokens.tolist() if token != END] for sample in samples]
        # The end is a token, too.
        lengths = [min(len(kept) + 1, len(sample.tokens)) for kept, sample in zip(ids, samples)]
        return TextPipelineOutput(
            texts=[decode(self.tokenizer, kept) for kept in ids],
            seeds=seeds,
            labels=[self.labels[k] for k in classes.tolist()] if self.labels and classes is not None else None,
            log_likelihoods=[float(sample.log_probs.sum()) for sample in samples],
            pieces=[pieces(self.tokenizer, kept) for kept in ids],
            token_log_likelihoods=[sample.log_probs[:n].tolist() for sample, n in zip(samples, lengths)],
            token_opinions=[sample.log_ratios[:n].tolist() for sample, n in zip(samples, lengths)]
            if self.critic is not None
            else None,
        )

    def describe(self) -> str:
        """A sentence for the model card."""
        config = self.generator.config
        classes = f" of {len(self.labels)} classes ({', '.join(self.labels)})" if self.labels else ""
        body = BODIES[config.architecture]
        critic = ", refined by an adversarial critic" if self.critic is not None else ""
        latent = f", conditioned on a latent of {self.latent_dim} numbers," if self.latent_dim else ""
        return (
            f"{body}{critic}{latent} that generates texts{classes} of up to {config.max_length} tokens from a "
            f"vocabulary of {config.vocab_size:,}: {self.num_parameters / 1e6:.2f} million parameters, which run on "
            f"a CPU."
        )

    def facts(self) -> dict[str, Any]:
        """Architecture, vocabulary size, longest text in tokens, numbers of the latent (0 without), whether texts can
        be encoded, and what is known of the critic."""
        config = self.generator.config
        return {
            "architecture": config.architecture,
            "vocabulary": config.vocab_size,
            "length": config.max_length,
            "latent": self.latent_dim,
            "encoder": self.encoder is not None,
            "critic": self.critic is not None,
            "critic_strength": self.config.critic_strength,
        }

    def example(self) -> str:
        """Lines of Python for the model card, which sample with `pipeline`."""
        label = f", label={json.dumps(self.labels[0], ensure_ascii=False)}" if self.labels else ""
        if self.latent_dim:
            return (
                f'out = pipeline(seed=3, num_samples=4{label})\nprint("\\n".join(out.texts))\n'
                f'print("\\n".join(pipeline.interpolate(3, 4, steps=9{label}).texts))'
            )
        return (
            f'out = pipeline(seed=3, num_samples=4, temperature=0.9, top_p=0.95{label})\nprint("\\n".join(out.texts))'
        )

    def example_notes(self) -> str:
        """What the card says below these lines, in Markdown."""
        text = "Sample k is that of seed 3 + k, whatever the batch. `prefix` is the beginning of every text."
        if self.latent_dim:
            text += (
                " A text is read from its latent, without dice unless there is a `temperature`: `encode`, `decode`, "
                "`reconstruct`, `interpolate`, `edit` (its `directions`) and `variations` take seeds, and texts of "
                "words that it knows."
            )
        if self.critic is not None:
            text += (
                " `critic_strength` is lambda: 0 is the language model alone, "
                f"{self.config.critic_strength:g} (the default) was best on validation data."
            )
        return text

    def show_samples(self) -> str:
        """The samples of the model card."""
        return "```text\n" + joined(self(seed=0, num_samples=8).texts).replace("```", "'''") + "\n```"

    def sample_bytes(self, seed: int, count: int, **settings: Any) -> list[bytes]:
        """JSON lines; see `GANPipeline.sample_bytes`."""
        output = self(seed, count, **settings)
        rows = [{"seed": number, "text": text} for number, text in zip(output.seeds, output.texts)]
        for row, name in zip(rows, output.labels or ()):
            row["label"] = name
        return [json.dumps(row, ensure_ascii=False).encode() + b"\n" for row in rows]

    def save_samples(self, folder: Path) -> None:
        """Writes `samples.txt`."""
        (folder / "samples.txt").write_text(joined(self(seed=0, num_samples=64).texts) + "\n", encoding="utf-8")


def check_fit(generator: TextGenerator, discriminator: Any, encoder: TextEncoder | None) -> None:
    """Raises `GANError` unless an encoder has the generator's tokens and latents, and a critic stands beside none."""
    for name in ("vocab_size", "max_length", "latent_dim"):
        if encoder is not None and encoder.config[name] != generator.config[name]:
            raise GANError(
                f"The {name} of the encoder is {encoder.config[name]}, and the generator's {generator.config[name]}."
            )
    critic = isinstance(discriminator, TextDiscriminator)
    if critic and (generator.config.latent_dim or discriminator.config.latent_dim):
        raise GANError("A critic refines generators without a latent, and here is one with it; leave one of them out.")


def joined(texts: list[str]) -> str:
    """Texts one below the other, with an empty line between them where one has several lines."""
    return ("\n\n" if any("\n" in text for text in texts) else "\n").join(texts)


def _single(decoded: Decoded) -> list[Decoded]:
    """Samples one by one."""
    return [Decoded(*row) for row in zip(decoded.tokens, decoded.log_probs, decoded.log_ratios)]
