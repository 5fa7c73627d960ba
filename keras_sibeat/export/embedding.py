"""The quantisation of an int8 model, and the manifest inside its file."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from tensorflow.lite.python import schema_py_generated as schema
from tensorflow.lite.tools import flatbuffer_utils

from keras_sibeat.models.height import time_on_height
from keras_sibeat.models.signature import without_names
from keras_sibeat.models.tensors import Quantisation, read_tensors
from sibeat_edge.model.container import ENTRY, checksum, find_manifest

ALIGNED = 16  # bytes


class _Buffer(schema.BufferT):
    """A buffer whose data begin at a multiple of 16 bytes in the file, as the format's schema demands.

    TensorFlow's own writer does not align them, and some microcontrollers cannot read unaligned numbers.
    """

    @classmethod
    def aligned(cls, buffer: schema.BufferT) -> "_Buffer":
        """The same buffer, to be aligned."""
        made = cls()
        made.__dict__.update(vars(buffer))
        return made

    def Pack(self, builder: Any) -> int:
        if self.data is not None:
            builder.Prep(ALIGNED, len(self.data))
        return super().Pack(builder)


def quantisations(content: bytes) -> dict[tuple[int, ...], Quantisation]:
    """Scale and zero point of an integer model's inputs and outputs, by the tensor's shape.

    Raises ``ValueError`` for a model with float ones.
    """
    tensors = read_tensors(content)
    found = {tensor.shape: tensor.quantisation for tensor in (*tensors.inputs, *tensors.outputs)}
    if None in found.values():
        raise ValueError("quantisations: found a model of floats, expected one of integers.")
    return {shape: numbers for shape, numbers in found.items() if numbers}


def embed_manifest(content: bytes, manifest: Mapping[str, Any]) -> tuple[bytes, dict[str, Any]]:
    """The model's bytes with the ``manifest`` inside, and the manifest with the file's checksum.

    It replaces a manifest that the model already has. Raises ``ValueError`` for numbers that JSON lacks.
    """
    manifest = {**manifest, "model_sha256": "0" * 64}
    model = flatbuffer_utils.convert_bytearray_to_object(bytearray(content))
    model.metadata = model.metadata or []
    entry = next((entry for entry in model.metadata if entry.name == ENTRY), None)
    if entry is None:
        entry = schema.MetadataT()
        entry.name, entry.buffer = ENTRY, len(model.buffers)
        model.metadata.append(entry)
        model.buffers.append(schema.BufferT())
    model.buffers[entry.buffer].data = np.frombuffer(_encode(manifest), np.uint8)
    model.buffers = [_Buffer.aligned(buffer) for buffer in model.buffers]
    whole = bytearray(flatbuffer_utils.convert_object_to_bytearray(model))
    manifest["model_sha256"] = checksum(whole)
    first, last = find_manifest(whole)
    whole[first:last] = _encode(manifest)
    return bytes(whole), manifest


def for_flash(content: bytes) -> bytes:
    """The model with its manifest as a microcontroller's flash memory holds it.

    It is ``without_names``, and has ``time_on_height``, whose scores are the same to the bit.

    Raises ``ModelError`` for a model without a manifest.
    """
    first, last = find_manifest(content)
    return embed_manifest(time_on_height(without_names(content)), json.loads(content[first:last]))[0]


def _encode(manifest):
    return json.dumps(manifest, separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode()
