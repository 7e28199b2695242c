"""The endpoints of image models."""

from pathlib import Path

from PIL import Image

from gan.errors import GANError
from gan.image.pipeline import ImagePipeline
from gan.studio.api import File, Gallery, ModalityAPI
from gan.studio.images.generate import MAX_IMAGES, generate_images
from gan.studio.morph.generate import fit_upload
from gan.studio.morph.uploads import MAX_BYTES, read_picture
from gan.studio.queue import run_queued
from gan.studio.strings import EN


class ImageAPI(ModalityAPI):
    """Pictures for programs."""

    modality = ImagePipeline.modality

    def generate_images(
        self,
        model: str,
        seed: int = 0,
        num_images: int = 1,
        truncation: float = 1.0,
        label: str = "",
        critic_steps: int = 0,
    ) -> Gallery:
        """Generates pictures with a GAN. The same arguments always give the same pictures, in a few milliseconds.

        Args:
            model: one of those of `list_models`, or the id of a model on the Hugging Face Hub (user/name).
            seed: of the first picture, from 0 to 4294967295; picture k of a batch is that of seed + k.
            num_images: how many pictures, 1 to 64.
            truncation: psi; 1 is the model as trained, smaller (down to 0) is safer and less varied.
            label: a class of the model, by name, or "7, serif" where there are several label columns ("design=serif"
                where a name is not enough); what isn't named is drawn from each picture's seed.
            critic_steps: steps towards what the model's discriminator takes for real, 0 to 50; 0 is one forward pass.

        Returns:
            PNG files at the model's native size, each with its seed as caption.
        """
        output, _ = generate_images(
            self.registry, self._model(model), seed, num_images, truncation, label, critic_steps
        )
        return [(image, str(number)) for image, number in zip(output.images, output.seeds)]

    def reconstruct_image(self, model: str, image: File, label: str = "") -> Image.Image:
        """Encodes a picture into the latent space of a model with an encoder (a VAE or VAE-GAN) and decodes it again.

        Args:
            model: one of those of `list_models`, or the id of a model on the Hugging Face Hub (user/name).
            image: a picture file (PNG, JPEG, WebP, GIF, BMP, TIFF, AVIF) of any size up to 20 MB and 40 megapixels.
            label: the class to decode it with, by name; empty takes the class that the encoder predicts.

        Returns:
            A PNG at the model's native size.
        """
        pipeline = self.registry.get(self._model(model), ImagePipeline)
        picture = given_picture(pipeline, image)
        return run_queued(lambda: pipeline.reconstruct(picture, label=label or None))[0].images[0]

    def interpolate_images(
        self, model: str, a_seed: int = 0, b_seed: int = 1, steps: int = 16, label: str = "", truncation: float = 1.0
    ) -> Gallery:
        """Interpolates between the pictures of two seeds, both ends included. Played in turn the pictures are a morph.

        Args:
            model: one of those of `list_models`, or the id of a model on the Hugging Face Hub (user/name).
            a_seed: of the first picture, from 0 to 4294967295.
            b_seed: of the last.
            steps: how many pictures, 2 to 64.
            label: a class for all of them, by name; empty goes from the class of one seed to that of the other.
            truncation: psi; 1 is the model as trained, smaller (down to 0) is safer and less varied.

        Returns:
            PNG files at the model's native size, each with its place between the seeds, 0 to 1, as caption.
        """
        if not isinstance(steps, int | float) or not 2 <= steps <= MAX_IMAGES:
            raise GANError(f"{steps} steps were asked for; ask for 2 to {MAX_IMAGES}.")
        pipeline = self.registry.get(self._model(model), ImagePipeline)
        output, _ = run_queued(
            lambda: pipeline.interpolate(a_seed, b_seed, int(steps), label=label or None, truncation=truncation)
        )
        return [(image, f"{k / (steps - 1):.3f}") for k, image in enumerate(output.images)]


def given_picture(pipeline: ImagePipeline, image: File) -> Image.Image:
    """The picture in a file that a client has sent, fitted to a model.

    Raises:
        GANError: if there is none, or it can't be read.
    """
    if not image:
        raise GANError("There is no picture; give one as `image`.")
    if Path(image).stat().st_size > MAX_BYTES:
        raise GANError(EN["too_many_bytes"].format(max=MAX_BYTES // 1_000_000))
    return fit_upload(pipeline, read_picture(Path(image).read_bytes(), EN), invert=False)[0]
