"""A process of its own that scores one recording after the other, as readers of strange files may not return.

``python -m sibeat_edge.archive.scoring FOLDER SCRATCH`` reads lines of JSON, each a recording's ``chunk``,
``number`` and ``recording``. It answers each by another line once its result is kept: its ``status``, and the
``seconds`` of signal; or ``stop`` with a sentence if it is not the recording that is at fault. The first line
tells that it is ready.
"""

import json
import os
import queue
import shutil
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sibeat_edge import __version__
from sibeat_edge.archive.folder import Folder
from sibeat_edge.archive.source import Source, Unreachable
from sibeat_edge.archive.tables import FAILED, no_result, parts_of, result, told
from sibeat_edge.errors import EdgeError, RecordError, sentence
from sibeat_edge.model.runtime import Model
from sibeat_edge.report.recording import score_file

if TYPE_CHECKING:
    import pyarrow as pa


class Scoring:
    """Scores recordings as the settings of a ``folder`` say.

    Args:
        scratch: a folder for what is fetched.

    Raises ``EdgeError`` if another version of this package began the folder.
    """

    def __init__(self, folder: Folder, scratch: Path) -> None:
        self._folder, self._scratch, settings = folder, scratch, folder.settings
        if settings["version"] != __version__:
            raise EdgeError(
                f"found version {__version__} of sibeat_edge on a worker; expected {settings['version']}."
            )
        self._source = Source(settings["source"])
        self._model = Model(folder.model) if folder.model.is_file() else None
        self._options = {name: settings[name] for name in ("lead", "rate", "unit")}

    def score(self, name: str) -> "pa.Table":
        """The result of the recording ``name``, also of one that cannot be scored.

        Raises ``Unreachable`` if the source has gone.
        """
        try:
            with self._source.local(name, self._scratch) as path:
                return result(name, score_file(path, self._model, **self._options), self._tell)
        except Unreachable:
            raise
        except (RecordError, OSError) as error:
            why = self._tell(sentence(error))
        except MemoryError:
            why = f"{name}: found no memory left; expected enough to read it."
        except Exception as error:  # its words may be the file's, and a wearer's name among them
            why = f"{name}: found what its reader fails on ({type(error).__name__}); expected a recording."
        self._source.check()
        return no_result(name, FAILED, why)

    def _tell(self, text):
        return self._source.tell(text, self._scratch)


def answer(scoring: Scoring, folder: Folder, task: dict[str, Any]) -> dict[str, Any]:
    """Score the recording of a ``task``, keep its result, and say what is to be told of it."""
    try:
        found = scoring.score(task["recording"])
        folder.keep(task["chunk"], task["number"], found)
    except (EdgeError, OSError) as error:
        return {"stop": sentence(error)}
    return told(parts_of(found)[0])


def main() -> None:
    """Answer the lines of the standard input."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # libraries that print do not answer
    folder, scratch = Folder(sys.argv[1]), Path(sys.argv[2])
    tasks: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(tasks, scratch), daemon=True).start()
    try:
        scoring = Scoring(folder, scratch)
    except (EdgeError, OSError) as error:
        print(json.dumps({"stop": sentence(error)}), file=answers)
        return
    print(json.dumps({}), file=answers)
    while True:
        print(json.dumps(answer(scoring, folder, json.loads(tasks.get()))), file=answers)


def _listen(tasks, scratch):
    """Pass on the lines of the standard input. Where they end, whoever asked has ended, however that was."""
    for line in sys.stdin:
        tasks.put(line)
    shutil.rmtree(scratch, ignore_errors=True)
    os._exit(0)


if __name__ == "__main__":
    main()
