"""The words of the Compare tab, in English and Chinese."""

EN = {
    "compare_tab": "Compare",
    "compare_lead": "One generator architecture and one data set, trained with different objectives. The same seeds "
    "are in the same places.",
    "gan_name": "GAN",
    "vae_name": "VAE",
    "vaegan_name": "VAE-GAN",
    "gan_says": "Trained against a discriminator alone: the sharpest samples, but no encoder for pictures of yours.",
    "vae_says": "Trained to reconstruct: it encodes your pictures, but its samples are blurred.",
    "vaegan_says": "Trained with both: it encodes your pictures, and a discriminator keeps its samples sharp.",
    # the table
    "measured": "Measured on held-out pictures",
    "more_is_better": "higher is better",
    "less_is_better": "lower is better",
    "real_pictures": "real pictures {value}",
    "speed_note": "on this machine",
    "milliseconds": "{ms} ms a picture",
}
ZH = {
    "compare_tab": "对比",
    "compare_lead": "同一种生成器结构、同一份数据，用不同的目标训练。相同的种子位于相同的位置。",
    "gan_name": "GAN",
    "vae_name": "VAE",
    "vaegan_name": "VAE-GAN",
    "gan_says": "只与判别器对抗训练：样本最清晰，但没有编码器，无法接收你的图片。",
    "vae_says": "训练目标是重建：能编码你的图片，但样本模糊。",
    "vaegan_says": "两者兼用：能编码你的图片，判别器又使样本清晰。",
    "measured": "在留出的图片上测得",
    "more_is_better": "越大越好",
    "less_is_better": "越小越好",
    "real_pictures": "真实图片 {value}",
    "speed_note": "在本机上",
    "milliseconds": "每张 {ms} 毫秒",
}
