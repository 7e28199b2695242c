"""Small adversarial generators: train on a laptop, publish in one command, play live.

from gan import GANPipeline
pipeline = GANPipeline.from_pretrained("weights/fashion")
pipeline(seed=7, num_images=16, truncation=0.8, label="Sandal").images
"""

from diffusers import ModelMixin

from gan.audio.networks import AudioDiscriminator, AudioGenerator
from gan.audio.pipeline import AudioPipeline, AudioPipelineOutput
from gan.errors import GANError
from gan.image.networks import ImageDiscriminator, ImageEncoder, ImageGenerator
from gan.image.pipeline import ImagePipeline, ImagePipelineOutput
from gan.pipeline import GANPipeline
from gan.text.networks import SequenceDiscriminator, TextDiscriminator, TextGenerator
from gan.text.pipeline import TextPipeline, TextPipelineOutput
from gan.version import __version__

__all__ = [
    "AudioDiscriminator",
    "AudioGenerator",
    "AudioPipeline",
    "AudioPipelineOutput",
    "GANError",
    "GANPipeline",
    "ImageDiscriminator",
    "ImageEncoder",
    "ImageGenerator",
    "ImagePipeline",
    "ImagePipelineOutput",
    "ModelMixin",
    "SequenceDiscriminator",
    "TextDiscriminator",
    "TextGenerator",
    "TextPipeline",
    "TextPipelineOutput",
    "__version__",
]

# diffusers records a component as [module, class] and finds it again with getattr(module, class), asking the same
# module for ModelMixin. Pinned here, the file format names "gan" and survives any move of code between files.
for _class in (
    *(ImageGenerator, ImageDiscriminator, ImageEncoder, ImagePipeline),
    *(AudioGenerator, AudioDiscriminator, AudioPipeline),
    *(TextGenerator, TextDiscriminator, SequenceDiscriminator, TextPipeline),
):
    _class.__module__ = "gan"
