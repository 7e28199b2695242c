"""What a model's panel shows."""

import math

from gan.studio.images.tab import panel_rows
from gan.studio.model_panel import describe, panel_html
from gan.studio.strings import EN, ZH


def test_the_card_escapes_what_a_repository_says(registry):
    facts = describe("shapes", registry.get("shapes"))
    html = panel_html(facts, panel_rows(facts, EN), EN)
    assert "&lt;b&gt;drawn&lt;/b&gt;" in html and "<b>" not in html
    assert "1,500 steps · 48,000 pictures seen · 1 min" in html and "16 × 16" in html
    assert "1,500 步" in panel_html(facts, [], ZH)
    facts["training"] |= {"seconds": math.nan, "steps": math.inf}
    assert "48,000 pictures seen" in panel_html(facts, [], EN) and "nan" not in panel_html(facts, [], EN)


def test_the_feature_space_of_metrics_has_a_row_of_its_own_once(registry):
    records = [
        {"name": f"{name} (classifier features)", "value": 1.5, "reference": 0.25, "features": "classifier features"}
        for name in ("Precision", "Recall")
    ]
    html = panel_html(describe("shapes", registry.get("shapes")) | {"metrics": records}, [], EN)
    assert html.count("classifier features") == 1
    assert "<dt>Feature space</dt><dd>classifier features</dd><dt>Precision</dt><dd>1.5 (real data 0.25)</dd>" in html
