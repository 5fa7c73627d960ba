"""Which texts of a figure cover each other."""

from itertools import combinations
from unittest import mock

from matplotlib.text import Text


def covered(figure):
    """Pairs of texts of a figure, as it is drawn, whose boxes overlap by more than two pixels."""
    drawn, draw = [], Text.draw

    def noting(self, renderer, *arguments, **options):
        if self.get_visible() and self.get_text().strip():
            drawn.append(self)
        return draw(self, renderer, *arguments, **options)

    figure.draw_without_rendering()
    with mock.patch.object(Text, "draw", noting):
        figure.canvas.draw()
    found = [(text.get_text(), text.get_window_extent()) for text in drawn]
    return [
        (one, other)
        for (one, box), (other, near) in combinations(found, 2)
        if min(box.x1, near.x1) - max(box.x0, near.x0) > 2 and min(box.y1, near.y1) - max(box.y0, near.y0) > 2
    ]
