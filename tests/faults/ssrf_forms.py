"""Ways to write an address that leads inside, generated from classes: forbidden targets times ways to disguise them."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

PUBLIC = "93.184.216.34"
PUBLIC_V6 = "2606:2800:220:1:248:1893:25c8:1946"


def _words(text: str) -> list[str]:
    return text.split()


FORBIDDEN_V4 = _words(
    "127.0.0.1 127.1.2.3 0.0.0.0 10.0.0.1 10.255.255.254 100.64.0.1 100.100.100.200 168.63.129.16 169.254.169.254 "
    "169.254.170.2 172.16.0.1 172.31.255.254 192.0.0.192 192.0.2.1 192.88.99.1 192.168.0.1 198.18.0.1 198.51.100.7 "
    "203.0.113.9 192.31.196.1 192.52.193.1 192.175.48.1 224.0.0.1 240.0.0.1 255.255.255.255"
)
FORBIDDEN_V6 = _words(
    ":: ::1 fe80::1 fec0::1 fc00::1 fd00:ec2::254 ff02::1 100::1 2001:db8::1 2001:10::1 2001:20::1 3fff::1 5f00::1 "
    "64:ff9b:1::808:808 2002:808:808::1 2001:0:808:808::1 ::808:808 4000::1 2620:4f:8000::1"
)


@dataclass(frozen=True, slots=True)
class Form:
    """One disguise. `plain`: without the guard on IP addresses it would really be contacted."""

    kind: str
    url: str
    plain: bool = False
    names: tuple[tuple[str, tuple[str, ...]], ...] = ()


def forms() -> Iterator[Form]:
    for target in FORBIDDEN_V4:
        yield from _of_v4(IPv4Address(target))
    for target in FORBIDDEN_V6:
        yield Form("IPv6", f"http://[{target}]/", plain=True)
        yield Form("IPv6 in full", f"http://[{IPv6Address(target).exploded.upper()}]/", plain=True)
        yield Form("name to IPv6", "http://six.example.com/", True, (("six.example.com", (target,)),))
        yield Form("one of two", "http://both.example.com/", False, (("both.example.com", (PUBLIC_V6, target)),))
    yield from _general()


def _of_v4(target: IPv4Address) -> Iterator[Form]:
    number = int(target)
    a, b, c, d = target.packed
    high, low = number >> 16, number & 0xFFFF
    yield Form("dotted", f"http://{target}/", plain=True)
    yield Form("https", f"https://{target}/latest/meta-data")
    yield Form("with port", f"http://{target}:80/", plain=True)
    yield Form("empty port", f"http://{target}:/", plain=True)
    yield Form("other port", f"http://{target}:8080/")
    yield Form("trailing dot", f"http://{target}./", plain=True)
    yield Form("two trailing dots", f"http://{target}../")
    yield Form("decimal", f"http://{number}/")
    yield Form("decimal with dot", f"http://{number}./")
    yield Form("hex", f"http://0x{number:x}/")
    yield Form("upper hex", f"http://0X{number:08X}/")
    yield Form("octal", f"http://0{number:o}/")
    yield Form("dotted hex", f"http://0x{a:x}.0x{b:x}.0x{c:x}.0x{d:x}/")
    yield Form("dotted octal", f"http://0{a:o}.0{b:o}.0{c:o}.0{d:o}/")
    yield Form("mixed", f"http://0x{a:x}.{b}.0{c:o}.{d}/")
    yield Form("padded", f"http://{a:03}.{b:03}.{c:03}.{d:03}/")
    yield Form("padded octal", f"http://{a:05o}.{b}.{c}.{d}/")
    yield Form("two parts", f"http://{a}.{number & 0xFFFFFF}/")
    yield Form("three parts", f"http://{a}.{b}.{low}/")
    yield Form("five parts", f"http://{target}.0/")
    yield Form("over-long number", f"http://{number + 2**32}/")
    yield Form("full-width digits", f"http://{_translated(str(target), 0xFF10)}/", plain=True)
    yield Form("bold digits", f"http://{_translated(str(target), 0x1D7CE)}/", plain=True)
    yield Form("ideographic dots", f"http://{str(target).replace('.', '。')}/", plain=True)
    yield Form("full-width dots", f"http://{str(target).replace('.', '．')}/", plain=True)
    yield Form("percent-encoded", f"http://{''.join(f'%{ord(x):02x}' for x in str(target))}/")
    yield Form("user name", f"http://www.example.com@{target}/")
    yield Form("user and password", f"http://www.example.com:80@{target}/")
    yield Form("percent-encoded user", f"http://www.example.com%20@{target}/")
    yield Form("backslash at", f"http://www.example.com\\@{target}/")
    yield Form("at backslash", f"http://{target}\\@www.example.com/")
    yield Form("slash backslash", f"http:\\\\{target}/")
    yield Form("fragment at", f"http://{target}#@www.example.com/", plain=True)
    yield Form("line break", f"http://www.example.com\r\n@{target}/")
    yield Form("tab", f"http://{str(target)[:3]}\t{str(target)[3:]}/")
    yield Form("null", f"http://{target}\0.example.com/")
    yield Form("two ports", f"http://{target}:80:80/")
    yield Form("mapped", f"http://[::ffff:{target}]/", plain=True)
    yield Form("mapped hex", f"http://[::ffff:{high:x}:{low:x}]/", plain=True)
    yield Form("mapped in full", f"http://[0:0:0:0:0:FFFF:{high:04X}:{low:04X}]:80/", plain=True)
    yield Form("compatible", f"http://[::{high:x}:{low:x}]/", plain=True)
    yield Form("NAT64", f"http://[64:ff9b::{target}]/", plain=True)
    yield Form("local NAT64", f"http://[64:ff9b:1::{high:x}:{low:x}]/", plain=True)
    yield Form("translated", f"http://[::ffff:0:{target}]/", plain=True)
    yield Form("6to4", f"http://[2002:{high:x}:{low:x}::1]/", plain=True)
    yield Form("Teredo server", f"http://[2001:0:{high:x}:{low:x}::1]/", plain=True)
    yield Form("Teredo client", f"http://[2001:0:808:808:0:0:{high ^ 0xFFFF:x}:{low ^ 0xFFFF:x}]/", plain=True)
    yield Form("ISATAP", f"http://[2606:2800:220:1:0:5efe:{high:x}:{low:x}]/", plain=True)
    yield Form("global ISATAP", f"http://[2606:2800:220:1:200:5efe:{high:x}:{low:x}]/", plain=True)
    yield Form("zone", f"http://[::ffff:{target}%25lo]/")
    yield Form("bare zone", f"http://[fe80::{high:x}:{low:x}%1]/")
    yield Form("name", "http://inside.example.com/", True, (("inside.example.com", (str(target),)),))
    yield Form("name with dot", "http://inside.example.com./", True, (("inside.example.com", (str(target),)),))
    yield Form(
        "wildcard name", f"http://{target}.nip.example.com/", True, ((f"{target}.nip.example.com", (str(target),)),)
    )
    yield Form("first public", "http://a.example.com/", False, (("a.example.com", (PUBLIC, str(target))),))
    yield Form("last public", "http://a.example.com/", True, (("a.example.com", (str(target), PUBLIC)),))
    yield Form("name to mapped", "http://m.example.com/", True, (("m.example.com", (f"::ffff:{target}",)),))


def _general() -> Iterator[Form]:
    for scheme in _words(
        "file gopher dict ftp ftps sftp jar data ldap tftp ws wss javascript blob view-source smb nfs"
    ):
        yield Form("scheme", f"{scheme}://127.0.0.1/etc/passwd")
        yield Form("scheme without host", f"{scheme}:127.0.0.1")
    for url in _words(
        "127.0.0.1 //127.0.0.1/ http:127.0.0.1 http:/127.0.0.1 http:///127.0.0.1/ http:// http://:80/ http://@/ "
        "http://[/ http://[]/ http://[::1/ http://::1/ http://[127.0.0.1]/ http://[::1]x/ http://[::1].example.com/ "
        "http://localhost/ http://LOCALHOST/ http://localhost./ http://a.localhost/ http://printer/ http://nas.local/ "
        "http://metadata.google.internal/ http://router.lan/ http://host.docker.internal/ http://-a.example.com/ "
        "http://a..example.com/ http://.example.com/ http://1.2.3/ http://example.0x1/ http://example.1/ "
        "http://www.example.com:22/ http://www.example.com:0/ http://www.example.com:65616/ "
        "http://www.example.com:-80/ http://www.example.com:８０/ http://www.example.com:+80/ "
        "http://www.example.com:8o/ http://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ/ http://www.example.com%00.evil.example/ "
        "http://www.example.com%2f@127.0.0.1/ http://ⅼocalhost/ http://www.example.com⁄@127.0.0.1/ "
        "http://a／b.example.com/ http://a＠b.example.com/"
    ):
        yield Form("malformed or local", url)


def _translated(text: str, zero: int) -> str:
    return "".join(chr(zero + int(x)) if x.isdigit() else x for x in text)


def resolver_for(form: Form) -> Callable[[str, int], list[str]]:
    """A resolver that knows the form's names and, like the system's, numbers in every form that inet_aton reads."""
    names = {"www.example.com": (PUBLIC,), **dict(form.names)}

    def resolve(host: str, port: int) -> list[str]:
        if host in names:
            return list(names[host])
        try:
            return [socket.inet_ntoa(socket.inet_aton(host))]
        except OSError:
            raise socket.gaierror(f"no such host: {host}") from None

    return resolve


GOOD = tuple(
    f"{scheme}://{host}{rest}"
    for scheme in ("http", "https")
    for host in _words(
        "www.example.com example.com. EXAMPLE.com xn--mnchen-3ya.example.com münchen.example.com a_b.example.com "
        "sub.sub2.example.co.uk 93.184.216.34 8.8.8.8 1.1.1.1 [2606:2800:220:1:248:1893:25c8:1946] [2a00:1450::1] "
        "127.example.com 0x7f.example.com 10.0.0.1.example.com localhost.example.com bücher.example 例え.example.jp "
        "a.example.com"
    )
    for rest in (
        "/",
        "",
        "/a/b.html?x=1&y=http://127.0.0.1/",
        "/wiki/Ärger_(Gefühl)#Teil",
        "/a%20b/%2e%2e/c?q=a+b@c:d",
        "?q=1",
    )
)
"""Ordinary public addresses: all must pass."""
