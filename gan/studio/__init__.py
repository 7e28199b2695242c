"""The studio: a Gradio page to play with models, and the same as endpoints. `python app.py` opens it."""

import os

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")  # read when Gradio is imported

from gan.studio.page import LOOKS, build_page, main
from gan.studio.registry import Registry, given_models, offered_models

__all__ = ["LOOKS", "Registry", "build_page", "given_models", "main", "offered_models"]
