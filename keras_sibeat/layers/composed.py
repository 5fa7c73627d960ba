"""Layers and models that are made of others."""

from typing import Any

import keras


class Composed:
    """Of a Keras object that is made of other ones: its configuration holds theirs.

    A subclass lists its ``components``: attributes, each an argument of the constructor under the same name,
    that hold a Keras object, a list of them or None. A saved configuration may lack those that came later,
    which then are what the constructor makes of none.

    >>> class Pair(Composed, keras.layers.Layer):
    ...     components = ("first", "second")
    ...     def __init__(self, first, second=None, **kwargs):
    ...         super().__init__(**kwargs)
    ...         self.first, self.second = first, second
    >>> pair = Pair.from_config(Pair(keras.layers.Dense(3)).get_config())
    >>> pair.first.units, pair.second
    (3, None)
    """

    components: tuple[str, ...] = ()

    def get_config(self) -> dict[str, Any]:
        serialize = keras.saving.serialize_keras_object
        own = {name: serialize(getattr(self, name)) for name in self.components}
        return {**super().get_config(), **own}  # type: ignore[misc]

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        deserialize = keras.saving.deserialize_keras_object
        own = {name: deserialize(config[name]) for name in cls.components if name in config}
        return cls(**{**config, **own})
