"""The endpoint as a child process, and what is put into it."""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Self

from bench.data.recipe import Recipe
from bench.endpoint import HOST, KEPT, kept_path

STOP_SECONDS = 10


class Server:
    """Started on entering, stopped on leaving. Several may run over one data directory.

    Attributes:
        url: where it listens.
        work: a folder of its own: what it serves, what was kept, and whatever else a run leaves; removed at the end.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self.url = ""
        self.work = Path()

    def __enter__(self) -> Self:
        self.work = Path(tempfile.mkdtemp(prefix="run-", dir=self._root))
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench", "endpoint", str(self._root), str(self.work)],
            cwd=Path(__file__).resolve().parents[1],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        port = self._process.stdout.readline().strip()
        if not port:
            self.__exit__()
            raise SystemExit("the bench's S3 endpoint did not start; see above")
        self.url = f"http://{HOST}:{port}"
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()
        shutil.rmtree(self.work, ignore_errors=True)

    def serve(self, recipe: Recipe, key: str | None = None) -> None:
        """Makes the object readable in bucket INPUT under `key`, its own key if none is given."""
        path = self.work / "objects" / f"{key or recipe.key}.recipe"
        partial = path.with_suffix(".part")
        partial.write_text(recipe.to_json())
        partial.replace(path)

    def kept(self, key: str) -> Path:
        """The file of what was put into bucket KEPT under that key."""
        return kept_path(self.work, key)

    def forget(self) -> None:
        """Removes everything in bucket KEPT."""
        for path in (self.work / KEPT).iterdir():
            path.unlink()
