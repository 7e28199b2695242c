"""StyleGAN-XL: parity with the original, of a generator that super-resolution has made larger, in a pickle of dill."""

import torch

from gan.zoo.opening import open_checkpoint

NAME = "styleganxl"


@torch.no_grad()
def test_parity(opened, reference, close, check_generator):
    imported, wanted = opened(f"{NAME}.pkl"), reference(NAME)
    generator, z, labels = imported.generator, wanted["z"], wanted["labels"]
    check_generator(generator, wanted)
    assert torch.equal(generator(z, labels.argmax(1)), generator(z, labels))
    assert torch.equal(generator.latent(7)[None], wanted["z_seed_7"])
    assert close(generator(wanted["z_seed_7"], wanted["label_seed_7"]), wanted["image_seed_7"])
    assert imported.discriminator is None and "ProjectedDiscriminator, is not known" in imported.notes[0]


def test_layers_clamp_as_their_own_network_did(opened):
    """Those of the network that was there first at 1.5, those that super-resolution put behind at 256."""
    config = opened(f"{NAME}.pkl").generator.config
    assert list(config.clamp) == [1.5] * 6 + [256.0] * 6 and len(config.layer_names) == 12


@torch.no_grad()
def test_other_classes(fixtures, reference):
    """Each has an average of w of its own, which training moves."""
    generator, z = open_checkpoint(fixtures / f"{NAME}.pkl").generator, reference(NAME)["z"]
    labels, averages = torch.tensor([0, 2, 2]), generator.mapping.w_avg.clone()
    codes = generator.codes(z, labels)
    fewer = generator.for_classes(2, [2, None])
    assert torch.allclose(fewer.codes(z, torch.zeros(3, dtype=torch.long))[1:], codes[1:], atol=1e-5)
    assert fewer.mapping.w_avg.shape == (2, 8) and generator.for_classes(0).mapping.w_avg.shape == (8,)
    generator.track(codes, labels)
    changed = [not torch.equal(*rows) for rows in zip(generator.mapping.w_avg, averages)]
    assert changed == [True, False, True, False]
