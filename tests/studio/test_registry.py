"""What is offered, what is loaded, and who may name a folder."""

import gc
import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from gan import GANError, GANPipeline
from gan.studio.model_info import modality
from gan.studio.registry import Registry, fetch_indexes, given_models, offered_models, parameter_bytes


def test_bundled_models_are_offered_in_order(weights):
    assert list(offered_models(bundled=weights)) == ["shapes", "strokes"]


def test_given_models_come_first_and_once(weights):
    offered = offered_models([str(weights / "strokes"), "user/name"], bundled=weights)
    assert list(offered) == ["strokes", "user/name", "shapes"]


def test_two_folders_of_one_name_are_both_offered(weights, tmp_path):
    (tmp_path / "shapes").symlink_to(weights / "strokes")
    (tmp_path / "b" / "shapes").mkdir(parents=True)
    (tmp_path / "b" / "shapes" / "model_index.json").write_text("{}")
    offered = offered_models([str(weights / "shapes"), str(tmp_path / "b" / "shapes")], bundled=tmp_path / "none")
    assert len(offered) == 2


@pytest.mark.parametrize("given", ["./nowhere", "nowhere", "a/b/c", "../x/y"])
def test_a_given_model_that_is_nowhere_is_named(given, weights):
    with pytest.raises(GANError, match="There is no model at"):
        offered_models([given], bundled=weights)


def test_a_folder_without_a_model_is_named(tmp_path, weights):
    with pytest.raises(GANError, match="holds no model"):
        offered_models([str(tmp_path)], bundled=weights)


def test_nothing_to_show(tmp_path):
    with pytest.raises(GANError, match=r"with the source code, in its folder weights/.*--models user/name"):
        offered_models(bundled=tmp_path)


def test_models_from_the_environment(monkeypatch):
    monkeypatch.setenv("GAN_MODELS", "user/a, user/b  ./c,")
    assert given_models(["d"]) == ["d", "user/a", "user/b", "./c"]
    monkeypatch.setenv("GAN_MODELS", "")
    assert given_models() == []


def test_a_model_is_loaded_once_for_everybody(weights, monkeypatch):
    loads = []
    load = GANPipeline.from_pretrained
    monkeypatch.setattr(GANPipeline, "from_pretrained", lambda *a, **k: loads.append(a) or load(*a, **k))
    registry = Registry(offered_models(bundled=weights))
    barrier = threading.Barrier(6)

    def get(_):
        barrier.wait()
        return registry.get("shapes")

    with ThreadPoolExecutor(6) as pool:
        pipelines = list(pool.map(get, range(6)))
    assert len(loads) == 1 and all(pipeline is pipelines[0] for pipeline in pipelines)


def test_different_models_are_loaded_at_once_and_torch_is_left_as_it_was(weights):
    def load(turn):
        return Registry(offered_models(bundled=weights)).get(("shapes", "strokes")[turn % 2])

    with ThreadPoolExecutor(4) as pool:
        assert len(list(pool.map(load, range(24)))) == 24
    assert torch.nn.Linear(2, 2).weight.device.type == "cpu"


def test_only_the_last_used_stay_in_memory(weights):
    offered = offered_models(bundled=weights)
    sizes = [parameter_bytes(Registry(offered).get(name)) for name in ("shapes", "strokes")]
    assert sizes[0] == sum(p.nbytes for p in Registry(offered).get("shapes").generator.parameters())
    for budget, stays in ((sum(sizes), True), (sum(sizes) - 1, False), (0, False)):
        registry = Registry(offered, budget=budget)
        first = registry.get("shapes")
        assert registry.get("shapes") is first
        registry.get("strokes")
        assert (registry.get("shapes") is first) == stays


def test_a_failure_is_not_remembered(weights, tmp_path):
    registry = Registry({"late": str(tmp_path / "late")})
    with pytest.raises(GANError):
        registry.get("late")
    gc.collect()
    assert not registry._loading
    (tmp_path / "late").symlink_to(weights / "shapes")
    assert registry.get("late").resolution == (16, 16)


def test_folders_are_nobody_elses_business(weights, monkeypatch):
    folder = str(weights / "shapes")
    assert Registry({"x": "user/x"}, allow_paths=True).get(folder).resolution == (16, 16)
    stranger = Registry({"x": "user/x"})
    monkeypatch.chdir(weights.parent)
    for name in (folder, f"{weights.name}/shapes", "../x", "", "a/b/c", f"a/{'b' * 300}"):
        with pytest.raises(GANError, match="There is no model"):
            stranger.source(name)
    assert stranger.source(" user/name ") == "user/name"


def test_what_is_not_known_of_a_hub_model_counts_as_images():
    assert modality("user/never-seen-here") is None and Registry({"user/x": "user/x"}).names("image") == ["user/x"]


def test_a_hub_that_does_not_answer_keeps_no_page_waiting(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes requests, and answers none
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", f"http://127.0.0.1:{silent.getsockname()[1]}")
        fetch_indexes(Registry({"nobody/nothing-at-all": "nobody/nothing-at-all"}), seconds=0.5)
        connection, _ = silent.accept()  # it was asked
        connection.close()
