"""Figures and pictures of what came out."""
