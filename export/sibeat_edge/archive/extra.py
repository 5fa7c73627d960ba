"""What an archive needs beyond the package itself."""

import importlib.util

from sibeat_edge.errors import EdgeError

NEEDED = ("ray", "pyarrow", "pandas", "fsspec", "psutil")


def need_extra() -> None:
    """Raise ``EdgeError`` if the extra ``archive`` is not installed."""
    absent = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if absent:
        raise EdgeError(
            f"found no {', '.join(absent)}; expected what an archive needs "
            "(pip install 'sibeat_edge[archive]')."
        )
