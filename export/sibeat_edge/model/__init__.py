"""The model of a device: its file, its manifest, the interpreter that runs it, and its threshold."""

KERNELS = ("builtin", "xnnpack")  # here, as the command lists them without loading an interpreter
