"""The endpoints of audio models."""

from typing import Any

from gradio.processing_utils import save_bytes_to_cache
from gradio.utils import get_upload_folder

from gan.audio.pipeline import AudioPipeline
from gan.inputs import sample_seeds
from gan.studio.api import NO_EDITS, File, ModalityAPI
from gan.studio.audio.generate import (
    Clip,
    archive,
    clip_name,
    generate_clips,
    generate_kit,
    interpolate_clips,
    interpolation_names,
    kit_classes,
    pad_name,
)
from gan.studio.audio.steering import Steering


class AudioAPI(ModalityAPI):
    """Clips for programs."""

    modality = AudioPipeline.modality

    def generate_audio(
        self,
        model: str,
        seed: int = 0,
        num_samples: int = 1,
        truncation: float = 1.0,
        label: str = "",
        critic_steps: int = 0,
        edits: dict[str, float] = NO_EDITS,
        layers: str = "",
        other_seed: int = 0,
    ) -> tuple[list[File], list[dict[str, Any]]]:
        """Generates sounds with a GAN. The same arguments always give the same sounds, much faster than they play.

        Args:
            model: one of those of `list_models`, or the id of a model on the Hugging Face Hub (user/name).
            seed: of the first clip, from 0 to 4294967295; clip k of a batch is that of seed + k.
            num_samples: how many clips, 1 to 16.
            truncation: psi; 1 is the model as trained, smaller (down to 0) is safer and less varied.
            label: classes of the model, by name, such as "kick", or "7, george" where there are several label
                columns ("speaker=george" where a name is not enough); what isn't named is drawn from each seed.
            critic_steps: steps towards what the model's discriminator takes for real, 0 to 50; 0 is one forward pass.
            edits: strengths by the name of a direction, such as {"length": 1.5, "brightness": -1}; 1 is as far as a
                standard deviation of the latent. A wrong name is answered with those that there are.
            layers: "coarse", "middle" or "fine": these layers of every clip come from another seed; empty for none.
            other_seed: the seed that these layers come from.

        Returns:
            WAV files (16 bits), and of each its seed and label.
        """
        model = self._model(model)
        steering = Steering(critic_steps, layers, other_seed, edits or {})
        clips, _ = generate_clips(self.registry, model, seed, num_samples, truncation, label, steering)
        files = save_clips(clips, [clip_name(model, clip, truncation) for clip in clips])
        return files, [{"seed": clip.seed, "label": clip.label} for clip in clips]

    def interpolate_audio(
        self, model: str, a_seed: int = 0, b_seed: int = 1, steps: int = 16, label: str = "", truncation: float = 1.0
    ) -> tuple[list[File], list[dict[str, Any]]]:
        """Interpolates between the sounds of two seeds, both ends included.

        Args:
            model: one of those of `list_models`, or the id of a model on the Hugging Face Hub (user/name).
            a_seed: of the first clip, from 0 to 4294967295.
            b_seed: of the last.
            steps: how many clips, 2 to 32.
            label: classes for all of them, as for `generate_audio`; those not named go from one seed's to the other's.
            truncation: psi; 1 is the model as trained, smaller (down to 0) is safer and less varied.

        Returns:
            WAV files (16 bits), and of each its label and its place between the seeds ("share"), 0 to 1.
        """
        model = self._model(model)
        clips, _ = interpolate_clips(self.registry, model, a_seed, b_seed, steps, truncation, label)
        files = save_clips(clips, interpolation_names(model, a_seed, b_seed, clips, truncation))
        return files, [{"label": clip.label, "share": round(k / (len(clips) - 1), 3)} for k, clip in enumerate(clips)]

    def drum_kit(self, model: str, seed: int = 0, truncation: float = 1.0) -> File:
        """Generates sixteen sounds for a sampler: all classes of a model, in order; sound k is that of seed + k.

        Args:
            model: one of those of `list_models`, or the id of a model on the Hugging Face Hub (user/name).
            seed: of the first sound, from 0 to 4294967280.
            truncation: psi; 1 is the model as trained, smaller (down to 0) is safer and less varied.

        Returns:
            A ZIP of WAV files (16 bits), such as 01-kick-seed7.wav.
        """
        model = self._model(model)
        classes = kit_classes(self.registry.get(model, AudioPipeline))
        pads = list(zip(sample_seeds(seed, len(classes)), classes))
        clips, _ = generate_kit(self.registry, model, pads, truncation, {})
        return save_file(archive([pad_name(k, clip) for k, clip in enumerate(clips)], clips), f"kit-{seed}.zip")


def save_file(content: bytes, name: str) -> File:
    """The path of a file that Gradio serves; the same content under the same name is stored once."""
    return File(save_bytes_to_cache(content, name, get_upload_folder()))


def save_clips(clips: list[Clip], names: list[str]) -> list[File]:
    """The paths of clips as files of these names."""
    return [save_file(clip.wav, name) for clip, name in zip(clips, names)]
