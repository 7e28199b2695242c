"""The words of the Pictures tab and of an image model's panel, in English and Chinese."""

EN = {
    "pictures_tab": "Pictures",
    "num_images": "Pictures",
    "critic_guidance": "Critic",
    "critic_info": "steps towards what the discriminator takes for real",
    "every_class": "Each seed in every class",
    "edit_picture": "Edit",
    "back": "All pictures",
    "picture": "seed {seed}",
    "speed_value": "{each} ms a picture ({count} in {total} ms)",
    "drawn_so_far": "{count} of {total} drawn",
    # the model panel
    "resolution": "Resolution",
    "grey": "grey",
    "colour": "colour",
    "images_seen": "{count} pictures seen",
}
ZH = {
    "pictures_tab": "图片",
    "num_images": "图片数量",
    "critic_guidance": "判别器引导",
    "critic_info": "朝判别器认为真实的方向走几步",
    "every_class": "每个种子画出所有类别",
    "edit_picture": "编辑",
    "back": "全部图片",
    "picture": "种子 {seed}",
    "speed_value": "每张 {each} 毫秒（{count} 张共 {total} 毫秒）",
    "drawn_so_far": "已画 {count} / {total} 张",
    "resolution": "分辨率",
    "grey": "灰度",
    "colour": "彩色",
    "images_seen": "看过 {count} 张图片",
}
