"""Heartbeat signal processing for wearables: the only definition of what training and device compute."""

__version__ = "0.1.0"
