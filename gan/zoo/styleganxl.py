"""StyleGAN-XL (Sauer, Schwarz & Geiger 2022): the synthesis network of StyleGAN3, behind which further layers may have
been put (super-resolution), and a mapping network that knows classes by the features of an image classifier.

Files are NVIDIA's pickles. What a class becomes before the mapping network, projected features of unit mean square,
does not depend on the latent: it is computed once, when a file is read, and stored as an embedding. The discriminators
are projected ones (Sauer et al. 2021), which are not known here.
"""

import math
from typing import Any

import torch
import torch.nn.functional as F

from gan.zoo.family import Imported, renamed
from gan.zoo.modules import attributes, child, number, players, tensors
from gan.zoo.stylegan2 import SLOPE, mapping_config, read_discriminator, with_average
from gan.zoo.stylegan3 import StyleGAN3Generator, synthesis_config
from gan.zoo.unpickle import DamagedError

NAME = "StyleGAN-XL"


class StyleGANXLGenerator(StyleGAN3Generator):
    """`StyleGAN3Generator` whose truncation moves towards an average of each class."""

    family = NAME
    paper = "StyleGAN-XL: scaling StyleGAN to large diverse datasets, Sauer, Schwarz & Geiger 2022"


def recognise(content: Any, **_: Any) -> Imported | None:
    """The generator of a pickle, if it is of StyleGAN-XL."""
    record, critic = players(content)
    if child(record, "synthesis.input") is None or child(record, "mapping.embed") is None:
        return None
    if "num_embeddings" not in attributes(child(record, "mapping.embed")):
        return None  # but a linear layer, as StyleGAN3 has it
    found = tensors(record)
    features, projection = found["mapping.embed.weight"], renamed(found, "mapping.embed_proj.")
    found = {name: tensor for name, tensor in found.items() if not name.startswith("mapping.embed")}
    config = mapping_config(child(record, "mapping"), embedded=False)
    if projection:
        classes = found["mapping.w_avg"].shape[0]
        weight, bias = projection["weight"].tensor().float(), projection["bias"].tensor().float()
        layer = attributes(child(record, "mapping.embed_proj"))
        if number(layer.get("bias_gain")) != 1 or layer.get("activation") != "lrelu":
            raise DamagedError("has a projection of classes of a kind that is not known")
        x = F.linear(features.tensor().float()[:classes], weight / math.sqrt(weight.shape[1]), bias)
        # Scaled to unit mean square when it is used, as the original does.
        found["mapping.embed.weight"] = (F.leaky_relu(x, SLOPE) * math.sqrt(2)).T * math.sqrt(classes)
        found["mapping.embed.bias"] = torch.zeros(len(weight))
        config |= {"num_classes": classes, "embedding_dim": len(weight), "class_averages": True}
        config["latent_dim"] -= len(weight)
    generator, notes = with_average(StyleGANXLGenerator, config | synthesis_config(record), found)
    discriminator, more = read_discriminator(critic)
    return Imported(generator, discriminator, [*notes, *more])
