"""The same as the page for programs: `gradio_client`, plain HTTP, and MCP where Gradio has been given it."""

from pathlib import Path
from typing import Any

import gradio as gr
from gradio.processing_utils import save_bytes_to_cache
from gradio.utils import get_upload_folder
from PIL import Image

from gan.errors import GANError
from gan.pipeline import sample_seeds
from gan.studio.audio.generate import Clip, archive, clip_name, kit, kit_classes, pad_name, sound, way, way_names
from gan.studio.component import api_errors
from gan.studio.images.generate import MAX_IMAGES, draw
from gan.studio.model_panel import describe
from gan.studio.morph.generate import take
from gan.studio.morph.uploads import MAX_BYTES, read_picture
from gan.studio.queue import run_queued
from gan.studio.registry import Registry
from gan.studio.strings import EN
from gan.studio.text.batching import write
from gan.studio.text.generate import samples

WRITERS = 24  # requests for texts that can be written together; each holds one of Gradio's forty threads


def audio_file(content: bytes, name: str) -> str:
    """The path of a file that Gradio serves; the same content under the same name lies there once."""
    return save_bytes_to_cache(content, name, get_upload_folder())


def audio_files(clips: list[Clip], names: list[str]) -> tuple[list[str], list[dict[str, Any]]]:
    """Clips as files, and what is known of each."""
    facts = [{"seed": clip.seed, "label": clip.label} for clip in clips]
    return [audio_file(clip.wav, name) for clip, name in zip(clips, names)], facts


