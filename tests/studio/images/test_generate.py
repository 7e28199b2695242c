"""Pictures for the page and the API."""

import pytest

from gan import GANError
from gan.studio.images.generate import START, file_name, generate_images


def test_file_names_carry_everything():
    assert file_name("user/name", 7, "Square/box", 0.8) == "user-name_seed-7_Square-box_psi-0.8.png"
    assert file_name("fashion", 7, None, 1.0) == "fashion_seed-7_psi-1.png"


@pytest.mark.parametrize("missing", ["seed", "num_images", "truncation"])
def test_a_number_that_is_missing_is_said(missing, registry):
    with pytest.raises(GANError, match="must be numbers"):
        generate_images(registry, "shapes", **{**START, missing: None})
