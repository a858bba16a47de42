"""What the fetcher asks of TLS: the name is proved on the address that was checked."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from ingest.fetch import FetchLimits
from rag.errors import Unreachable
from tests.unit.ingest.test_fetch import PAGE, fetcher
from tests.web import answer, page_server

Certificates = Callable[[str], ssl.SSLContext]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, Certificates]:
    """A client context that trusts one authority of ours, and server contexts with its certificates."""
    folder = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    issuer = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test authority")])
    root = _certificate(issuer, issuer, key.public_key(), key, authority=True)
    client = ssl.create_default_context(cadata=root.public_bytes(serialization.Encoding.PEM).decode())

    def server(name: str) -> ssl.SSLContext:
        own = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        signed = _certificate(subject, issuer, own.public_key(), key, authority=False)
        path = Path(folder, f"{name}.pem")
        private = own.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        path.write_bytes(private + signed.public_bytes(serialization.Encoding.PEM))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context

    return client, server


def _certificate(
    subject: x509.Name,
    issuer: x509.Name,
    public: ec.EllipticCurvePublicKey,
    signer: ec.EllipticCurvePrivateKey,
    *,
    authority: bool,
) -> x509.Certificate:
    now = datetime.now(UTC)
    name = str(subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)[0].value)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
    )
    if not authority:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
    return builder.sign(signer, hashes.SHA256())


def test_tls_proves_the_name_on_the_checked_address(authority: tuple[ssl.SSLContext, Certificates]) -> None:
    client, certificate = authority
    asked: list[str | None] = []
    server_tls = certificate("www.example.com")
    server_tls.sni_callback = lambda connection, name, context: asked.append(name)
    with page_server(answer(PAGE), tls=server_tls) as server:
        page = fetcher(server, tls=client).fetch("https://www.example.com/")
    assert page.data == PAGE
    assert asked == ["www.example.com"]


def test_certificate_of_another_name_is_refused(authority: tuple[ssl.SSLContext, Certificates]) -> None:
    client, certificate = authority
    with page_server(answer(PAGE), tls=certificate("evil.example.net")) as server:
        with pytest.raises(Unreachable, match="cannot prove who it is"):
            fetcher(server, tls=client).fetch("https://www.example.com/")
        assert server.requests == []


def test_certificate_of_an_unknown_authority_is_refused(authority: tuple[ssl.SSLContext, Certificates]) -> None:
    _, certificate = authority
    with page_server(answer(PAGE), tls=certificate("www.example.com")) as server:
        with pytest.raises(Unreachable, match="cannot prove who it is"):
            fetcher(server).fetch("https://www.example.com/")
        assert server.requests == []


def test_server_without_tls_is_not_asked_in_the_clear() -> None:
    with page_server(answer(PAGE)) as server:
        with pytest.raises(Unreachable):
            fetcher(server, limits=FetchLimits(seconds=0.3)).fetch("https://www.example.com/")
        assert not any(request.startswith("GET") for request in server.requests)
