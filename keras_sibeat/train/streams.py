"""Random streams: every part of a training that draws has a seed of its own."""

from collections.abc import Sequence

import numpy as np

# Of one training of any stage. A new name goes to the end: it leaves the seeds of the others as they are.
NAMES = (
    *("generator", "discriminator", "self_teacher", "time_warp"),
    *("views", "partners", "imagined"),
    *("rhythm_beats", "rhythm", "prototypes"),
    *("student", "projection", "student_views", "student_imagined", "student_beats", "student_rhythm"),
    "student_noise",
)


def streams(seed: int, names: Sequence[str] = NAMES) -> dict[str, int]:
    """Seeds (0 to 2³² - 1) of independent random streams by name, spawned from one ``seed``.

    >>> streams(0, ["views"]) == {"views": streams(0, ["views", "shifts"])["views"]}
    True
    """
    children = np.random.SeedSequence(seed).spawn(len(names))
    return {name: int(child.generate_state(1)[0]) for name, child in zip(names, children, strict=True)}
