"""What can be done with text that has a latent: reading and rewriting it, interpolation, edits, variations."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, TypeAlias

import torch
from torch import Tensor

from gan.errors import GANError
from gan.inputs import check_latents, is_whole, sample_seeds
from gan.latent import directions
from gan.latent.directions import Directions
from gan.latent.interpolation import slerp
from gan.latent.space import CodeSpace
from gan.latent.steering import SCORED, DirectedPipeline
from gan.text.attributes import attributes, content_words, has_byte_pairs, varying, words_of
from gan.text.ngrams import as_lists, paired_bleu
from gan.text.sampling import ROWS, generate
from gan.text.tokenizer import END, IGNORED, decode, encode, unknown_places

Sample: TypeAlias = str | int | Tensor  # a text, a seed, or a latent
MAX_TEXTS = 1000  # of an interpolation or of variations
MOVED_AT = 2.0  # the strength, either way, at which it is measured what an edit moves and what it keeps
ENDINGS = " .!?。！？"  # in which variations are not told apart
TRIES = 8  # seeds that are looked at for each variation, as some say the same


class SteerableTextPipeline(DirectedPipeline):
    """The part of `TextPipeline` for models with a latent z: a text is what is read from z, token by token.

    Where a method takes a sample, that is a text, a seed, or a latent (latent_dim,). Everything here raises `GANError`
    for a model without a latent, or a sample that can't be used.
    """

    tokenizer: Any

    @property
    def latent_dim(self) -> int:
        """Numbers in the latent; 0 for a model without."""
        return self.generator.config.latent_dim

    @property
    def can_be_directed(self) -> bool:
        return self.latent_dim > 0

    @cached_property
    def code_space(self) -> CodeSpace:
        """That of the prior, N(0, I): codes are latents."""
        return CodeSpace(torch.zeros(1, self.latent_dim), torch.ones(1, self.latent_dim))

    @cached_property
    def class_space(self) -> CodeSpace:
        """The same, as latents know no classes."""
        return self.code_space

    def decode(
        self,
        latents: Tensor,
        label: str | int | None = None,
        temperature: float = 0.0,
        seed: int = 0,
        **settings: Any,
    ) -> Any:
        """The texts of latents.

        Args:
            latents: float (n, latent_dim), or one (latent_dim,).
            label: class name or index, which a model with classes has to be told.
            temperature: 0 takes the likeliest token each time; above, the dice of all texts are those of
            seed: from 0 to 2^32 - 1.
            settings: `top_k`, `top_p`, `prefix` and `acrostic` of a call.

        Returns:
            `TextPipelineOutput`, without seeds.
        """
        raise NotImplementedError

    def latents(self, seeds: list[int], label: str | int | None = None) -> tuple[Tensor, Tensor | None]:
        """The latents (n, latent_dim) of seeds, and their classes (n,); `None` for a model without classes."""
        raise NotImplementedError

    @torch.inference_mode()
    def encode(self, texts: str | Sequence[str]) -> Tensor:
        """The latents float32 (n, latent_dim) of texts.

        Raises:
            GANError: for a model without an encoder, or a text that is empty, too long, or has words in it that the
                model doesn't know; which ones is said.
        """
        self._check_latent()
        if self.encoder is None:
            raise GANError("This model has no encoder, so it cannot read texts; start from seeds.")
        config = self.generator.config
        texts = list(texts) if isinstance(texts, Iterable) and not isinstance(texts, str) else [texts]
        if not texts:
            raise GANError("There are no texts to encode; give one or more.")
        tokens = torch.full((-(-len(texts) // ROWS) * ROWS, config.max_length + config.has_end), IGNORED)
        for row, text in zip(tokens, texts):
            ids = self._tokens(text)
            row[: len(ids)] = torch.tensor(ids)
            if config.has_end:
                row[len(ids)] = END
        # Always batches of the same shape: products of another one round differently.
        found = [self.encoder(batch.to(self.encoder.device)).mean.float().cpu() for batch in tokens.split(ROWS)]
        return torch.cat(found)[: len(texts)]

    def _tokens(self, text: Any) -> list[int]:
        if not self._checked(text).strip():
            raise GANError("The text is empty; give a sentence.")
        ids = self._typed(text, "text")
        if len(ids) > self.generator.config.max_length:
            raise GANError(
                f"The text is {len(ids)} tokens long, and a text of this model at most "
                f"{self.generator.config.max_length}; shorten it."
            )
        return ids

    def _checked(self, text: Any) -> str:
        if not isinstance(text, str):
            raise GANError(f"{text!r} is no text; give a sentence.")
        return text

    def _typed(self, text: str, what: str) -> list[int]:
        """As `gan.text.tokenizer.encode`, in the letters that the model knows."""
        return encode(self.tokenizer, self._known_case(text), what)

    def _known_case(self, text: str) -> str:
        """A text, in small letters where the model knows more of it so: a vocabulary may have no capital ones."""
        return min(text, text.lower(), key=lambda form: len(unknown_places(self.tokenizer, form)))

    def without_unknown(self, text: str) -> tuple[str, list[str]]:
        """A text without what the model does not know, which `encode` refuses.

        Returns:
            The text, as it was where all of it is known; else with single blanks, perhaps in small letters, and empty
            where nothing is known. And what was left out, words or characters, each once.
        """
        known = self._known_case(self._checked(text))
        places = unknown_places(self.tokenizer, known)
        if not places:
            return text, []
        left_out = dict.fromkeys(known[start:end] for start, end in places)
        for start, end in reversed(places):
            known = known[:start] + known[end:]
        return " ".join(known.split()), [part for part in left_out if part.strip()]

    def reconstruct(self, texts: str | Sequence[str], label: str | int | None = None, **settings: Any) -> Any:
        """What is read from the latents of texts; label and settings as in `decode`."""
        return self.decode(self.encode(texts), label, **settings)

    def interpolate(
        self,
        a: Sample,
        b: Sample,
        steps: int = 9,
        label: str | int | None = None,
        temperature: float = 0.0,
        **settings: Any,
    ) -> Any:
        """Texts on the way from one sample to another, both ends included: spherical interpolation of the latents.

        Args:
            a, b: texts, seeds or latents.
            steps: texts, from 2 to 1,000.
            label: class of all; a model with classes has to be told it where `a` is no seed.
            temperature: of `decode`; the dice are those of `a`, if that is a seed.
            settings: more of `decode`, such as `prefix`.
        """
        latents, own, seed = self.way(a, b, steps, label)
        return self.decode(latents, own, temperature, seed, **settings)

    def way(
        self, a: Sample, b: Sample, steps: int = 9, label: str | int | None = None
    ) -> tuple[Tensor, str | int | None, int]:
        """The latents (steps, latent_dim) of `interpolate`, their class, and the seed of their dice."""
        if not is_whole(steps) or not 2 <= steps <= MAX_TEXTS:
            raise GANError(
                f"An interpolation of {steps!r} texts cannot be made; it has from 2, its ends, to {MAX_TEXTS:,}."
            )
        (first, own, seed), (last, _, _) = self.located(a, label), self.located(b, label)
        return slerp(first, last, torch.linspace(0, 1, int(steps))[:, None]), own, seed

    def edit(
        self,
        sample: Sample,
        edits: Mapping[str, float],
        label: str | int | None = None,
        temperature: float = 0.0,
        **settings: Any,
    ) -> Any:
        """A sample moved along directions.

        Args:
            sample: a text, a seed or a latent.
            edits: strengths by the name of one of `directions`, such as {"length": 1}; 1 is a standard deviation of
                the latent.
            label, temperature, settings: as in `interpolate`.
        """
        latents, own, seed = self.located(sample, label)
        return self.decode(self.moved(latents, edits), own, temperature, seed, **settings)

    def moved(self, latents: Tensor, edits: Mapping[str, float]) -> Tensor:
        """Latents (n, latent_dim) moved along directions, by name and strength."""
        self._check_latent()
        return self.usable_directions().apply(latents[:, None], edits)[:, 0]

    def variations(
        self,
        sample: Sample,
        count: int = 8,
        distance: float = 0.5,
        seed: int = 0,
        label: str | int | None = None,
        **settings: Any,
    ) -> Any:
        """Texts like a sample: those of latents near its own, each another one.

        Args:
            sample: a text, a seed or a latent.
            count: how many, from 1 to 1,000; there are fewer where so few differ.
            distance: from 0, the sample itself, to 1, any text: z' = sqrt(1 - distance^2) z + distance noise.
            seed: of the noise.
            label: as in `interpolate`.
            settings: more of `decode`, such as `prefix`.
        """
        latents, own, _ = self.located(sample, label)
        return self.decode(self.nearby(latents, count, distance, seed, own, **settings), own, **settings)

    def nearby(
        self,
        latents: Tensor,
        count: int = 8,
        distance: float = 0.5,
        seed: int = 0,
        label: str | int | None = None,
        **settings: Any,
    ) -> Tensor:
        """The latents (up to `count`, latent_dim) of variations of one (1, latent_dim); itself where none differs.

        Texts that differ in marks and blanks at their ends alone are one.
        """
        wanted = len(sample_seeds(seed, count))
        if wanted > MAX_TEXTS:
            raise GANError(f"{wanted:,} variations were asked for; ask for 1 to {MAX_TEXTS:,}.")
        if isinstance(distance, bool) or not isinstance(distance, int | float) or not 0 <= distance <= 1:
            raise GANError(f"A distance of {distance!r} cannot be used; it goes from 0 (the same) to 1 (any text).")
        source = torch.Generator().manual_seed(int(seed))
        noise = torch.randn(TRIES * wanted, self.latent_dim, generator=source)
        near = (1 - distance**2) ** 0.5 * latents + distance * noise

        def said(latents: Tensor) -> list[str]:
            return [text.rstrip(ENDINGS) for text in self.decode(latents, label, **settings).texts]

        others: dict[str, Tensor] = {}  # by what is read from them
        known = said(latents)
        for part in near.split(ROWS):
            for text, latent in zip(said(part), part, strict=True):
                if text not in known:
                    others.setdefault(text, latent)
            if len(others) >= wanted:
                break
        chosen = list(others.values())[:wanted]
        return torch.stack(chosen) if chosen else latents

    def located(self, sample: Sample, label: str | int | None) -> tuple[Tensor, str | int | None, int]:
        """The latent (1, latent_dim) of a sample, its class, and the seed of its dice."""
        self._check_latent()
        if isinstance(sample, str):
            return self.encode(sample), label, 0
        if isinstance(sample, Tensor):
            latents = sample[None] if sample.ndim == 1 else sample
            if len(latents) != 1:
                raise GANError(f"One latent is needed, and these are {len(latents)}; give one of them.")
            return check_latents(latents, self.latent_dim), label, 0
        if not is_whole(sample):
            raise GANError(
                f"A sample is a text, a seed or a latent, a tensor ({self.latent_dim},) of floats, and no "
                f"{type(sample).__name__}."
            )
        latents, classes = self.latents(sample_seeds(sample, 1), label)
        return latents, label if classes is None else int(classes[0]), int(sample)

    def _check_latent(self) -> None:
        if not self.latent_dim:
            raise GANError(
                "This model has no latent, so its texts cannot be encoded, interpolated or edited; use one of "
                "--objective daae."
            )

    # Directions

    def find_directions(self, num_samples: int = 4000, num_scored: int = 200, progress: bool = False) -> None:
        """As in `gan.latent`; each record says, too, at a strength of 2 either way, in which share of texts the
        attribute is larger at the one end than at the other (`moved`), and the BLEU-4 of edited texts against
        what they were (`kept`)."""
        self._check_latent()
        directions.check_samples(num_samples, num_scored, sum(self.generator.class_counts))
        latents = self._prior(num_samples, seed=0)[:, None]
        read: dict[bytes, list[list[str]]] = {}

        def words(codes: Tensor) -> list[list[str]]:  # what names, scores and edits ask for is read once
            key = codes.cpu().numpy().tobytes()
            if key not in read:
                read[key] = self._words(codes)
            return read[key]

        texts = words(latents)
        content = content_words(texts)
        names = varying(attributes(texts, self._ranks, content))
        if not names:  # a model that says the same whatever the latent
            self.directions = self._closed_form
            return

        def measure(codes: Tensor) -> dict[str, Tensor]:
            found = attributes(words(codes), self._ranks, content)
            return {name: found[name] for name in names}

        found, deviation = directions.find(self.generator, measure, latents, None, [])
        codes = self._prior(num_scored, seed=SCORED)[:, None]
        directions.score(found, measure, codes, deviation, progress=progress)
        self._score_edits(found, codes, words, content)
        # The likeliest words hold on to a text until its latent has moved by a good part of its norm.
        reach = max(3, round(self.latent_dim**0.5 / 2))
        for record in found.records.values():
            record["range"] = [-reach, reach]
        self.directions = found

    def _score_edits(
        self,
        found: Directions,
        codes: Tensor,
        words: Callable[[Tensor], list[list[str]]],
        content: Sequence[str],
    ) -> None:
        usual = words(codes)
        for name, record in found.records.items():
            low, high = (words(found.apply(codes, {name: side * MOVED_AT})) for side in (-1, 1))
            if record["source"] == "measured":
                before, after = (attributes(texts, self._ranks, content)[name] for texts in (low, high))
                record["moved"] = round(float((after > before).float().mean()), 3)
            record["kept"] = round(paired_bleu([*low, *high], [*usual, *usual]), 3)

    def _prior(self, count: int, seed: int) -> Tensor:
        return torch.randn(count, self.latent_dim, generator=torch.Generator().manual_seed(seed))

    @cached_property
    def _ranks(self) -> dict[str, int]:
        return {} if has_byte_pairs(self.tokenizer) else self.tokenizer.get_vocab()

    def _words(self, codes: Tensor) -> list[list[str]]:
        """The words of the texts of codes (n, 1, latent_dim), with classes by turns where there are any."""
        classes = torch.arange(len(codes)) % self.generator.config.num_classes if self.labels else None
        tokens = generate(self.generator, None, len(codes), classes, temperature=0.0, latents=codes[:, 0])
        return [words_of(self.tokenizer, decode(self.tokenizer, ids)) for ids in as_lists(tokens)]
