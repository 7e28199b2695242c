"""The words of the page, in English and Chinese; what a model or the Hub refuses is in English. Here are those that
tabs share; each tab's own are in its folder.
"""

import gradio as gr

from gan.studio.audio import strings as audio
from gan.studio.compare import strings as compare
from gan.studio.edit import strings as edit
from gan.studio.images import strings as images
from gan.studio.morph import strings as morph
from gan.studio.text import strings as text

# Names of metrics begin so in `metrics.json`, which is English.
METRICS = (
    *("Fréchet distance", "Kernel distance", "Sliced Wasserstein distance", "Precision", "Recall", "Density"),
    *("Coverage", "Class agreement with the nearest", "Class agreement", "Diversity within labels"),
    "Reconstruction error",
)
EN = {
    "tagline": "Small generators, live.",
    "in_queue": "Queue: {before} ahead of you",
    "at_work": "Working, {seconds} s",
    "no_tabs": "The models that are offered here have no tab of their own; the API serves them (below).",
    # controls
    "model": "Model",
    "seed": "Seed",
    "dice": "Shuffle",
    "label": "Class",
    "column_label": "Class",
    "any_label": "By seed",
    "truncation": "Truncation ψ",
    "truncation_info": "1 as trained, smaller is safer and less varied",
    "hub": "Open another model",
    "hub_placeholder": "user/name, user/name/file.pkl",
    "load": "Load",
    "loading": "Loading …",
    # samples
    "seeds": "Seeds {first} to {last}",
    "one_seed": "Seed {first}",
    "earlier": "Previous seeds",
    "later": "Next seeds",
    "copy": "Copy link",
    "copied": "Link copied",
    "zip": "Download ZIP",
    "png": "Download PNG",
    "failed": "Did not work",
    "unreachable": "The server does not answer. What is shown stays; try again in a moment.",
    # directions
    "directions": "Directions",
    "more_directions": "{count} more",
    "fewer_directions": "Fewer",
    "reset_slider": "Double-click: back to 0. F2: another name",
    "rename": "Another name",
    "named_here": "Names that you gave are kept in this browser.",
    "reset": "Reset",
    "pad_button": "Pad",
    "pad_across": "Across",
    "pad_up": "Up",
    "pad_name": "Pad: {x} across, {y} up. Arrow keys move the point, 0 takes it back to the middle.",
    "pad_info": "Move the point; double-click takes it back.",
    "no_directions": "This model has no directions.",
    "component": "Component {number}",
    "towards": "Towards {label}",
    **{
        f"direction_{name}": title
        for name, title in {
            "brightness": "Brightness",
            "contrast": "Contrast",
            "sharpness": "Sharpness",
            "saturation": "Saturation",
            "redness": "Redness",
            "warmth": "Warmth",
            "ink": "Weight",
            "width": "Width",
            "height": "Height",
            "x": "To the right",
            "y": "Downwards",
            "slant": "Slant",
            "symmetry": "Symmetry",
            "pitch": "Pitch",
            "attack": "Attack",
            "length": "Length",
        }.items()
    },
    # the model panel
    "dataset": "Trained on",
    "classes": "Classes",
    "no_classes": "none, unconditional",
    "parameters": "Generator",
    "parameters_value": "{millions} M parameters, {megabytes} MB",
    "few_parameters_value": "{count} parameters, {megabytes} MB",
    "trained": "Training",
    "steps": "{count} steps",
    "hours": "{h} h {m} min",
    "minutes": "{m} min",
    "seconds": "{s} s",
    "measured_in": "Feature space",
    "reference": "{value} (real data {reference})",
    "family": "Family",
    "from": "From",
    "license": "Licence",
    "license_not_stated": "not stated: ask its authors",
    "speed": "Speed",
    **{name: name for name in METRICS},
}
ZH = {
    "tagline": "小巧的生成器，即刻出图。",
    "in_queue": "排队中：前面还有 {before} 个",
    "at_work": "处理中，{seconds} 秒",
    "no_tabs": "此处提供的模型没有自己的标签页，可通过 API 使用（见下方）。",
    "model": "模型",
    "seed": "种子",
    "dice": "换一批",
    "label": "类别",
    "column_label": "类别",
    "any_label": "由种子决定",
    "truncation": "截断 ψ",
    "truncation_info": "1 为训练原样，越小越稳妥、变化越少",
    "hub": "打开其他模型",
    "hub_placeholder": "用户/名称，用户/名称/file.pkl",
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
    "failed": "未成功",
    "unreachable": "服务器没有回应。已显示的内容会保留，请稍后再试。",
    "directions": "方向",
    "more_directions": "还有 {count} 个",
    "fewer_directions": "收起",
    "reset_slider": "双击归零，F2 改名",
    "rename": "改名",
    "named_here": "你起的名称保存在此浏览器中。",
    "reset": "重置",
    "pad_button": "触控板",
    "pad_across": "横向",
    "pad_up": "纵向",
    "pad_name": "触控板：横向{x}，纵向{y}。方向键移动圆点，0 归零。",
    "pad_info": "移动圆点；双击归零。",
    "no_directions": "此模型没有方向。",
    "component": "成分 {number}",
    "towards": "趋向 {label}",
    **{
        f"direction_{name}": title
        for name, title in {
            "brightness": "亮度",
            "contrast": "对比度",
            "sharpness": "锐度",
            "saturation": "饱和度",
            "redness": "偏红",
            "warmth": "暖色",
            "ink": "粗细",
            "width": "宽度",
            "height": "高度",
            "x": "右移",
            "y": "下移",
            "slant": "倾斜",
            "symmetry": "对称",
            "pitch": "音高",
            "attack": "起音",
            "length": "长度",
        }.items()
    },
    "dataset": "训练数据",
    "classes": "类别",
    "no_classes": "无（无条件模型）",
    "parameters": "生成器",
    "parameters_value": "{millions} M 参数，{megabytes} MB",
    "few_parameters_value": "{count} 参数，{megabytes} MB",
    "trained": "训练",
    "steps": "{count} 步",
    "hours": "{h} 小时 {m} 分",
    "minutes": "{m} 分钟",
    "seconds": "{s} 秒",
    "measured_in": "特征空间",
    "reference": "{value}（真实数据为 {reference}）",
    "family": "模型家族",
    "from": "来源",
    "license": "许可证",
    "license_not_stated": "未注明，请询问作者",
    "speed": "速度",
    "Fréchet distance": "弗雷歇距离",
    "Kernel distance": "核距离",
    "Sliced Wasserstein distance": "切片瓦瑟斯坦距离",
    "Precision": "精确率",
    "Recall": "召回率",
    "Density": "密度",
    "Coverage": "覆盖率",
    "Class agreement with the nearest": "与最近真实样本的类别一致率",
    "Class agreement": "类别一致率",
    "Diversity within labels": "同类内多样性",
    "Reconstruction error": "重建误差",
}
OWN = (images, edit, morph, compare, text, audio)
for module in OWN:
    EN |= module.EN
    ZH |= module.ZH
LANGUAGES = {"en": EN, "zh": ZH}

# Gradio translates the labels of its own components in the browser; this is that part.
i18n = gr.I18n(en=EN, zh=ZH, **{"zh-CN": ZH, "zh-TW": ZH, "zh-HK": ZH})


def words(request: gr.Request | None) -> dict[str, str]:
    """The strings in the language that a visitor's browser asks for first."""
    accepted = request.headers.get("accept-language", "") if request else ""
    return LANGUAGES["zh" if accepted.strip().lower().startswith("zh") else "en"]
