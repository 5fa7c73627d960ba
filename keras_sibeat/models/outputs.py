"""The outputs of discriminators and students by name: a Keras graph with several returns a list."""

from collections.abc import Sequence
from typing import Any

# In the order of the graphs. BeatGAN's own discriminators have the first two.
OUTPUTS = ("logit", "features", "embedding", "projection", "shift")
STUDENT_OUTPUTS = ("score", "residuals")


def discriminator_outputs(outputs: Sequence) -> dict[str, Any]:
    """What a discriminator returns, by name.

    >>> discriminator_outputs([0.5, "features"])
    {'logit': 0.5, 'features': 'features'}
    """
    return dict(zip(OUTPUTS, outputs, strict=False))


def student_outputs(outputs: Any) -> dict[str, Any]:
    """What a student returns, by name: the score, which may stand alone, and the residuals.

    >>> student_outputs(0.5), student_outputs([0.5, "residuals"])
    ({'score': 0.5}, {'score': 0.5, 'residuals': 'residuals'})
    """
    outputs = outputs if isinstance(outputs, list | tuple) else [outputs]
    return dict(zip(STUDENT_OUTPUTS, outputs, strict=False))
