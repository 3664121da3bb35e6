"""Trained networks on a capture's pictures: dense fields and keypoints."""
