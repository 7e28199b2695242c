"""The endpoint of text models."""

from typing import Any

from gan.studio.api import ModalityAPI
from gan.studio.text.batching import generate_batched
from gan.studio.text.generate import samples
from gan.text.pipeline import TextPipeline


class TextAPI(ModalityAPI):
    """Texts for programs."""

    modality = TextPipeline.modality
    concurrency = 24  # requests that can share a batch; each holds one of Gradio's forty threads

    def generate_text(
        self,
        model: str,
        seed: int = 0,
        num_samples: int = 1,
        temperature: float = 1.0,
        top_k: int = 0,
        top_p: float = 1.0,
        prefix: str = "",
        critic_strength: float | None = None,
        acrostic: str = "",
        best_of: int = 1,
        label: str = "",
    ) -> list[dict[str, Any]]:
        """Generates texts with a text GAN. The same arguments always give the same texts.

        Args:
            model: one of those of `list_models`, or the id of a model on the Hugging Face Hub (user/name).
            seed: of the first text, from 0 to 4294967295; text k of a batch is that of seed + k.
            num_samples: how many texts, 1 to 32.
            temperature: 1 is as trained, smaller is safer and less varied; 0 always takes the likeliest token.
            top_k: draw among so many of the likeliest tokens; 0 for all.
            top_p: draw among the likeliest tokens that together have this probability.
            prefix: what every text begins with.
            critic_strength: lambda, 0 is the language model alone; left out, what was best on validation data.
            acrostic: what the lines begin with, a character each (instead of a prefix).
            best_of: candidates for each text, up to 64, of which the one with the highest critic score is kept.
            label: a class of the model, by name; empty draws a class for every text from its seed.

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
        )
        return [
            {"text": text, "log_likelihood": round(likelihood, 4), **sample}
            for text, likelihood, sample in zip(output.texts, output.log_likelihoods, samples(output))
        ]
