"""Which texts of a figure cover each other."""

from itertools import combinations

from matplotlib.text import Text


def covered(figure):
    """Pairs of texts of a figure whose boxes overlap by more than two pixels."""
    figure.draw_without_rendering()
    found = [
        (text.get_text(), text.get_window_extent())
        for text in figure.findobj(Text)
        if text.get_text().strip() and text.get_visible() and _is_drawn(text)
    ]
    return [
        (one, other)
        for (one, box), (other, near) in combinations(found, 2)
        if min(box.x1, near.x1) - max(box.x0, near.x0) > 2 and min(box.y1, near.y1) - max(box.y0, near.y0) > 2
    ]


def _is_drawn(text):
    """Whether it lies within the figure: axes keep labels of ticks that they do not show."""
    box, whole = text.get_window_extent(), text.figure.bbox
    axis = text.axes
    if axis is not None and text in [*axis.get_xticklabels(), *axis.get_yticklabels()]:
        shown = {label for part in (axis.xaxis, axis.yaxis) for label in _labels(part)}
        return text in shown and axis.axison
    return box.x1 > 0 and box.x0 < whole.x1


def _labels(axis):
    """The labels of the ticks between an axis's ends."""
    low, high = sorted(axis.get_view_interval())
    ticks = [*axis.get_major_ticks(), *axis.get_minor_ticks()]
    return [
        label
        for tick in ticks
        if low <= tick.get_loc() <= high
        for label, is_on in (
            (tick.label1, tick.label1.get_visible()),
            (tick.label2, tick.label2.get_visible()),
        )
        if is_on
    ]
