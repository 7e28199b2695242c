"""A whole modality in one small file a role: points on a circle, made known in one line at the end."""

from gan import register_modality
from toy.networks import PointDiscriminator, PointGenerator
from toy.pipeline import PointPipeline

register_modality(PointPipeline, PointGenerator, PointDiscriminator)
