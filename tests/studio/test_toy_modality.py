"""A modality that has no tab: the studio lists and loads its models, and the page opens without one for them."""

import json
from pathlib import Path

import pytest
from cli import environment, python

TESTS = Path(__file__).parents[1]
STUDIO = """
import json, sys, toy
from gradio_client import Client
from gan.studio import LOOKS, Registry, build_page, offered_models

def studio(*models):
    registry = Registry(offered_models(models, bundled=folder / "none"))
    page = build_page(registry)
    _, url, _ = page.launch(prevent_thread_lock=True, quiet=True, server_name="127.0.0.1", **LOOKS)
    client = Client(url, verbose=False)
    found = {
        "tabs": [block["props"]["id"] for block in page.config["components"] if block["type"] == "tabitem"],
        "models": client.predict(api_name="/list_models"),
        "facts": client.predict("circle", api_name="/load_model"),
    }
    try:
        client.predict("circle", api_name="/generate_images")
    except Exception as error:
        found["refusal"] = str(error)
    page.close()
    return found

from pathlib import Path
folder, shapes = Path(sys.argv[1]), sys.argv[2]
toy.PointPipeline(toy.PointGenerator(), toy.PointDiscriminator()).save_pretrained(folder / "circle")
print(json.dumps([studio(str(folder / "circle")), studio(str(folder / "circle"), shapes)]))
"""


@pytest.mark.processes
def test_a_modality_without_a_tab_is_offered(tmp_path: Path, weights: Path):
    env = environment(tmp_path / "home", PYTHONPATH=f"{TESTS}:{TESTS.parent}")
    done = python("-c", STUDIO, str(tmp_path), str(weights / "shapes"), env=env, cwd=tmp_path).check()
    alone, beside_images = json.loads(done.out.splitlines()[-1])
    assert (alone["tabs"], alone["models"]) == ([], ["circle"])
    assert (beside_images["tabs"], beside_images["models"]) == (["pictures", "edit", "morph"], ["circle", "shapes"])
    for found in (alone, beside_images):
        assert (found["facts"]["kind"], found["facts"]["parameters"] > 0) == ("points", True)
        assert "circle makes points, not images" in found["refusal"]
