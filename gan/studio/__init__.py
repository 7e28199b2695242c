"""The studio: a Gradio page to play with models, and an API of the same functions.

`python app.py` opens it, or `python -m gan.studio` from an installed package.
"""

import os

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")  # read when Gradio is imported

from gan.studio.launch import main
from gan.studio.page import LOOKS, build_page
from gan.studio.registry import Registry, given_models, offered_models

__all__ = ["LOOKS", "Registry", "build_page", "given_models", "main", "offered_models"]
