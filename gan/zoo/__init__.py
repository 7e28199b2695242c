"""Other people's generators: their files read without executing anything, their architectures written anew.

A family is a file: `dcgan`, ... Each has a generator, a discriminator where the files have one, and `recognise`, which
looks at what a file holds. `opening.FAMILIES` lists them, and `GENERATORS` and `DISCRIMINATORS` below their networks.
"""

from typing import get_args

from gan.zoo.biggan import BigGANGenerator
from gan.zoo.dcgan import DCGANDiscriminator, DCGANGenerator
from gan.zoo.family import ZooDiscriminator, ZooGenerator
from gan.zoo.lightweight import LightweightDiscriminator, LightweightGenerator
from gan.zoo.r3gan import R3GANDiscriminator, R3GANGenerator
from gan.zoo.rosinality import RosinalityStyleGAN2Generator
from gan.zoo.stylegan2 import StyleGAN2Discriminator, StyleGAN2Generator
from gan.zoo.stylegan3 import StyleGAN3Generator
from gan.zoo.styleganxl import StyleGANXLGenerator

GENERATORS = (
    StyleGANXLGenerator
    | StyleGAN3Generator
    | StyleGAN2Generator
    | RosinalityStyleGAN2Generator
    | R3GANGenerator
    | BigGANGenerator
    | LightweightGenerator
    | DCGANGenerator
)
DISCRIMINATORS = StyleGAN2Discriminator | R3GANDiscriminator | LightweightDiscriminator | DCGANDiscriminator
NETWORKS = [kind for of in (GENERATORS, DISCRIMINATORS) for kind in get_args(of) or (of,)]

__all__ = ["DISCRIMINATORS", "GENERATORS", "NETWORKS", "ZooDiscriminator", "ZooGenerator"]
