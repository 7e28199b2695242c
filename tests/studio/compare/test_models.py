"""Which models are compared."""

import json

from gan.studio.compare.models import comparisons
from gan.studio.registry import Registry


def test_models_of_equal_training_are_compared(tmp_path):
    trained = {"short": ("gan", 900), "long": ("gan", 9000), "vae": ("vae", 8000), "old": ("gan", None)}
    for name, (trained_as, seconds) in trained.items():
        (tmp_path / name).mkdir()
        record = {"dataset": {"name": "toys"}, "seconds": seconds, "arguments": {"objective": trained_as}}
        (tmp_path / name / "training.json").write_text(json.dumps(record))
        (tmp_path / name / "model_index.json").write_text('{"_class_name": "ImagePipeline"}')
    offered = {name: str(tmp_path / name) for name in trained}
    assert comparisons(Registry(offered)) == {"toys": {"gan": "long", "vae": "vae"}}
