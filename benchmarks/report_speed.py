"""How long does the report of a day's recording take, beside scoring it, and how large is it?

    python -m keras_sibeat.data simulate --out day --wearers 1 --seconds 86400
    python benchmarks/report_speed.py day/s000

CPU seconds: on a busy machine the time on the wall is longer.
"""

import argparse
import time
from pathlib import Path

from clock import clocked

from sibeat_edge.report.recording import score_file
from sibeat_edge.report.scored import Scored
from sibeat_edge.report.trace import Trace


def measure(record: str, out: Path) -> dict[str, float]:
    """CPU seconds of scoring, of what it does for the report alone, and of the report; its size in MB."""
    started = time.process_time()
    with clocked({"trace": [(Trace, "push")]}) as spent:
        scored = score_file(record, lead="first", trace=True)
    scoring = time.process_time() - started - spent["trace"]
    return {"scoring": scoring, "trace": spent["trace"], **write(scored, out)}


def write(scored: Scored, out: Path) -> dict[str, float]:
    """CPU seconds of writing the report, with the libraries that it loads, and its size in MB."""
    started = time.process_time()
    from sibeat_edge.report.page import write_report

    write_report(scored, out)
    return {"report": time.process_time() - started, "megabytes": out.stat().st_size / 1e6}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("record", help="the path of a recording; its first lead is scored")
    parser.add_argument("--out", type=Path, default=Path("report.html"), help="the report")
    options = parser.parse_args()
    for name, value in measure(options.record, options.out).items():
        print(f"{name:10} {value:8.2f}")


if __name__ == "__main__":
    main()
