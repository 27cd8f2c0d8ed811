"""For tests of the browser edition: a site without JupyterLite and Pyodide, a server that can go away, a proxy."""

import contextlib
import hashlib
import json
import socketserver
import threading
from pathlib import Path

from course_utils.building import site, site_files

ROOT = Path(__file__).resolve().parents[2]
BROWSERS_OWN = ("content-autofill.googleapis.com", "update.googleapis.com", "accounts.google.com")  # asked by Chromium


def small_table(**files):
    """A table with these files, {name without its ending: content}, as Pyodide's packages."""
    packages = {
        name: site_files.lock_entry(name, "1", f"{name}.whl", hashlib.sha256(content).hexdigest(), [name], [])
        for name, content in files.items()
    }
    pyodide = {"core": {}, "packages": packages, "info": {}, "bundle": "bundle==1"}
    return {"pyodide": pyodide, "wheels": {}, "kernel": {}, "left_out": {}, "stand_ins": {"names": []}}


def small_site(out, book=True):
    """Write a site with as little of JupyterLite as the course's part looks at, and one package."""
    for app in ("notebooks", "lab"):
        (out / app).mkdir(parents=True)
        (out / app / "index.html").write_text("<html><head>\n</head></html>", encoding="utf-8")
    (out / "jupyter-lite.json").write_text('{"jupyter-config-data": {"appVersion": "0.6.4"}}', encoding="utf-8")
    wheel = out.parent / "numpy.whl"
    wheel.write_bytes(site_files.archive({"numpy/__init__.py": b"pi = 3\n", "numpy/core/notes.dat": bytes(range(256))}))
    course = site_files.wheel(site_files.COURSE, "1", {"course_utils/__init__.py": b""})
    table = small_table(numpy=wheel.read_bytes())
    site_files.write_pyodide(out / "static" / "pyodide", table, {"numpy.whl": wheel}, out, course, "1")
    (out / site.LATER).mkdir()
    (out / site.LATER / "08.npz").write_bytes(b"weights of 08")
    site.add_scripts(out)
    renew(out, beside=["book"] if book else [])
    return out


def renew(out, notebooks=(), beside=()):
    """Write the notebooks in the site anew, these in the place of the course's own, and what depends on them."""
    others = [
        path for path in sorted((ROOT / "notebooks").glob("*.ipynb")) if path.name not in {n.name for n in notebooks}
    ]
    described = site.put_notebooks(sorted([*notebooks, *others], key=lambda path: path.name), out)
    site.write_start_page(out, described, 52_400_000, beside=beside)
    site.write_worker(out)


def new_version(folder):
    """00 as another version of the course would have it, as a file in `folder`."""
    notebook = json.loads((ROOT / "notebooks" / "00_start_here.ipynb").read_text(encoding="utf-8"))
    notebook["metadata"]["course"]["built"] = "0" * 64
    notebook["cells"][0]["source"] = "# Start here\n\nThis is new."
    path = folder / "00_start_here.ipynb"
    path.write_text(json.dumps(notebook), encoding="utf-8")
    return path


class Refuser(socketserver.StreamRequestHandler):
    """A proxy that notes what is asked of other hosts, and gives nothing."""

    def handle(self):
        self.server.asked.append(self.rfile.readline().decode(errors="replace").strip())
        self.wfile.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")


@contextlib.contextmanager
def refuser():
    """A proxy in whose `asked` stands what was asked of other hosts than this machine."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Refuser) as server:
        server.asked, server.daemon_threads = [], True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def asked_of_others(proxy):
    """What the pages, and not the browser for itself, have asked of other hosts."""
    return [line for line in proxy.asked if not any(host in line for host in BROWSERS_OWN)]


def through(proxy):
    """The browser's setting for it: all but this machine goes through the proxy."""
    return {"server": f"http://127.0.0.1:{proxy.server_address[1]}", "bypass": "127.0.0.1"}


@contextlib.contextmanager
def serving(folder, port=0):
    """Serve a folder; yield the port. Afterwards nobody is there."""
    server = site.site_server(folder, port)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
