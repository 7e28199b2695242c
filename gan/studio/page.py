"""The page, assembled from its tabs, and its looks."""

import gradio as gr

from gan.studio.api import add_endpoints
from gan.studio.audio import tab as audio
from gan.studio.compare import tab as compare
from gan.studio.component import script
from gan.studio.edit import tab as edit
from gan.studio.images import tab as images
from gan.studio.morph import tab as morph
from gan.studio.morph.uploads import MAX_BYTES
from gan.studio.queue import queue_status
from gan.studio.registry import Registry
from gan.studio.strings import LANGUAGES, i18n
from gan.studio.text import tab as text
from gan.studio.theme import CSS, StudioTheme

TABS = (images.TAB, edit.TAB, morph.TAB, compare.TAB, text.TAB, audio.TAB)  # in this order
# How `gr.Blocks.launch` dresses the page, wherever it is launched from.
LOOKS = {"theme": StudioTheme(), "css": CSS, "i18n": i18n, "footer_links": ["api"], "ssr_mode": False}
LOOKS |= {"max_file_size": MAX_BYTES}
KEPT_SECONDS = 3600  # about how long files for clients of the API stay on the disk


def build_page(registry: Registry) -> gr.Blocks:
    """The page, ready for `.launch(**LOOKS)`."""
    offered = [tab for tab in TABS if tab.offered(registry)]
    with gr.Blocks(
        title="gan studio", fill_width=True, analytics_enabled=False, delete_cache=(KEPT_SECONDS, KEPT_SECONDS)
    ) as page:
        with gr.Row(elem_id="head"):
            gr.HTML(
                i18n("tagline"),
                html_template='<div class="brand"><i></i><b>gan studio</b><span>${value}</span>'
                '<em class="queue" role="status"></em></div>',
                js_on_load=script("queue.js"),
                server_functions=[queue_status],
                strings=LANGUAGES,
                elem_id="brand",
                apply_default_css=False,
            )
        if not offered:
            gr.HTML(i18n("no_tabs"))
        with gr.Tabs(elem_id="tabs", overflow_behavior="wrap") as tabs:  # where they don't fit they scroll: studio.css
            for tab in offered:
                with gr.Tab(i18n(f"{tab.name}_tab"), id=tab.name, elem_id=f"{tab.name}-tab"):
                    tab.build(registry)
        add_endpoints(registry, [tab.api for tab in TABS if tab.api])

        def select_tab(request: gr.Request):
            wanted = request.query_params.get("tab")
            return gr.update(selected=wanted if wanted in [tab.name for tab in offered] else offered[0].name)

        if offered:
            page.load(select_tab, None, tabs, show_progress="hidden", api_visibility="private", queue=False)
    return page.queue(max_size=64)
