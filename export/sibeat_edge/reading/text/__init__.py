"""Text files of samples: bytes, lines, cells, numbers, clocks."""
