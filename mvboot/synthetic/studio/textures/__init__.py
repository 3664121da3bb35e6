"""Procedural textures: noise, patterns, palettes, and what they make together."""
