from __future__ import annotations

from ipaddress import IPv6Address, ip_address

import pytest

from ingest.addresses import embedded_v4, parse, refusal
from rag.errors import ForbiddenAddress


@pytest.mark.parametrize(
    ("written", "normal", "authority"),
    [
        ("HTTP://WWW.Example.COM", "http://www.example.com/", "www.example.com"),
        ("  https://example.com:443/a?b=c#d \n", "https://example.com/a?b=c", "example.com"),
        ("http://example.com:443/", "http://example.com:443/", "example.com:443"),
        ("http://example.com.:80/", "http://example.com/", "example.com"),
        ("https://Bücher.example/ä?ö=ü", "https://xn--bcher-kva.example/%C3%A4?%C3%B6=%C3%BC", "xn--bcher-kva.example"),
        ("http://example.com/%E4/%2F?x=%26&y=[1]|2", "http://example.com/%E4/%2F?x=%26&y=[1]|2", "example.com"),
        ("http://[2A00:1450::0001]/", "http://[2a00:1450::1]/", "[2a00:1450::1]"),
        ("http://8.8.8.8", "http://8.8.8.8/", "8.8.8.8"),
    ],
)
def test_address_is_normalised(written: str, normal: str, authority: str) -> None:
    web = parse(written)
    assert (web.url, web.authority) == (normal, authority)
    assert parse(web.url) == web


@pytest.mark.parametrize(
    "written", ["", "example.com", "http://", "ftp://example.com/", "http://a b.example.com/", "http://x" + "y" * 5000]
)
def test_what_is_no_web_address_is_refused_with_a_hint(written: str) -> None:
    with pytest.raises(ForbiddenAddress) as caught:
        parse(written)
    assert caught.value.hint


def test_half_a_surrogate_in_an_address_is_refused() -> None:
    with pytest.raises(ForbiddenAddress):
        parse("http://example.com/\ud800")


@pytest.mark.parametrize(
    ("address", "inside"),
    [
        ("::ffff:10.0.0.1", ["10.0.0.1"]),
        ("::10.0.0.1", ["10.0.0.1"]),
        ("64:ff9b::10.0.0.1", ["10.0.0.1"]),
        ("64:ff9b:1::a00:1", ["10.0.0.1"]),
        ("2002:a00:1::1", ["10.0.0.1"]),
        ("2001:0:a00:1:0:0:f5ff:fffe", ["10.0.0.1", "10.0.0.1"]),
        ("2a00:1450::5efe:a00:1", ["10.0.0.1"]),
        ("2a00:1450::200:5efe:a00:1", ["10.0.0.1"]),
        ("2a00:1450::1", []),
    ],
)
def test_embedded_addresses_are_unwrapped(address: str, inside: list[str]) -> None:
    assert [str(found) for found in embedded_v4(IPv6Address(address))] == inside
    assert (refusal(IPv6Address(address)) is not None) == bool(inside)


@pytest.mark.parametrize(
    "address",
    [
        *("8.8.8.8", "1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255"),
        *("128.0.0.1", "172.15.255.255", "172.32.0.0", "168.63.129.15", "169.253.255.255", "192.0.1.0", "198.20.0.0"),
        *("198.17.255.255", "223.255.255.255", "2606:4700::1111", "2001:200::1", "2001:4860:4860::8888", "3ffe::1"),
        *("2a00:1450::1", "2400:cb00::1", "2620:fe::fe", "64:ff9b::808:808", "::ffff:8.8.8.8"),
    ],
)
def test_public_addresses_pass(address: str) -> None:
    assert refusal(ip_address(address)) is None
