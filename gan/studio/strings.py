"""Every word of the page, in English and Chinese."""

import gradio as gr

EN = {
    "tagline": "Small generators, live.",
    "model": "Model",
    "seed": "Seed",
    "dice": "Shuffle",
    "label": "Class",
    "any_label": "Surprise me",
    "truncation": "Truncation",
    "truncation_info": "1 as trained, smaller is safer and less varied",
    "num_images": "Pictures",
    "hub": "Open from the Hub",
    "hub_placeholder": "user/name",
    "load": "Load",
    "loading": "Loading …",
    # the gallery
    "seeds": "Seeds {first} to {last}",
    "one_seed": "Seed {first}",
    "earlier": "Previous seeds",
    "later": "Next seeds",
    "copy": "Copy link",
    "copied": "Link copied",
    "zip": "Download ZIP",
    "png": "Download PNG",
    "back": "All pictures",
    "picture": "seed {seed}",
    "failed": "Did not work",
    # the card
    "dataset": "Trained on",
    "classes": "Classes",
    "no_classes": "none, unconditional",
    "resolution": "Resolution",
    "grey": "grey",
    "colour": "colour",
    "parameters": "Generator",
    "parameters_value": "{millions} M parameters, {megabytes} MB",
    "trained": "Training",
    "steps": "{steps} steps",
    "images_seen": "{images} pictures seen",
    "floor": "{value} (real pictures {floor})",
    "license": "Licence",
    "speed": "Just now",
    "speed_value": "{each} ms a picture ({count} in {total} ms)",
    "hours": "{h} h {m} min",
    "minutes": "{m} min",
    "seconds": "{s} s",
}
ZH = {
    "tagline": "小巧的生成器，即刻出图。",
    "model": "模型",
    "seed": "种子",
    "dice": "换一批",
    "label": "类别",
    "any_label": "随机类别",
    "truncation": "截断",
    "truncation_info": "1 为训练原样，越小越稳妥、变化越少",
    "num_images": "图片数量",
    "hub": "从 Hub 打开",
    "hub_placeholder": "用户/名称",
    "load": "加载",
    "loading": "加载中 …",
    "seeds": "种子 {first} 至 {last}",
    "one_seed": "种子 {first}",
    "earlier": "上一批种子",
    "later": "下一批种子",
    "copy": "复制链接",
    "copied": "链接已复制",
    "zip": "下载 ZIP",
    "png": "下载 PNG",
    "back": "全部图片",
    "picture": "种子 {seed}",
    "failed": "未成功",
    "dataset": "训练数据",
    "classes": "类别",
    "no_classes": "无（无条件模型）",
    "resolution": "分辨率",
    "grey": "灰度",
    "colour": "彩色",
    "parameters": "生成器",
    "parameters_value": "{millions} M 参数，{megabytes} MB",
    "trained": "训练",
    "steps": "{steps} 步",
    "images_seen": "看过 {images} 张图片",
    "floor": "{value}（真实图片为 {floor}）",
    "license": "许可证",
    "speed": "刚才的速度",
    "speed_value": "每张 {each} 毫秒（{count} 张共 {total} 毫秒）",
    "hours": "{h} 小时 {m} 分",
    "minutes": "{m} 分钟",
    "seconds": "{s} 秒",
}
LANGUAGES = {"en": EN, "zh": ZH}

# Gradio translates the labels of its own components in the browser; this is that part.
i18n = gr.I18n(en=EN, zh=ZH, **{"zh-CN": ZH, "zh-TW": ZH, "zh-HK": ZH})


def words(request: gr.Request | None) -> dict[str, str]:
    """The strings in the language that a visitor's browser asks for first."""
    accepted = request.headers.get("accept-language", "") if request else ""
    return LANGUAGES["zh" if accepted.strip().lower().startswith("zh") else "en"]
