"""The quantisation of an int8 model, and the manifest inside its file."""

import json

import numpy as np
from tensorflow.lite.python import schema_py_generated as schema
from tensorflow.lite.tools import flatbuffer_utils

from sibeat_edge.model.container import ENTRY, checksum, find_manifest

ALIGNED = 16  # bytes


class _Buffer(schema.BufferT):
    """A buffer whose data begin at a multiple of 16 bytes in the file, as the format's schema demands.

    TensorFlow's own writer does not see to it, and some microcontrollers cannot read a number elsewhere.
    """

    @classmethod
    def aligned(cls, buffer):
        """The same buffer as one of this class."""
        made = cls()
        vars(made).update(vars(buffer))
        return made

    def Pack(self, builder):
        if self.data is not None:
            builder.Prep(ALIGNED, len(self.data))
        return super().Pack(builder)


def quantisations(content):
    """Scale and zero point of an integer model's input and outputs, by the tensor's shape.

    Raises ``ValueError`` for a model with float ones.
    """
    graph = flatbuffer_utils.convert_bytearray_to_object(bytearray(content)).subgraphs[0]
    tensors = [graph.tensors[number] for number in (*graph.inputs, *graph.outputs)]
    if any(tensor.quantization is None or tensor.quantization.scale is None for tensor in tensors):
        raise ValueError("quantisations: found a model of floats, expected one of integers.")
    return {
        tuple(int(size) for size in tensor.shape): {
            "scale": float(tensor.quantization.scale[0]),
            "zero_point": int(tensor.quantization.zeroPoint[0]),
        }
        for tensor in tensors
    }


def embed_manifest(content, manifest):
    """The model's bytes with the ``manifest`` inside, and the manifest with the file's checksum.

    It replaces a manifest that the model already has.
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


def _encode(manifest):
    return json.dumps(manifest, separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode()
