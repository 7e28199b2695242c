"""The studio: a Gradio page to play with models, and the same as endpoints. `python app.py` opens it."""

import os

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")  # read when Gradio is imported

from gan.studio.models import Registry, given_models, offered_models
from gan.studio.page import LOOKS, build_page, main

__all__ = ["LOOKS", "Registry", "build_page", "given_models", "main", "offered_models"]