def add_endpoints(registry: Registry) -> None:
    """Adds `/generate_images`, `/generate_text` and the others to the page being built; nothing of it shows."""

    @api_errors
    def generate_images(
        model: str, seed: int = 0, num_images: int = 1, truncation: float = 1.0, label: str = ""
    ) -> list[tuple[Image.Image, str]]:
        """Makes pictures with a GAN. The same arguments always give the same pictures, in a few milliseconds.

        Args:
            model: one of those of `list_models`, or the id of a model on the Hugging Face Hub (user/name).
            seed: of the first picture, from 0 to 4294967295; picture k of a batch is that of seed + k.
            num_images: how many pictures, 1 to 64.
            truncation: 1 is the model as trained, smaller (down to 0) is safer and less varied.
            label: a class of the model, by name; empty gives every picture a class of its own.

        Returns:
            PNG files at the model's native size, each with its seed as caption.
        """
        output, _ = draw(registry, model or registry.default("image"), seed, num_images, truncation, label)
        return [(image, str(number)) for image, number in zip(output.images, output.seeds)]

    @api_errors
    def load_model(repo_id: str) -> dict[str, Any]:
        """Loads a model from the Hugging Face Hub, or one that is offered, and says what it is.

        Args:
            repo_id: such as user/name.

        Returns:
            Name, classes, resolution, parameters, size in megabytes, how it was trained and what was measured.
        """
        return describe(repo_id, registry.get(repo_id))

    @api_errors
    def reconstruct_image(model: str, image: str, label: str = "") -> Image.Image:
        """Encodes a picture into the latent of a model with an encoder (a VAE or VAE-GAN) and draws it from there.

        Args:
            model: one of those of `list_models`, or the id of a model on the Hugging Face Hub (user/name).
            image: a picture file (PNG, JPEG, WebP, GIF, BMP, TIFF, AVIF) of any size up to 20 MB and 40 megapixels.
            label: the class to rebuild it as, by name; empty lets the model see for itself.

        Returns:
            A PNG at the model's native size.
        """
        pipeline = registry.image_model(model or registry.default("image"))
        if not image:
            raise GANError("There is no picture; give one as `image`.")
        if Path(image).stat().st_size > MAX_BYTES:
            raise GANError(EN["too_many_bytes"].format(max=MAX_BYTES // 1_000_000))
        picture, _ = take(pipeline, read_picture(Path(image).read_bytes(), EN), invert=False)
        return run_queued(lambda: pipeline.reconstruct(picture, label=label or None))[0].images[0]

    @api_errors
    def interpolate_images(
        model: str, a_seed: int = 0, b_seed: int = 1, steps: int = 16, label: str = "", truncation: float = 1.0
    ) -> list[tuple[Image.Image, str]]:
        """Makes the pictures on the way from one seed to another, both ends included. Played in turn they are a morph.

        Args:
            model: one of those of `list_models`, or the id of a model on the Hugging Face Hub (user/name).
            a_seed: where the way begins, from 0 to 4294967295.
            b_seed: where it ends.
            steps: how many pictures, 2 to 64.
            label: a class for all of them, by name; empty goes from the class of one seed to that of the other.
            truncation: 1 is the model as trained, smaller (down to 0) is safer and less varied.

        Returns:
            PNG files at the model's native size, each with its share of the way, 0 to 1, as caption.
        """
        if not isinstance(steps, int | float) or not 2 <= steps <= MAX_IMAGES:
            raise GANError(f"{steps} steps were asked for; ask for 2 to {MAX_IMAGES}.")
        pipeline = registry.image_model(model or registry.default("image"))
        output, _ = run_queued(
            lambda: pipeline.interpolate(a_seed, b_seed, int(steps), label=label or None, truncation=truncation)
        )
        return [(image, f"{k / (steps - 1):.3f}") for k, image in enumerate(output.images)]

    @api_errors
    def generate_text(
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
        """Writes texts with a text GAN. The same arguments always give the same texts.

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
            best_of: write so many of each, up to 64, and keep the one that the critic likes best.
            label: a class of the model, by name; empty gives every text a class of its own.

        Returns:
            Of each text its text, seed, label, log-likelihood in nats, and its tokens: what each adds to the text
            (nothing: the end), its log probability, and the nats that the critic adds to that.
        """
        output = write(
            registry.text_model(model or registry.default("text")),
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

    @api_errors
    def generate_audio(
        model: str, seed: int = 0, num_samples: int = 1, truncation: float = 1.0, label: str = ""
    ) -> tuple[list[str], list[dict[str, Any]]]:
        """Makes sounds with a GAN. The same arguments always give the same sounds, much faster than they play.

        Args:
            model: one of those of `list_models`, or the id of a model on the Hugging Face Hub (user/name).
            seed: of the first clip, from 0 to 4294967295; clip k of a batch is that of seed + k.
            num_samples: how many clips, 1 to 16.
            truncation: 1 is the model as trained, smaller (down to 0) is safer and less varied.
            label: classes of the model, by name, such as "kick", or "7, george" where there are several label
                columns ("speaker=george" where a name is not enough); what isn't named is drawn from each seed.

        Returns:
            WAV files (16 bits), and of each its seed and label.
        """
        model = model or registry.default("audio")
        clips, _ = sound(registry, model, seed, num_samples, truncation, label)
        return audio_files(clips, [clip_name(model, clip, truncation) for clip in clips])

    @api_errors
    def interpolate_audio(
        model: str, a_seed: int = 0, b_seed: int = 1, steps: int = 16, label: str = "", truncation: float = 1.0
    ) -> tuple[list[str], list[dict[str, Any]]]:
        """Makes the sounds on the way from one seed to another, both ends included.

        Args:
            model: one of those of `list_models`, or the id of a model on the Hugging Face Hub (user/name).
            a_seed: where the way begins, from 0 to 4294967295.
            b_seed: where it ends.
            steps: how many clips, 2 to 32.
            label: classes for all of them, as for `generate_audio`; those not named go from one seed's to the other's.
            truncation: 1 is the model as trained, smaller (down to 0) is safer and less varied.

        Returns:
            WAV files (16 bits), and of each its label and its share of the way, 0 to 1.
        """
        model = model or registry.default("audio")
        clips, _ = way(registry, model, a_seed, b_seed, steps, truncation, label)
        shares = [round(k / (len(clips) - 1), 3) for k in range(len(clips))]
        files, facts = audio_files(clips, way_names(model, a_seed, b_seed, clips, truncation))
        return files, [{"label": fact["label"], "share": share} for fact, share in zip(facts, shares)]

    @api_errors
    def drum_kit(model: str, seed: int = 0, truncation: float = 1.0) -> str:
        """Makes a kit of sixteen sounds for a sampler: all classes of a model, in order; sound k is that of seed + k.

        Args:
            model: one of those of `list_models`, or the id of a model on the Hugging Face Hub (user/name).
            seed: of the first sound, from 0 to 4294967280.
            truncation: 1 is the model as trained, smaller (down to 0) is safer and less varied.

        Returns:
            A ZIP of WAV files (16 bits), such as 01-kick-seed7.wav.
        """
        model = model or registry.default("audio")
        classes = kit_classes(registry.audio_model(model))
        clips, _ = kit(registry, model, list(zip(sample_seeds(seed, len(classes)), classes)), truncation, {})
        return audio_file(archive([pad_name(k, clip) for k, clip in enumerate(clips)], clips), f"kit-{seed}.zip")

    def list_models() -> list[str]:
        """Names the models that this studio offers; `load_model` says of each whether it makes image, text, audio."""
        return list(registry.offered)

    # Components of its own: those of the page would check arguments against the choices that they happen to show.
    with gr.Row(visible=False):
        inputs = [
            gr.Textbox(registry.default("image"), label="model"),
            gr.Number(0, label="seed", precision=0),
            gr.Number(1, label="num_images", precision=0),
            gr.Number(1.0, label="truncation"),
            gr.Textbox("", label="label"),
        ]
        pictures = gr.Gallery(label="pictures", format="png")
        gr.Button("generate_images").click(
            generate_images, inputs, pictures, api_name="generate_images", concurrency_limit=4
        )
        given = gr.File(label="image", type="filepath")
        gr.Button("reconstruct_image").click(
            reconstruct_image,
            [inputs[0], given, inputs[-1]],
            gr.Image(label="rebuilt", format="png"),
            api_name="reconstruct_image",
            concurrency_limit=4,
        )
        seeds = [gr.Number(0, label="a_seed", precision=0), gr.Number(1, label="b_seed", precision=0)]
        steps = gr.Number(16, label="steps", precision=0)
        gr.Button("interpolate_images").click(
            interpolate_images,
            [inputs[0], *seeds, steps, inputs[-1], inputs[3]],
            gr.Gallery(label="pictures", format="png"),
            api_name="interpolate_images",
            concurrency_limit=4,
        )
        texts = [
            gr.Textbox(registry.default("text"), label="model"),
            gr.Number(0, label="seed", precision=0),
            gr.Number(1, label="num_samples", precision=0),
            gr.Number(1.0, label="temperature"),
            gr.Number(0, label="top_k", precision=0),
            gr.Number(1.0, label="top_p"),
            gr.Textbox("", label="prefix"),
            gr.Number(None, label="critic_strength"),
            gr.Textbox("", label="acrostic"),
            gr.Number(1, label="best_of", precision=0),
            gr.Textbox("", label="label"),
        ]
        gr.Button("generate_text").click(
            generate_text, texts, gr.JSON(label="texts"), api_name="generate_text", concurrency_limit=WRITERS
        )
        sounds = [
            gr.Textbox(registry.default("audio"), label="model"),
            gr.Number(0, label="seed", precision=0),
            gr.Number(1, label="num_samples", precision=0),
            gr.Number(1.0, label="truncation"),
            gr.Textbox("", label="label"),
        ]
        heard = [gr.File(label="clips", file_count="multiple"), gr.JSON(label="facts")]
        gr.Button("generate_audio").click(
            generate_audio, sounds, heard, api_name="generate_audio", concurrency_limit=4
        )
        gr.Button("interpolate_audio").click(
            interpolate_audio,
            [sounds[0], *seeds, steps, sounds[4], sounds[3]],
            heard,
            api_name="interpolate_audio",
            concurrency_limit=4,
        )
        gr.Button("drum_kit").click(
            drum_kit, [sounds[0], sounds[1], sounds[3]], gr.File(label="kit"), api_name="drum_kit", concurrency_limit=4
        )
    gr.api(load_model, api_name="load_model", concurrency_limit=4)
    gr.api(list_models, api_name="list_models", queue=False)
