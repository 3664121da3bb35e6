"""Play a GLB in a headless browser and take a picture of it at four instants.

    npm install three           # in any folder; three.js is not part of this project
    python benchmarks/glb_player/play.py FILE.glb FOLDER/node_modules/three PICTURE.png

Needs Chromium on the path. Prints the title of the page: how long the animation is, and the height
of what is shown at each instant, in metres.
"""

import subprocess
import sys
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

LONGEST_S = 120
PAGE = Path(__file__).with_name("player.html")
BROWSER = (
    "chromium", "--headless=new", "--no-sandbox", "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader", "--hide-scrollbars", "--window-size=1280,620",
)  # fmt: skip


class Player(ThreadingHTTPServer):
    """Serves the page, the file and three.js, and hears what the page found."""

    def __init__(self, glb: Path, three: Path) -> None:
        super().__init__(("127.0.0.1", 0), Request)
        self.places = {"/": PAGE, "/file.glb": glb}
        self.three = three
        self.said, self.done = "the page did not load", threading.Event()


class Request(SimpleHTTPRequestHandler):
    """One request of the page."""

    server: Player

    def do_GET(self) -> None:
        """Answer; ``/wait`` when the page has said ``/done``."""
        if self.path.startswith("/done?"):
            self.server.said = unquote(self.path.removeprefix("/done?"))
            self.server.done.set()
        if self.path.startswith(("/done?", "/wait")):
            self.server.done.wait(LONGEST_S)
            self.send_response(204)
            self.end_headers()
            return
        super().do_GET()

    def translate_path(self, path: str) -> str:
        """Return the file of a path of the page."""
        if path.startswith("/three/") and ".." not in path:
            return str(self.server.three / path.removeprefix("/three/"))
        return str(self.server.places.get(path, PAGE.parent / "nothing"))

    def log_message(self, *given: object) -> None:
        """Say nothing."""


def main() -> None:
    glb, three, picture = (Path(word).resolve() for word in sys.argv[1:4])
    server = Player(glb, three)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    page = f"http://127.0.0.1:{server.server_port}/"
    command = [*BROWSER, f"--screenshot={picture}", page]
    subprocess.run(command, capture_output=True, timeout=2 * LONGEST_S, check=True)
    print(server.said)
    server.shutdown()


if __name__ == "__main__":
    main()
