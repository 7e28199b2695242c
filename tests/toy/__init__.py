"""A whole modality in one small file a role: points on a circle. What a newcomer writes, and the one line at the end."""

from gan import register_modality
from toy.networks import PointDiscriminator, PointGenerator
from toy.pipeline import PointPipeline

register_modality(PointPipeline, PointGenerator, PointDiscriminator)
