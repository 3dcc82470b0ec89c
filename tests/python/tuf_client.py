"""Fetches targets with python-tuf's client over mutual TLS, verifies them, and prints the SHA-256 of each.

    tuf_client.py <address of the repository> <root.json> <root certificate> <certificate> <key> {<target>}
"""

import hashlib
import http.client
import ssl
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from tuf.api.exceptions import DownloadHTTPError
from tuf.ngclient import FetcherInterface, Updater


class MutualTls(FetcherInterface):
    def __init__(self, trusted: str, certificate: str, key: str) -> None:
        self.context = ssl.create_default_context(cafile=trusted)
        self.context.load_cert_chain(certificate, key)

    def _fetch(self, url: str) -> Iterator[bytes]:
        parts = urlsplit(url)
        connection = http.client.HTTPSConnection(parts.hostname, parts.port, context=self.context, timeout=30)
        connection.request("GET", parts.path)
        answer = connection.getresponse()
        if answer.status != 200:
            connection.close()
            raise DownloadHTTPError(f"{url}: {answer.status}", answer.status)
        return self._pieces(connection, answer)

    @staticmethod
    def _pieces(connection: http.client.HTTPSConnection, answer: http.client.HTTPResponse) -> Iterator[bytes]:
        try:
            while piece := answer.read(64 * 1024):
                yield piece
        finally:
            connection.close()


def main() -> None:
    address, root, trusted, certificate, key, *wanted = sys.argv[1:]
    with tempfile.TemporaryDirectory() as scratch:
        metadata, targets = Path(scratch, "metadata"), Path(scratch, "targets")
        metadata.mkdir()
        targets.mkdir()
        updater = Updater(
            str(metadata),
            f"{address}/metadata/",
            str(targets),
            f"{address}/targets/",
            fetcher=MutualTls(trusted, certificate, key),
            bootstrap=Path(root).read_bytes(),
        )
        updater.refresh()
        for path in wanted:
            info = updater.get_targetinfo(path)
            if info is None:
                sys.exit(f"{path}: not a target")
            file = updater.download_target(info)
            print(hashlib.sha256(Path(file).read_bytes()).hexdigest())


if __name__ == "__main__":
    main()
