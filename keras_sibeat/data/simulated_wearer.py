"""Who is simulated: a wearer's heart rate, waves and abnormal beats, drawn around the paper's Table I.

The paper is McSharry et al., IEEE Trans. Biomed. Eng. 50(3), 2003: ``keras_sibeat.data.synthetic`` has its
equations.
"""

from dataclasses import dataclass

import numpy as np

LEADS = ("MLII", "V1")
ABNORMAL = ("V", "A", "F")

# McSharry et al. 2003, Table I; rows P, Q, R, S, T.
ANGLES = np.pi * np.array([-1 / 3, -1 / 12, 0, 1 / 12, 1 / 2])
WIDTHS = np.array([0.25, 0.1, 0.1, 0.1, 0.4])
HEIGHTS = np.array([1.2, -5.0, 30.0, -7.5, 0.75]) * WIDTHS**2 / (30.0 * 0.1**2)  # a b^2, as a fraction of R's
# V1 looks along another axis: septal activation (Q) comes towards it, the left ventricle (R) moves away.
V1_PROJECTION = np.array([0.5, -1.3, -0.55, 0.8, 0.35])

# A ventricular focus: no P, a slurred onset, a wide R, an ST segment sloping into a T of the opposite sign.
VENTRICULAR_ANGLES = np.array([-1.0, -0.35, 0.0, 0.85, 1.75])
VENTRICULAR_WIDTHS = np.array([0.25, 0.16, 0.24, 0.42, 0.42])
VENTRICULAR_HEIGHTS = np.array([0.0, 0.3, 1.1, -0.24, -0.42])


@dataclass(frozen=True)
class Waves:
    """Waves P, Q, R, S, T: ``angles`` and ``widths`` (5,) in radians, ``heights`` (5, leads) in mV.

    >>> Waves(ANGLES, WIDTHS, HEIGHTS[:, None] * [1, 0.5]).heights.shape
    (5, 2)
    """

    angles: np.ndarray
    widths: np.ndarray
    heights: np.ndarray


@dataclass(frozen=True)
class Wearer:
    """What stays the same in a wearer: rhythm, morphology, and which abnormal beats occur, how often.

    ``heart_rate`` is in beats a minute and ``variability`` the standard deviation of RR over its mean;
    ``waves`` maps 'N' (sinus), 'A' (atrial) and 'V' (ventricular) to `Waves`; ``coupling`` maps 'A' and 'V'
    to the usual interval from the last beat to the ectopic one as a fraction of RR; ``abnormal`` maps 'V',
    'A' and 'F' to the probability of each per beat; ``wander`` (leads,) is the amplitude A of z0 in mV.

    >>> wearer = Wearer.draw(np.random.default_rng(0))
    >>> 40 < wearer.heart_rate < 120 and sorted(wearer.waves) == ["A", "N", "V"]
    True
    """

    heart_rate: float
    variability: float
    waves: dict[str, Waves]
    coupling: dict[str, float]
    abnormal: dict[str, float]
    wander: np.ndarray

    @classmethod
    def draw(cls, rng: np.random.Generator) -> "Wearer":
        """Draw a wearer from ``rng``, with morphology around the paper's Table I."""
        sinus = _vary(rng, ANGLES, WIDTHS, HEIGHTS, V1_PROJECTION, rng.uniform(0.8, 1.4))
        # Out of the same ventricles by the same paths, hence nearly the same QRS; but P starts elsewhere.
        atrial = Waves(
            sinus.angles * [rng.uniform(0.7, 0.85), 1, 1, 1, 1],
            sinus.widths * [rng.uniform(0.5, 0.8), 1, 1, 1, 1],
            sinus.heights * np.array([rng.choice([-0.8, 0.6]), 1, 0.97, 1.05, 0.9])[:, None],
        )
        # From the right ventricle V1 sees the beat go, from the left it sees it come.
        projection = rng.choice([-1, 1]) * rng.uniform(0.5, 1.0) * np.ones(5)
        r_height = rng.uniform(1.1, 1.6) * sinus.heights[2, 0]
        table = VENTRICULAR_ANGLES, VENTRICULAR_WIDTHS, VENTRICULAR_HEIGHTS
        ventricular = _vary(rng, *table, projection, r_height)
        return cls(
            heart_rate=rng.uniform(55, 95),
            variability=rng.uniform(0.02, 0.05),
            waves={"N": sinus, "A": atrial, "V": ventricular},
            coupling={"A": rng.uniform(0.65, 0.78), "V": rng.uniform(0.58, 0.7)},
            # Squared: most wearers have few abnormal beats, some have many.
            abnormal=dict(zip(ABNORMAL, rng.uniform(size=3) ** 2 * [0.2, 0.08, 0.04], strict=True)),
            wander=rng.uniform(0.05, 0.2, len(LEADS)),
        )


def _vary(rng, angles, widths, heights, projection, r_height):
    """Draw one wearer's waves around a table of them; R stays at angle 0."""
    in_mlii = r_height * heights * rng.lognormal(0, [0.25, 0.25, 0, 0.25, 0.2])
    in_v1 = in_mlii * projection * rng.lognormal(0, 0.15, 5)
    heights = np.stack([in_mlii, in_v1], axis=1)
    return Waves(angles * rng.lognormal(0, 0.06, 5), widths * rng.lognormal(0, 0.08, 5), heights)
