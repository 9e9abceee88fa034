"""Imports bad files by the command, in a process whose memory can be measured by itself.

Arguments: the folder of an instance to make, then the files. Prints a line of JSON for each.
"""

import json
import resource
import sys

from app import create_app
from app.cli.schema import bring_up_to_date
from app.config import Settings


def main() -> None:
    """Import each file; tell what was said, and the greatest memory so far in megabytes."""
    instance, *files = sys.argv[1:]
    app = create_app(Settings(instance=instance, secret_key="only for tests"))
    with app.app_context():
        bring_up_to_date()
    for file in files:
        result = app.test_cli_runner().invoke(args=["import", "individual", file, "--json"])
        told = json.loads(result.stdout.strip().splitlines()[-1])
        peaks = {
            "own_megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
            "reader_megabytes": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024,
        }
        line = json.dumps({"error": told.get("error", result.stdout[-500:]), **peaks})
        sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    main()
