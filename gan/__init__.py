"""Small adversarial generators: train on a laptop, publish in one command, play live.

from gan import GANPipeline
pipeline = GANPipeline.from_pretrained("weights/fashion")
pipeline(seed=7, num_images=16, truncation=0.8, label="Sandal").images
"""

from diffusers import ModelMixin  # noqa: F401  (diffusers asks the module that a component names for it)

from gan.audio.networks import AudioDiscriminator, AudioGenerator
from gan.audio.pipeline import AudioPipeline, AudioPipelineOutput
from gan.errors import GANError
from gan.image.networks import ImageDiscriminator, ImageEncoder, ImageGenerator
from gan.image.pipeline import ImagePipeline, ImagePipelineOutput
from gan.pipeline import GANPipeline, register_modality
from gan.text.autoencoder import LatentDiscriminator, TextEncoder
from gan.text.networks import SequenceDiscriminator, TextDiscriminator, TextGenerator
from gan.text.pipeline import TextPipeline, TextPipelineOutput
from gan.version import __version__
from gan.zoo import NETWORKS as ZOO_NETWORKS

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
    "LatentDiscriminator",
    "SequenceDiscriminator",
    "TextDiscriminator",
    "TextEncoder",
    "TextGenerator",
    "TextPipeline",
    "TextPipelineOutput",
    "__version__",
    "register_modality",
]

# The registry: a modality in one line.
register_modality(ImagePipeline, ImageGenerator, ImageDiscriminator, ImageEncoder, *ZOO_NETWORKS)
register_modality(
    TextPipeline, TextGenerator, TextDiscriminator, SequenceDiscriminator, TextEncoder, LatentDiscriminator
)
register_modality(AudioPipeline, AudioGenerator, AudioDiscriminator)
