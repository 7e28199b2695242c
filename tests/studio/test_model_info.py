"""What the files of a model say before it is loaded."""

from gan.studio.compare.models import comparisons
from gan.studio.model_info import has_component, objective
from gan.studio.registry import Registry


def test_encoders_and_objectives_are_known_before_anything_is_loaded(vae_registry, vae_models, tmp_path):
    assert [has_component(source, "encoder") for source in vae_registry.offered.values()] == [True, False, True, True]
    assert list(vae_registry.offered) == ["paint", "toys-gan", "toys-vae", "toys-vaegan"]
    assert [objective(source) for source in vae_registry.offered.values()] == ["vae", "gan", "vae", "vaegan"]
    assert not has_component("nobody/never-fetched", "encoder") and objective("nobody/never-fetched") is None
    assert comparisons(vae_registry) == {"toys": {"gan": "toys-gan", "vae": "toys-vae", "vaegan": "toys-vaegan"}}
    assert comparisons(Registry({name: str(vae_models / name) for name in ("toys-vae", "paint")})) == {}
    (tmp_path / "training.json").write_text("[")
    (tmp_path / "model_index.json").write_text("[]")
    assert comparisons(Registry({"damaged": str(tmp_path)})) == {}
    assert not has_component(str(tmp_path), "encoder")
