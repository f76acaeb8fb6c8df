import pytest

from agents.outbound.networks import Networks


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "100.64.0.1",  # shared by carriers
        "169.254.169.254",  # where clouds serve credentials
        "0.0.0.0",  # noqa: S104
        "224.0.0.1",
        "255.255.255.255",
        "240.0.0.1",
        "::1",
        "::",
        "fe80::1%eth0",
        "fd00:ec2::254",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "::127.0.0.1",
        "2002:7f00:1::",  # 6to4 of 127.0.0.1
        "64:ff9b::169.254.169.254",
        "2001:0:1::",  # Teredo
        "localhost",
        "",
    ],
)
def test_the_internet_has_no_special_addresses(address: str) -> None:
    assert not Networks(public=True).allows(address)


@pytest.mark.parametrize("address", ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"])
def test_public_addresses_are_allowed_by_that_word_only(address: str) -> None:
    assert Networks.parse(["public"]).allows(address)
    assert not Networks.parse(["10.0.0.0/8"]).allows(address)
    assert not Networks().allows(address)


def test_networks_and_addresses_can_be_listed() -> None:
    networks = Networks.parse(["Public", "10.0.0.0/8", "fd00::/8", "127.0.0.1"])

    assert all(networks.allows(one) for one in ("10.255.0.1", "fd00::1", "127.0.0.1", "8.8.8.8"))
    assert networks.allows("::ffff:10.0.0.1")
    assert not networks.allows("127.0.0.2")
    assert str(networks) == "public, 10.0.0.0/8, fd00::/8, 127.0.0.1/32"


@pytest.mark.parametrize("words", [["10.0.0.1/8"], ["internal"], ["10.0.0.0/33"], [""]])
def test_other_words_are_refused(words: list[str]) -> None:
    with pytest.raises(ValueError, match=r"does not appear|has host bits"):
        Networks.parse(words)


def test_link_local_addresses_need_a_network_of_their_own() -> None:
    everything = Networks.parse(["0.0.0.0/0", "::/0"])

    assert everything.allows("127.0.0.1")
    assert not everything.allows("169.254.169.254")
    assert not everything.allows("fe80::1")
    assert not everything.allows("0.0.0.0")  # noqa: S104
    assert not everything.allows("224.0.0.1")
    assert Networks.parse(["169.254.10.0/24"]).allows("169.254.10.1")
    assert Networks.parse(["fe80::/10"]).allows("fe80::1%eth0")


def test_an_address_behind_a_gateway_must_be_allowed_too() -> None:
    gateway = Networks.parse(["64:ff9b::/96", "public"])

    assert gateway.allows("64:ff9b::8.8.8.8")
    assert not gateway.allows("64:ff9b::10.0.0.1")
