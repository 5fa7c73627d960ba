"""Models whose own step descends by one optimizer."""

import keras


def descend(optimizer, tape, loss, variables):
    """Update those of the variables that the loss depends on: a head whose weight is 0 stays as it is."""
    found = zip(tape.gradient(loss, variables), variables, strict=True)
    optimizer.apply(*zip(*((gradient, v) for gradient, v in found if gradient is not None), strict=True))


def compiles(model, jit_compile):
    """Whether XLA compiles the model's step: on one replica, as it compiles no exchange between several."""
    return jit_compile and model.distribute_strategy.num_replicas_in_sync == 1


class Descent(keras.Model):
    """Base of models that train their ``learners`` by one optimizer, and go on doing so when loaded."""

    @property
    def learners(self):
        """The variables that are trained."""
        raise NotImplementedError

    def compile(self, optimizer="adam", jit_compile=True, **kwargs):
        """Configure training; ``jit_compile`` holds for one replica, as in ``BeatGAN``."""
        super().compile(optimizer, jit_compile=compiles(self, jit_compile), **kwargs)
        # Of all variables, even those that no loss reaches: it is loaded with all of them.
        self.optimizer.build(self.learners)

    def get_compile_config(self):
        if not self.compiled:
            return None
        optimizer = keras.saving.serialize_keras_object(self.optimizer)
        return {"optimizer": optimizer, "jit_compile": self.jit_compile}

    def compile_from_config(self, config):
        self.compile(**keras.saving.deserialize_keras_object(config))
