"""How light gets from surfaces to pixels, by ray casting; and the exact truth of each pixel."""
