"""Labelled keypoints as a task: batches, consistency of views and temperature."""
