"""A run's configuration: read from TOML, checked by pydantic, unknown keys rejected; no TensorFlow."""

from sibeat_edge.imports import names_when_used

_HOMES = {
    "Config": "keras_sibeat.config.schema",
    "find_config": "keras_sibeat.config.reading",
    "first_problem": "keras_sibeat.config.problems",
    "make_config": "keras_sibeat.config.reading",
    "read_config": "keras_sibeat.config.reading",
    "read_toml": "keras_sibeat.config.reading",
}
__all__ = sorted(_HOMES)
__getattr__, __dir__ = names_when_used(__name__, _HOMES)
