"""The endpoints of text models."""

from typing import Any

import torch
from torch import Tensor

from gan.errors import GANError
from gan.inputs import check_latents, is_whole
from gan.studio.api import NO_EDITS, ModalityAPI
from gan.studio.queue import run_queued
from gan.studio.text.batching import generate_batched
from gan.studio.text.generate import check_length, samples
from gan.studio.text.latent import MAX_STEPS, Base, between, class_of, latent_pipeline, read
from gan.text.pipeline import TextPipeline, TextPipelineOutput

NO_LATENT: list[float] = []


class TextAPI(ModalityAPI):
    """Texts for programs."""

    modality = TextPipeline.modality
    concurrency = 24  # requests that can share a batch; each holds one of Gradio's forty threads

    def generate_text(
        self,
        model: str,
        seed: int = 0,
        num_samples: int = 1,
        temperature: float | None = None,
        top_k: int = 0,
        top_p: float = 1.0,
        prefix: str = "",
        critic_strength: float | None = None,
        acrostic: str = "",
        best_of: int = 1,
        label: str = "",
        edits: dict[str, float] = NO_EDITS,
    ) -> list[dict[str, Any]]:
        """Generates texts with a text GAN. The same arguments always give the same texts.

        Args:
            model: one of those of `list_models`, or the id of a model on the Hugging Face Hub (user/name).
            seed: of the first text, from 0 to 4294967295; text k of a batch is that of seed + k.
            num_samples: how many texts, 1 to 32.
            temperature: 1 is as trained, smaller is safer and less varied; 0 always takes the likeliest token. Left
                out, it is 1, and for a model with a latent 0.
            top_k: draw among so many of the likeliest tokens; 0 for all.
            top_p: draw among the likeliest tokens that together have this probability.
            prefix: what every text begins with.
            critic_strength: lambda, 0 is the language model alone; left out, what was best on validation data.
            acrostic: what the lines begin with, a character each (instead of a prefix).
            best_of: candidates for each text, up to 64, of which the one with the highest critic score is kept.
            label: a class of the model, by name; empty draws a class for every text from its seed.
            edits: for a model with a latent, strengths by the name of a direction, such as {"length": 1.5}; 1 is as
                far as a standard deviation of the latent. A wrong name is answered with those that there are.

        Returns:
            Of each text its text, seed, label, log-likelihood in nats, and its tokens: what each adds to the text
            (nothing: the end), its log probability, and the nats that the critic adds to that.
        """
        output = generate_batched(
            self.registry.get(self._model(model), TextPipeline),
            seed=seed,
            num_samples=num_samples,
            temperature=temperature,
            top_k=top_k,
            top_p=top_p,
            prefix=prefix,
            critic_strength=critic_strength,
            acrostic=acrostic,
            best_of=best_of,
            label=label,
            edits=edits or {},
        )
        return [
            {"text": text, "log_likelihood": round(likelihood, 4), **sample}
            for text, likelihood, sample in zip(output.texts, output.log_likelihoods, samples(output))
        ]

    def encode_text(self, model: str, text: str = "") -> dict[str, Any]:
        """Encodes a text into the latent of a model that has one, so that it can be edited and interpolated.

        Args:
            model: one of those of `list_models`, or the id of a model on the Hugging Face Hub (user/name).
            text: in words that the model knows; others are named in the error.

        Returns:
            Its "latent", a list of numbers for `edit_text` and `interpolate_text`.
        """
        pipeline = latent_pipeline(self.registry, self._model(model))
        given = check_length(text or "", "text")
        return {"latent": run_queued(lambda: pipeline.encode(given))[0][0].tolist()}

    def edit_text(
        self,
        model: str,
        seed: int = 0,
        text: str = "",
        edits: dict[str, float] = NO_EDITS,
        label: str = "",
        temperature: float = 0.0,
        latent: list[float] = NO_LATENT,
    ) -> dict[str, Any]:
        """Moves a text along named directions of a model with a latent, such as its length.

        Args:
            model: one of those of `list_models`, or the id of a model on the Hugging Face Hub (user/name).
            seed: of the text, from 0 to 4294967295; also of the class where no label is given, and with a temperature
                of the dice, whatever the text is.
            text: instead of that of the seed, a text in words that the model knows.
            edits: strengths by the name of a direction, such as {"length": 1.5, "plural": -1}; 1 is as far as a
                standard deviation of the latent. A wrong name is answered with those that there are.
            label: a class of the model, by name, if it has any; empty is that of the seed.
            temperature: 0 reads the likeliest token each time, 1 throws dice as in training.
            latent: instead of a seed's or a text's, what `encode_text`, `edit_text` or `interpolate_text` returned.

        Returns:
            The "text", what is read without the edits ("unedited"), its "label", and the edited "latent".
        """
        pipeline = latent_pipeline(self.registry, self._model(model))
        base = Base(seed, label or "", text or "", temperature=temperature)
        given = given_latent(pipeline, latent) if latent else None
        moved, (edited, unedited), labels = run_queued(lambda: read(pipeline, base, edits or {}, given))[0]
        own = labels[0] if labels else None
        return {"text": edited, "unedited": unedited, "label": own, "latent": moved[0].tolist()}

    def interpolate_text(
        self,
        model: str,
        a_seed: int = 0,
        b_seed: int = 1,
        steps: int = 9,
        a_text: str = "",
        b_text: str = "",
        label: str = "",
        temperature: float = 0.0,
        edits: dict[str, float] = NO_EDITS,
        a_latent: list[float] = NO_LATENT,
        b_latent: list[float] = NO_LATENT,
    ) -> list[dict[str, Any]]:
        """Reads the texts on the way from one to another, both ends included, with a model that has a latent.

        Args:
            model: one of those of `list_models`, or the id of a model on the Hugging Face Hub (user/name).
            a_seed: of the first text, from 0 to 4294967295.
            b_seed: of the last.
            steps: how many texts, 2 to 32.
            a_text: instead of the first seed, a text in words that the model knows.
            b_text: the same for the last.
            label: a class for all of them, by name, if the model has any; empty is that of the first seed, whatever
                the first text is.
            temperature: 0 reads the likeliest token each time; above, the dice are those of the first seed.
            edits: strengths by the name of a direction, as for `edit_text`, that all of them are moved by.
            a_latent: instead of the first seed's or text's, what `encode_text` or `edit_text` returned.
            b_latent: the same for the last.

        Returns:
            Of each its "text", its "label", its place ("share"), 0 to 1, and its "latent", with the edits.
        """
        if not is_whole(steps) or not 2 <= steps <= MAX_STEPS:
            raise GANError(f"{steps} steps were asked for; ask for 2 to {MAX_STEPS}.")
        pipeline = latent_pipeline(self.registry, self._model(model))
        a = Base(a_seed, label or "", a_text or "", temperature=temperature)
        b = Base(b_seed, label or "", b_text or "")
        first = given_latent(pipeline, a_latent) if a_latent else a
        last = given_latent(pipeline, b_latent) if b_latent else b

        def work() -> tuple[Tensor, TextPipelineOutput]:
            latents = pipeline.moved(between(pipeline, first, last, int(steps)), edits or {})
            return latents, pipeline.decode(latents, class_of(pipeline, a), **a.reading)

        (latents, output), _ = run_queued(work)
        own = output.labels[0] if output.labels else None
        return [
            {"text": text, "label": own, "share": round(k / (len(latents) - 1), 3), "latent": latent}
            for k, (text, latent) in enumerate(zip(output.texts, latents.tolist(), strict=True))
        ]


def given_latent(pipeline: TextPipeline, numbers: Any) -> Tensor:
    """The latent (1, latent_dim) that a client has sent.

    Raises:
        GANError: unless it is a list of as many finite numbers as the model takes.
    """
    wanted = f"A latent of this model is a list of {pipeline.latent_dim} numbers."
    try:
        latent = torch.tensor(numbers, dtype=torch.float32)
    except (TypeError, ValueError, RuntimeError) as error:
        raise GANError(wanted) from error
    if latent.shape != (pipeline.latent_dim,):
        raise GANError(wanted)
    return check_latents(latent[None], pipeline.latent_dim)
