"""The looks: a Gradio theme of paper, ink and one accent, and the style sheet of what Gradio has no component for."""

from pathlib import Path

import gradio as gr
from gradio.themes.utils import colors

SHEETS = ("studio.css", *(f"{tab}/{tab}.css" for tab in ("images", "edit", "morph", "compare", "text", "audio")))
CSS = "".join((Path(__file__).parent / name).read_text(encoding="utf-8") for name in SHEETS)

# No font is fetched: a studio opens offline, and Chinese needs the system's fonts anyway.
SANS = (
    "ui-sans-serif", "system-ui", "-apple-system", "Segoe UI", "Roboto", "PingFang SC", "Hiragino Sans GB",
    "Microsoft YaHei", "Noto Sans CJK SC", "Noto Sans SC", "sans-serif",
)  # fmt: skip
MONO = ("ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "Liberation Mono", "monospace")

INK = colors.Color(
    name="ink",
    c50="#faf9f7",
    c100="#f3f1ed",
    c200="#e7e4de",
    c300="#d5d1c9",
    c400="#a19c92",
    c500="#757067",
    c600="#56524b",
    c700="#3b3833",
    c800="#272522",
    c900="#1b1a18",
    c950="#121110",
)
PERSIMMON = colors.Color(
    name="persimmon",
    c50="#fff4ef",
    c100="#ffe5da",
    c200="#ffcbb5",
    c300="#ffa884",
    c400="#f9814f",
    c500="#e8602c",
    c600="#d14a19",
    c700="#ad3a12",
    c800="#8a3114",
    c900="#702b15",
    c950="#3d1307",
)


class StudioTheme(gr.themes.Base):
    """Flat surfaces and hairlines; the accent marks what is being moved, and nothing else."""

    def __init__(self) -> None:
        super().__init__(
            primary_hue=PERSIMMON,
            secondary_hue=INK,
            neutral_hue=INK,
            text_size=gr.themes.sizes.text_md,
            spacing_size=gr.themes.sizes.spacing_md,
            radius_size=gr.themes.sizes.radius_md,
            font=SANS,
            font_mono=MONO,
        )
        self.name = "studio"
        super().set(
            body_background_fill="*neutral_50",
            body_background_fill_dark="*neutral_950",
            body_text_color="*neutral_900",
            body_text_color_dark="*neutral_100",
            body_text_color_subdued="*neutral_500",
            body_text_color_subdued_dark="*neutral_400",
            background_fill_primary="white",
            background_fill_primary_dark="*neutral_900",
            background_fill_secondary="*neutral_100",
            background_fill_secondary_dark="*neutral_800",
            border_color_primary="*neutral_200",
            border_color_primary_dark="*neutral_800",
            border_color_accent="*primary_500",
            block_background_fill="transparent",
            block_background_fill_dark="transparent",
            block_border_width="0px",
            block_padding="0px",
            block_shadow="none",
            block_label_text_size="*text_sm",
            block_title_text_size="*text_sm",
            block_title_text_weight="500",
            block_title_text_color="*neutral_600",
            block_title_text_color_dark="*neutral_300",
            block_info_text_size="*text_xs",
            block_info_text_color="*neutral_500",
            block_info_text_color_dark="*neutral_400",
            layout_gap="20px",
            form_gap_width="0px",
            input_background_fill="white",
            input_background_fill_dark="*neutral_900",
            input_border_color="*neutral_200",
            input_border_color_dark="*neutral_700",
            input_border_color_focus="*primary_500",
            input_border_color_focus_dark="*primary_400",
            input_border_width="1px",
            input_radius="8px",
            input_shadow="none",
            input_shadow_focus="0 0 0 3px rgba(232, 96, 44, .16)",
            input_padding="8px 12px",
            slider_color="*primary_500",
            slider_color_dark="*primary_400",
            button_border_width="1px",
            button_transition="background-color .12s, border-color .12s, color .12s",
            button_secondary_background_fill="white",
            button_secondary_background_fill_dark="*neutral_900",
            button_secondary_background_fill_hover="*neutral_100",
            button_secondary_background_fill_hover_dark="*neutral_800",
            button_secondary_border_color="*neutral_200",
            button_secondary_border_color_dark="*neutral_700",
            button_secondary_text_color="*neutral_800",
            button_secondary_text_color_dark="*neutral_100",
            button_large_radius="8px",
            button_medium_radius="8px",
            button_medium_padding="8px 14px",
            button_medium_text_size="*text_sm",
            button_medium_text_weight="500",
        )
