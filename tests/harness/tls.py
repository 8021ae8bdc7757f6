"""An authority of the tests' own, certificates by it, and a socket under TLS."""

import datetime
import ipaddress
import pathlib
import ssl

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

DAYS = 90
NAME = "localhost"


def _new_key(kind):
    return ec.generate_private_key(ec.SECP256R1()) if kind == "ec" else rsa.generate_private_key(65537, 2048)


def _name(text):
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])


class Pair:
    """Two PEM files: a certificate with its chain, and its key."""

    def __init__(self, directory, authority):
        self.certificate = pathlib.Path(directory) / "server.pem"
        self.key = pathlib.Path(directory) / "server.key"
        self.authority = authority
        self.serial = None

    def config(self):
        """The two lines of [http] that name them."""
        return f'tls_certificate = "{self.certificate}"\ntls_key = "{self.key}"\n'

    def write(self, certificate, key):
        """Puts others in their place, each as one step."""
        for path, data in ((self.certificate, certificate), (self.key, key)):
            fresh = path.with_suffix(".new")
            fresh.write_bytes(data)
            fresh.rename(path)

    def renew(self, **options):
        """Another certificate in the same place; its serial number."""
        certificate, key, self.serial = self.authority.issue(**options)
        self.write(certificate, key)
        return self.serial


class Authority:
    """A root, and an intermediate that signs; so that a server must show its chain."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.root_key, self.key = _new_key("ec"), _new_key("ec")
        self.root = self._sign(_name("Playhead test root"), self.root_key.public_key(), "ca", self.root_key,
                               _name("Playhead test root"))
        self.intermediate = self._sign(_name("Playhead test intermediate"), self.key.public_key(), "ca",
                                       self.root_key, self.root.subject)
        self.path = self.directory / "root.pem"
        self.path.write_bytes(self._pem(self.root))

    @staticmethod
    def _pem(certificate):
        return certificate.public_bytes(serialization.Encoding.PEM)

    def _sign(self, subject, public_key, use, by, issuer, days=DAYS):
        now = datetime.datetime.now(datetime.timezone.utc)
        is_ca = use == "ca"
        builder = (
            x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=365 if days < 0 else 1))
            .not_valid_after(now + datetime.timedelta(days=days))
            .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
            .add_extension(x509.KeyUsage(not is_ca, False, False, False, False, is_ca, is_ca, False, False),
                           critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(by.public_key()), critical=False))
        if not is_ca:
            names = [x509.DNSName(NAME), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
            builder = (builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
                       .add_extension(x509.ExtendedKeyUsage([x509.ExtendedKeyUsageOID.SERVER_AUTH]), critical=False))
        return builder.sign(by, hashes.SHA256())

    def issue(self, kind="ec", days=DAYS):
        """A server's chain and key, as PEM, and its serial number."""
        key = _new_key(kind)
        made = self._sign(_name(NAME), key.public_key(), "server", self.key, self.intermediate.subject, days)
        pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                serialization.NoEncryption())
        return self._pem(made) + self._pem(self.intermediate), pem, made.serial_number

    def pair(self, name="server", **options):
        """Files with a certificate of its own."""
        directory = self.directory / name
        directory.mkdir()
        pair = Pair(directory, self)
        pair.renew(**options)
        return pair

    def context(self):
        """What a client goes by who trusts the root and nobody else."""
        context = ssl.create_default_context(cafile=str(self.path))
        context.set_alpn_protocols(["http/1.1"])
        return context


class TlsSocket:
    """A connected socket under TLS, each side of which can be ended alone."""

    BLOCK_BYTES = 16 * 1024

    def __init__(self, socket, context):
        self.socket = socket
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.unsent = b""
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_hostname=NAME)
        self._step(self.tls.do_handshake)

    def _flush(self, wait=True):
        self.unsent += self.outgoing.read()
        patience_s = self.socket.gettimeout()
        try:
            if not wait:
                self.socket.settimeout(0)
            while self.unsent:
                self.unsent = self.unsent[self.socket.send(self.unsent):]
        except BlockingIOError:
            pass
        finally:
            self.socket.settimeout(patience_s)

    def _step(self, act, *arguments):
        """Runs what may want more of the peer's bytes. Who waits for them does not wait to send as well."""
        while True:
            try:
                done = act(*arguments)
                self._flush(wait=False)
                return done
            except ssl.SSLWantReadError:
                self._flush(wait=False)
                data = self.socket.recv(65536)
                if data:
                    self.incoming.write(data)
                else:
                    self.incoming.write_eof()
            except ssl.SSLError:
                self._flush(wait=False)  # an alert
                raise

    def send(self, data):
        """Takes a block at once; a timeout leaves what the network did not take for the next call."""
        self._flush()
        count = self.tls.write(data[:self.BLOCK_BYTES])
        self._flush()
        return count

    def sendall(self, data):
        data = memoryview(data)
        while data:
            data = data[self.send(data):]

    def recv(self, size):
        try:
            return self._step(self.tls.read, size)
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            return b""

    def shutdown(self, _):
        """Says that nothing more comes; reading goes on."""
        try:
            self.tls.unwrap()
        except ssl.SSLWantReadError:
            pass
        self._flush()

    def settimeout(self, seconds):
        self.socket.settimeout(seconds)

    def close(self):
        self.socket.close()
