"""Certificates of TLS servers on this machine, made by the real `openssl`."""

import ssl
import subprocess
from pathlib import Path

EVERY_NAME = "DNS:localhost,IP:127.0.0.1"
NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")


class Authority:
    """A certificate authority in a directory."""

    def __init__(self, directory: Path, name: str) -> None:
        self._directory = directory
        self._name = name
        self.certificate = directory / f"{name}.pem"
        # Python 3.13 and later want it said what a certificate is for, and by which key it is signed (RFC 5280).
        subject = ("-subj", f"/CN={name}", "-days", "2", "-addext", "keyUsage=critical,keyCertSign,digitalSignature")
        self._openssl("req", "-x509", *NEW_KEY, "-keyout", f"{name}.key", "-out", f"{name}.pem", *subject)

    def issue(self, name: str, *, alternative_names: str = EVERY_NAME, days: int = 2) -> ssl.SSLContext:
        """A server's context with a certificate that is valid so long; 0: it has expired already."""
        directory = self._directory
        (directory / "extensions").write_text(
            f"subjectAltName={alternative_names}\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n"
        )
        self._openssl("req", *NEW_KEY, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", "/CN=server")
        signer = ("-CA", f"{self._name}.pem", "-CAkey", f"{self._name}.key", "-CAcreateserial", "-days", str(days))
        self._openssl("x509", "-req", "-in", f"{name}.csr", *signer, "-extfile", "extensions", "-out", f"{name}.pem")
        return self.context_of(name)

    def context_of(self, name: str) -> ssl.SSLContext:
        """The context of a server with this certificate, which may be the authority's own."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._directory / f"{name}.pem", self._directory / f"{name}.key")
        return context

    def _openssl(self, *arguments: str) -> None:
        command = ["openssl", *arguments]
        subprocess.run(command, cwd=self._directory, check=True, capture_output=True)  # noqa: S603  # these arguments
