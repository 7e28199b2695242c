"""Which numbers the hardware computes in natively."""

import torch


def native_precision() -> str:
    """bf16 where the hardware computes in it; emulated, it is slower than float32, "no"."""
    if torch.cuda.is_available():
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "no"
    return "bf16" if torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported() else "no"
