"""Where the buffers of a net lie in one piece of scratch memory, which they share as their lives allow."""

from collections.abc import Mapping

from keras_sibeat.export.net import Layer, Net


def plan(net: Net) -> tuple[Mapping[int, int], int]:
    """Where each inner buffer of a net begins, and how many bytes they take together.

    Buffers that hold something at the same time do not overlap, but for one case: a layer may write over
    what it has read. It writes tick by tick, so its output may begin as far below its input as it runs ahead.

    The buffers are placed from the last to the first, each as low as the later ones leave it room.

    >>> from keras_sibeat.export.net import read_net
    >>> from sibeat_edge.report.recording import PRESET
    >>> plan(read_net(PRESET.read_bytes()))[1]
    1176
    """
    lives = {buffer: _life(net, buffer) for buffer in net.inner}
    starts: dict[int, int] = {}
    for buffer in sorted(net.inner, key=lambda one: lives[one], reverse=True):
        others = [one for one in starts if lives[one][0] <= lives[buffer][1]]
        starts[buffer] = min(
            start
            for start in {0, *(starts[one] + _above(net, lives, buffer, one) for one in others)}
            if all(_is_clear(net, lives, starts, buffer, start, one) for one in others)
        )
    return starts, max((start + net.inner[buffer] for buffer, start in starts.items()), default=0)


def lead(layer: Layer) -> int:
    """Elements that a layer's output has to begin before its input, so that it writes over nothing unread.

    >>> from keras_sibeat.export.net import read_net
    >>> from sibeat_edge.report.recording import PRESET
    >>> lead(read_net(PRESET.read_bytes()).layers[1])  # 16 filters, 2 ticks of 12 channels on
    20
    """
    ticks, filters = layer.ticks, len(layer.weights)
    unread = [
        max(0, place * ticks.stride - ticks.padding) * ticks.channels for place in range(ticks.positions)
    ]
    return max((place + 1) * filters - first for place, first in enumerate(unread))


def _life(net, buffer):
    """The layers that first write a buffer and last read it."""
    written = [number for number, layer in enumerate(net.layers) if layer.target.buffer == buffer]
    read = [number for number, layer in enumerate(net.layers) if layer.source.buffer == buffer]
    return min(written), max(read)


def _above(net, lives, buffer, other):
    """How far above the begin of another, later buffer this one may begin."""
    layer = net.layers[lives[buffer][1]]
    is_read_last = lives[other][0] == lives[buffer][1] and layer.target.buffer == other
    whole = net.inner[other]
    if not is_read_last or layer.source.start or layer.target.start:
        return whole
    return min(whole, lead(layer))


def _is_clear(net, lives, starts, buffer, start, other):
    above = starts[other] + _above(net, lives, buffer, other)
    return start >= above or start + net.inner[buffer] <= starts[other]
