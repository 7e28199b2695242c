"""What can be done with a trained generator: directions, mixing, inversion, tuning, dragging, critic guidance.

All of it is written against the two halves of a generator, `codes(latents, labels, truncation) -> (n, layers, width)`
and `draw(codes, return_features=False)`, and knows no architecture.
"""
