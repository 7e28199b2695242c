"""What text is trained by: maximum likelihood, the adversarial objectives that start from a model of it, and
autoencoders, which give text a latent."""

from gan.text.objectives.autoencoder import VAE, AdversarialAutoencoder, Autoencoder, DenoisingAutoencoder
from gan.text.objectives.base import TextObjective
from gan.text.objectives.density_ratio import CRITIC_LOSSES, DensityRatio, Distil
from gan.text.objectives.mle import MLE
from gan.text.objectives.relgan import RelGAN
from gan.text.objectives.seqgan import SeqGAN

OBJECTIVES: dict[str, type[TextObjective]] = {
    "mle": MLE,
    "ratio": DensityRatio,
    "distil": Distil,
    "seqgan": SeqGAN,
    "relgan": RelGAN,
    "daae": DenoisingAutoencoder,
    "aae": AdversarialAutoencoder,
    "vae": VAE,
    "ae": Autoencoder,
}

__all__ = ["CRITIC_LOSSES", "OBJECTIVES", "TextObjective"]
