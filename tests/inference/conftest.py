"""Fixtures of these tests."""

from tiny_capture import capture

__all__ = ["capture"]
