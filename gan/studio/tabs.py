"""What a tab of the page is. Each tab's folder has one in its `tab.py`; `page.TABS` lists them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gan.pipeline import GANPipeline
from gan.studio.api import ModalityAPI
from gan.studio.model_panel import Row
from gan.studio.registry import Registry


@dataclass(frozen=True)
class Tab:
    """A tab of the page.

    Attributes:
        name: in addresses, `?tab=NAME`; its title is the string `NAME_tab`.
        pipeline: the class of the models that it shows.
        build: adds its content to the page that is being built.
        panel_rows: rows of the model panel, from the facts of a model and the strings of a language.
        api: its endpoints.
        is_offered: whether the page has the tab; `None`: where there are models for it.
    """

    name: str
    pipeline: type[GANPipeline]
    build: Callable[[Registry], None]
    panel_rows: Callable[[dict[str, Any], dict[str, str]], list[Row]] | None = None
    api: type[ModalityAPI] | None = None
    is_offered: Callable[[Registry], bool] | None = None

    def offered(self, registry: Registry) -> bool:
        """Whether the page has this tab."""
        if self.is_offered is not None:
            return self.is_offered(registry)
        return bool(registry.names(self.pipeline.modality))
