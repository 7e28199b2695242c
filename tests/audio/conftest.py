"""A tiny audio model, as if it had been trained."""

from collections.abc import Callable

import pytest
import torch

from gan import AudioDiscriminator, AudioGenerator, AudioPipeline

SPOKEN = {"digit": ["zero", "one", "two"], "speaker": ["Ada", "Bob"]}


@pytest.fixture(scope="session")
def make_audio_pipeline() -> Callable[..., AudioPipeline]:
    def make(
        labels: dict[str, list[str]] | None = SPOKEN, sampling_rate: int = 8000, samples: int = 2048, n_fft: int = 256
    ) -> AudioPipeline:
        torch.manual_seed(0)
        shape = {"sampling_rate": sampling_rate, "samples": samples, "n_fft": n_fft, "channels": (16, 16, 16)}
        shape |= {"num_classes": tuple(len(names) for names in (labels or {}).values())}
        players = AudioGenerator(latent_dim=12, **shape), AudioDiscriminator(**shape)
        with torch.no_grad():
            for player in players:
                for parameter in player.parameters():
                    parameter.add_(torch.randn_like(parameter) * 0.03)
        return AudioPipeline(*players, labels)

    return make


@pytest.fixture
def audio_pipeline(make_audio_pipeline: Callable[..., AudioPipeline]) -> AudioPipeline:
    """A quarter of a second at 8 kHz: three digits by two speakers."""
    return make_audio_pipeline()
