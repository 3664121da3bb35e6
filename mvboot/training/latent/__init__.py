"""Keypoints that nobody labelled as a task (KeypointNet)."""
