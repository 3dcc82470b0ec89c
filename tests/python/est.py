"""How a pump gets its certificate and renews it: EST, sections 3 to 5 of docs/pump-contract.md.

Keys, requests and certificates are handled by the `openssl` command, HTTP and TLS by Python's own library: no part of
this shares code with the gateway.
"""

import base64
import http.client
import os
import re
import ssl
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

EST = "/.well-known/est"
PEM_BLOCK = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----\n", re.DOTALL)

# Nothing of the host's own configuration gets into a request: no subject, no extensions, no attributes.
REQUEST_CONFIG = "[req]\ndistinguished_name = nothing\n[nothing]\n"


class Refused(Exception):
    """The gateway said no, or what it sent can not be trusted."""


@dataclass(frozen=True)
class Identity:
    """A pump's name, and the files that prove it."""

    pump_id: str
    key: Path
    certificate: Path
    trusted: Path


def openssl(*arguments, given: bytes = b"") -> bytes:
    done = subprocess.run(["openssl", *map(str, arguments)], input=given, capture_output=True, check=False)
    if done.returncode != 0:
        raise Refused(f"openssl {arguments[0]}: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout


def certificates(body: bytes) -> list:
    """The PEM certificates in a base64 certs-only PKCS#7."""
    printed = openssl("pkcs7", "-inform", "DER", "-print_certs", given=base64.b64decode(body))
    return PEM_BLOCK.findall(printed.decode())


class EstClient:
    """The bulk listener, as one pump sees it."""

    def __init__(self, url: str, root: Path, directory: Path, deadline: float):
        self.address = urlsplit(url)
        self.root = root
        self.directory = directory
        self.deadline = deadline
        self.trusted = directory / "trusted.pem"

    def enrol(self, serial: str, token: str | None) -> Identity:
        """The identity on disk, or a new one for the token (section 4)."""
        self.fetch_authorities()
        key, certificate = self.directory / "key.pem", self.directory / "certificate.pem"
        if certificate.exists():
            return self.identity(key, certificate)
        if token is None:
            raise Refused("there is no certificate yet, and no token was given")
        # A key that is there already was made by a run that never saw the answer: it asks again.
        self.make_key(key)
        secret = base64.b64encode(f"{serial}:{token}".encode()).decode()
        answer = self.ask("POST", "/simpleenroll", self.request(key), {"Authorization": f"Basic {secret}"})
        self.keep_own(answer, key, certificate)
        return self.identity(key, certificate)

    def renew(self, current: Identity) -> Identity:
        """A new key and certificate; the old ones stay where they are (section 5)."""
        key, certificate = self.directory / "key-new.pem", self.directory / "certificate-new.pem"
        self.make_key(key)
        answer = self.ask("POST", "/simplereenroll", self.request(key), {}, shows=current)
        self.keep_own(answer, key, certificate)
        self.fetch_authorities()
        renewed = self.identity(key, certificate)
        if renewed.pump_id != current.pump_id:
            raise Refused(f"renewed as {renewed.pump_id} instead of {current.pump_id}")
        return renewed

    def adopt(self, renewed: Identity):
        """The new key was used once: it takes the place of the old."""
        renewed.certificate.replace(self.directory / "certificate.pem")
        renewed.key.replace(self.directory / "key.pem")

    def fetch_authorities(self):
        """Section 4, step 1: what is not self-signed must chain to a root; what is, is a root from now on."""
        if not self.trusted.exists():
            self.trusted.write_text(self.root.read_text())
        found = certificates(self.ask("GET", "/cacerts", None, {}))
        roots = [pem for pem in found if self.chains(pem, pem)]
        if roots:
            self.trusted.write_text("".join(roots))
        for pem in found:
            if pem not in roots and not self.chains(pem, self.trusted.read_text()):
                raise Refused("cacerts names an authority that no trusted root signed")
        if len(found) == len(roots):
            raise Refused("cacerts names no issuing authority")

    def chains(self, pem: str, anchors: str) -> bool:
        file = self.directory / "anchors.pem"
        file.write_text(anchors)
        try:
            openssl("verify", "-no-CApath", "-no-CAstore", "-CAfile", file, given=pem.encode())
        except Refused:
            return False
        return True

    @staticmethod
    def make_key(key: Path):
        if not key.exists():
            private = openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")
            with os.fdopen(os.open(key, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(private)

    def request(self, key: Path) -> bytes:
        config = self.directory / "request.cnf"
        config.write_text(REQUEST_CONFIG)
        der = openssl("req", "-new", "-sha256", "-key", key, "-subj", "/", "-config", config, "-outform", "DER")
        return base64.encodebytes(der)

    @staticmethod
    def keep_own(answer: bytes, key: Path, certificate: Path):
        """Of the certificates in the answer, the one with our key."""
        ours = openssl("pkey", "-in", key, "-pubout")
        for pem in certificates(answer):
            if openssl("x509", "-noout", "-pubkey", given=pem.encode()) == ours:
                certificate.write_text(pem)
                return
        raise Refused("the answer holds no certificate for this pump's key")

    def identity(self, key: Path, certificate: Path) -> Identity:
        """Section 3: the pump id is the common name, and the only alternative name says the same."""
        subject = openssl("x509", "-in", certificate, "-noout", "-subject", "-nameopt", "multiline").decode()
        names = openssl("x509", "-in", certificate, "-noout", "-ext", "subjectAltName").decode()
        common = re.search(r"commonName\s*=\s*([0-9a-f-]{36})\s", subject)
        alternative = re.search(r"^\s*URI:urn:uuid:([0-9a-f-]{36})\s*$", names, re.MULTILINE)
        if not common or not alternative or common[1] != alternative[1]:
            raise Refused(f"the certificate does not name one pump: {subject} {names}")
        return Identity(common[1], key, certificate, self.trusted)

    def ask(self, method: str, path: str, body: bytes | None, headers: dict, shows: Identity | None = None) -> bytes:
        """One request; asks again where the gateway says when (section 4, the table of answers)."""
        tls = ssl.create_default_context(cafile=str(self.trusted))
        if shows:
            tls.load_cert_chain(shows.certificate, shows.key)
        if body is not None:
            headers = {**headers, "Content-Type": "application/pkcs10", "Content-Transfer-Encoding": "base64"}
        while True:
            connection = http.client.HTTPSConnection(
                self.address.hostname, self.address.port, timeout=10, context=tls
            )
            try:
                connection.request(method, EST + path, body, headers)
                answer = connection.getresponse()
                content = answer.read()
            finally:
                connection.close()
            if answer.status == 200:
                return content
            again = int(answer.headers.get("Retry-After") or 5)
            if answer.status not in (429, 503) or time.monotonic() + again > self.deadline:
                reason = content.decode(errors="replace").strip()
                raise Refused(f"{method} {path}: {answer.status} {reason}")
            time.sleep(again)
