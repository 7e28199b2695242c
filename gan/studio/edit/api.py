"""The endpoints that edit pictures.

A picture is named by its seed or by `codes`, a text that each of them returns and that stands in the page's addresses.
"""

from typing import Any

from PIL import Image

from gan.image.pipeline import ImagePipeline
from gan.latent.inversion import STEPS
from gan.latent.mixing import mix
from gan.studio.api import NO_EDITS, File, ModalityAPI
from gan.studio.codes import codes_text
from gan.studio.edit.generate import Base, base_codes, drag, edited, invert, picture
from gan.studio.edit.letters import typed
from gan.studio.images.api import given_picture
from gan.studio.queue import run_queued


class EditAPI(ModalityAPI):
    """Edited pictures for programs."""

    modality = ImagePipeline.modality

    def edit_image(
        self,
        model: str,
        seed: int = 0,
        edits: dict[str, float] = NO_EDITS,
        label: str = "",
        truncation: float = 1.0,
        critic_steps: int = 0,
        codes: str = "",
    ) -> tuple[Image.Image, dict[str, Any]]:
        """Moves a picture along named directions of its model, such as its brightness or width.

        Args:
            model: one of those of `list_models`, or the id of a model on the Hugging Face Hub (user/name).
            seed: of the picture, from 0 to 4294967295.
            edits: strengths by the name of a direction, such as {"brightness": 1.5, "width": -1}; 1 is as far as a
                standard deviation of the latent. A wrong name is answered with those that there are.
            label: the class of the seed, by name; empty draws it from the seed.
            truncation: psi; 1 is the model as trained, smaller (down to 0) is safer and less varied.
            critic_steps: steps towards what the model's discriminator takes for real, 0 to 50, before the edits.
            codes: instead of a seed and what belongs to it, what an endpoint returned.

        Returns:
            A PNG at the model's native size, and its "codes".
        """
        pipeline = self.registry.get(self._model(model), ImagePipeline)
        base = Base(seed, label, truncation, critic_steps, codes)
        return run_queued(lambda: _drawn(pipeline, edited(pipeline, base, edits or {})[0]))[0]

    def mix_images(
        self,
        model: str,
        first_seed: int = 0,
        second_seed: int = 1,
        layers: str = "fine",
        label: str = "",
        truncation: float = 1.0,
        first_codes: str = "",
        second_codes: str = "",
    ) -> tuple[Image.Image, dict[str, Any]]:
        """Draws a picture with some layers of another: its shapes with the colours of the other, or the reverse.

        Args:
            model: one of those of `list_models`, or the id of a model on the Hugging Face Hub (user/name).
            first_seed: of the picture, from 0 to 4294967295.
            second_seed: of the picture that gives some layers.
            layers: which ones: "coarse" (where things are), "middle" or "fine" (colour and texture).
            label: the class of both seeds, by name; empty draws one from each seed.
            truncation: psi of both seeds; 1 is the model as trained, smaller (down to 0) is safer and less varied.
            first_codes: instead of the first seed, what an endpoint returned.
            second_codes: instead of the second seed, what an endpoint returned.

        Returns:
            A PNG at the model's native size, and its "codes".
        """
        pipeline = self.registry.get(self._model(model), ImagePipeline)
        bases = [
            Base(first_seed, label, truncation, 0, first_codes),
            Base(second_seed, label, truncation, 0, second_codes),
        ]

        def work() -> tuple[Image.Image, dict[str, Any]]:
            first, second = (base_codes(pipeline, base)[0] for base in bases)
            return _drawn(pipeline, mix(first, second, layers))

        return run_queued(work)[0]

    def invert_image(self, model: str, image: File, steps: int = STEPS) -> tuple[Image.Image, dict[str, Any]]:
        """Finds the picture of a model that is nearest to a given one, so that it can be edited, mixed and dragged.

        Args:
            model: one of those of `list_models`, or the id of a model on the Hugging Face Hub (user/name); it needs no
                encoder.
            image: a picture file (PNG, JPEG, WebP, GIF, BMP, TIFF, AVIF) of any size up to 20 MB and 40 megapixels.
            steps: of gradient descent, 0 to 2000.

        Returns:
            A PNG at the model's native size, its "codes", and how far it is from the given picture ("distance").
        """
        name = self._model(model)
        pipeline = self.registry.get(name, ImagePipeline)
        found = invert(self.registry, name, given_picture(pipeline, image), steps)
        drawn, facts = run_queued(lambda: _drawn(pipeline, found.codes))[0]
        return drawn, {**facts, "distance": round(float(found.losses[-1, 0]), 4)}

    def drag_image(
        self,
        model: str,
        handles: list[list[float]],
        targets: list[list[float]],
        seed: int = 0,
        steps: int = 100,
        label: str = "",
        truncation: float = 1.0,
        codes: str = "",
    ) -> tuple[Image.Image, dict[str, Any]]:
        """Pulls points of a picture to other places; what is drawn around them comes along.

        Args:
            model: one of those of `list_models`, or the id of a model on the Hugging Face Hub (user/name).
            handles: points [x, y] in pixels from the upper left corner, such as [[14, 8]]; at most 16.
            targets: where each of them is to go, such as [[14, 12]].
            seed: of the picture, from 0 to 4294967295.
            steps: at most, 1 to 1000; it ends once all handles have arrived.
            label: the class of the seed, by name; empty draws it from the seed.
            truncation: psi; 1 is the model as trained, smaller (down to 0) is safer and less varied.
            codes: instead of a seed and what belongs to it, what an endpoint returned.

        Returns:
            A PNG at the model's native size, its "codes", and where the handles have got to ("handles").
        """
        name = self._model(model)
        pipeline = self.registry.get(name, ImagePipeline)
        result = drag(self.registry, name, Base(seed, label, truncation, 0, codes), {}, handles, targets, steps)
        drawn, facts = run_queued(lambda: _drawn(pipeline, result.codes))[0]
        return drawn, {**facts, "handles": result.handles.tolist()}

    def type_text(
        self,
        model: str,
        text: str = "",
        seed: int = 0,
        edits: dict[str, float] = NO_EDITS,
        label: str = "",
        truncation: float = 1.0,
        aspect: float = 0.0,
        codes: str = "",
    ) -> tuple[Image.Image, dict[str, Any]]:
        """Sets a text in the letters of one seed, like a font, with a model whose classes are single characters.

        Args:
            model: one of those of `list_models`, or the id of a model on the Hugging Face Hub (user/name).
            text: up to 200 characters, words between blanks; empty sets a specimen.
            seed: of the style, from 0 to 4294967295.
            edits: strengths by the name of a direction, such as {"ink": 1.5, "width": -1}; they move all letters.
            label: classes of other label columns than that of the characters, by name, if the model has any.
            truncation: psi; 1 is the model as trained, smaller (down to 0) is safer and less varied.
            aspect: width / height of the frame in which the text, broken into lines, is to be as large as possible; 0
                sets a single line.
            codes: instead of a seed, those of a letter in the style that is wanted, as an endpoint returned them.

        Returns:
            A PNG, black on white where the model draws grey, with lines as high as its pictures, and the characters
            that it does not have ("missing"), for which empty frames stand.
        """
        pipeline = self.registry.get(self._model(model), ImagePipeline)
        base = Base(seed, label, truncation, 0, codes)
        result = run_queued(lambda: typed(pipeline, base, edits or {}, text or "", aspect or None))[0]
        paper = Image.new("RGBA", result.picture.size, "white")
        paper.alpha_composite(result.picture)
        return paper.convert("RGB"), {"missing": result.missing}


def _drawn(pipeline: ImagePipeline, codes: Any) -> tuple[Image.Image, dict[str, Any]]:
    return picture(pipeline, codes), {"codes": codes_text(pipeline, codes)}
