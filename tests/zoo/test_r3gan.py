"""R3GAN: parity with the original."""

import torch


@torch.no_grad()
def test_parity(opened, reference, close):
    imported, wanted = opened("r3gan-conditional.pkl"), reference("r3gan-conditional")
    generator, z, labels = imported.generator, wanted["z"], wanted["labels"]
    assert close(generator(z, labels), wanted["images_psi1"])
    assert torch.equal(generator(z, labels.argmax(1)), generator(z, labels))
    logits = imported.discriminator(wanted["discriminator_images"], wanted["discriminator_labels"])
    assert close(logits, wanted["discriminator_logits"])


@torch.no_grad()
def test_seeds_are_those_of_the_original(opened, reference, close):
    generator, wanted = opened("r3gan-conditional.pkl").generator, reference("r3gan-conditional")
    assert torch.equal(generator.latent(7)[None], wanted["z_seed_7"])
    assert close(generator(wanted["z_seed_7"], wanted["label_seed_7"]), wanted["image_seed_7"])


@torch.no_grad()
def test_codes_and_draw_are_forward(opened, reference):
    generator, wanted = opened("r3gan-conditional.pkl").generator, reference("r3gan-conditional")
    codes = generator.codes(wanted["z"], wanted["labels"])
    images, features = generator.draw(codes, return_features=True)
    assert torch.equal(images, generator(wanted["z"], wanted["labels"]))
    assert codes.shape == (3, 1, 16) and [f.shape[-1] for f in features] == [4, 8, 16, 32]
    assert generator.code_weights()[0].shape == (16, 16)


def test_gradients_of_gradients(opened, reference):
    discriminator, wanted = opened("r3gan-conditional.pkl").discriminator, reference("r3gan-conditional")
    images = wanted["discriminator_images"].requires_grad_()
    logits = discriminator.logits(images, wanted["discriminator_labels"])
    (gradient,) = torch.autograd.grad(logits.sum(), images, create_graph=True)
    gradient.square().sum().backward()
    assert images.grad is not None and images.grad.isfinite().all()
