"""A program that is killed: writes batches and says on its output which are acknowledged."""

from __future__ import annotations

import sys
from pathlib import Path

from engine.library.opening import open_library
from engine.library.values import Verdict, Wish
from tests.engine.library.parts import ME, MODEL, files, prediction, untagged

BATCH = 8


def main() -> None:
    with open_library(Path(sys.argv[1])) as library:
        library.add_model(MODEL)
        library.add_images(files(int(sys.argv[2])))
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        while batch := list(untagged(library).items())[:BATCH]:
            said = [prediction(path, 0.9, 0.1, 0.1) for _, path in batch]
            library.record_predictions(MODEL.fingerprint, said)
            wishes = [Wish(batch[0][0], "cat", Verdict.ADDED)]
            library.decide(wishes, who=ME, caption="Add cat")
            sys.stdout.write(" ".join(str(image) for image, _ in batch) + "\n")
            sys.stdout.flush()
        sys.stdout.write("done\n")


if __name__ == "__main__":
    main()
