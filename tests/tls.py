"""An authority of our own, and a way to a server that ends TLS, as in front of a real one."""

import asyncio
import contextlib
import ssl
import subprocess
from pathlib import Path
from typing import Any

SSL_REQUEST = b"\x00\x00\x00\x08\x04\xd2\x16\x2f"
"""What PostgreSQL's clients ask with before they speak TLS."""


def openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)


def authority(folder: Path, name: str) -> Path:
    """The certificate of a new authority, and beside it `<name>.key`."""
    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    files = ("-keyout", f"{name}.key", "-out", f"{name}.pem")
    openssl(folder, "req", "-x509", *curve, *files, "-subj", f"/CN={name}", "-days", "2")
    return folder / f"{name}.pem"


def certificate(folder: Path, ca: str, host: str) -> ssl.SSLContext:
    """A server's side of TLS, for a host by its name or address, vouched for by an authority."""
    kind = "IP" if host[0].isdigit() else "DNS"
    (folder / "names").write_text(f"subjectAltName={kind}:{host}\n")
    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    files = ("-keyout", f"{host}.key", "-out", f"{host}.csr")
    openssl(folder, "req", *curve, *files, "-subj", f"/CN={host}")
    signed = ("-in", f"{host}.csr", "-CA", f"{ca}.pem", "-CAkey", f"{ca}.key", "-CAcreateserial")
    out = ("-days", "2", "-extfile", "names", "-out", f"{host}.crt")
    openssl(folder, "x509", "-req", *signed, *out)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / f"{host}.crt", folder / f"{host}.key")
    return context


class SecureWire:
    """A way to a server at (host, port) by TLS; `postgres`: it is asked for as PostgreSQL's is."""

    def __init__(self, target: tuple[str, int], context: ssl.SSLContext, *, postgres: bool) -> None:
        self._target = target
        self._context = context
        self._postgres = postgres
        self._tasks: set[asyncio.Task[Any]] = set()
        self.secured = 0

    async def open(self) -> int:
        """Start listening; the port."""
        tls = None if self._postgres else self._context
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0, ssl=tls)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def close(self) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            if self._postgres:
                if await reader.readexactly(len(SSL_REQUEST)) != SSL_REQUEST:
                    writer.close()
                    return
                writer.write(b"S")
                await writer.start_tls(self._context)
            self.secured += 1
            there_reader, there_writer = await asyncio.open_connection(*self._target)
            for source, sink in ((reader, there_writer), (there_reader, writer)):
                task = asyncio.create_task(self._pump(source, sink))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(65536):
                sink.write(data)
                await sink.drain()
        sink.close()
