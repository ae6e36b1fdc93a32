"""Options under the names people type; what is not known is refused; secrets are not told."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest

import zarrite
from servers.s3 import Server
from stores.remotes import CELLS, made, opened, options, store_at
from zarrite.errors import StoreError, UrlError
from zarrite.stores.remote import remote_store
from zarrite.stores.remote_options import told

SECRET = "s3cr3t/w0rd"


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No variable and no file of the machine says who we are."""
    import os

    for name in list(os.environ):
        if name.startswith(("AWS_", "AZURE_", "GOOGLE_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))


@pytest.mark.parametrize(
    "ways",
    [
        {"endpoint_url": "URL", "key": "me", "secret": SECRET},
        {"endpoint_url": "URL", "key": "me", "secret": SECRET, "token": None, "use_listings_cache": False},
        {"client_kwargs": {"endpoint_url": "URL", "region_name": "eu-1"}, "key": "me", "secret": SECRET},
        {"endpoint": "URL", "access_key_id": "me", "secret_access_key": SECRET, "region": "eu-1", "allow_http": True},
        {"endpoint_url": "HOST", "use_ssl": False, "key": "me", "secret": SECRET},
        {
            "endpoint_url": "URL",
            "username": "me",
            "password": SECRET,
            "addressing_style": "path",
            "config_kwargs": {"s3": {"addressing_style": "path"}, "read_timeout": 5, "retries": {"max_attempts": 3}},
        },
    ],
)
def test_s3_is_told_in_the_words_of_s3fs(s3: Server, ways: dict[str, Any]) -> None:
    made(s3)
    s3.turn(access_key="me")
    text = repr(ways).replace("URL", s3.url).replace("HOST", s3.url.removeprefix("http://"))
    found = zarrite.open_array(f"s3://{s3.bucket}/a", mode="r", storage_options=eval(text))
    assert found[0, 0] == CELLS[0, 0]


def test_the_environment_is_heeded_and_heeded_again_when_it_changes(
    s3: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    made(s3)
    s3.turn(access_key="me", session_token="tok")
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3.url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "other")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    with pytest.raises(PermissionError):
        zarrite.open_array(f"s3://{s3.bucket}/a", mode="r")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "me")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "tok")
    assert zarrite.open_array(f"s3://{s3.bucket}/a", mode="r").shape == (64, 64)


def test_anonymous_requests_carry_no_signature(s3: Server) -> None:
    made(s3)
    zarrite.open_array(f"s3://{s3.bucket}/a", mode="r", storage_options={"endpoint_url": s3.url, "anon": True})
    s3.settle()
    assert "authorization" not in s3.requests()[-1].headers
    opened(s3)
    s3.settle()
    assert s3.requests()[-1].headers["authorization"].startswith("AWS4-HMAC-SHA256")


def test_who_pays_says_so(s3: Server) -> None:
    made(s3)
    s3.turn(requester_pays=True)
    with pytest.raises(PermissionError):
        opened(s3)
    assert opened(s3, requester_pays=True).shape == (64, 64)


def profiles(tmp_path: Path, config: str = "", credentials: str = "") -> None:
    (tmp_path / "config").write_text(config)
    (tmp_path / "credentials").write_text(credentials)


def test_profiles_are_read_from_both_files(s3: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made(s3)
    s3.turn(access_key="me", session_token="tok")
    profiles(
        tmp_path,
        f"[profile lab]\nregion = eu-1\nendpoint_url = {s3.url}\n",
        f"[lab]\naws_access_key_id = me\naws_secret_access_key = {SECRET}\naws_session_token = tok\n"
        "[default]\naws_access_key_id = nobody\naws_secret_access_key = x\n",
    )
    place = f"s3://{s3.bucket}/a"
    assert zarrite.open_array(place, mode="r", storage_options={"profile": "lab"}).shape == (64, 64)
    with pytest.raises(PermissionError):
        zarrite.open_array(place, mode="r", storage_options={"endpoint_url": s3.url})
    monkeypatch.setenv("AWS_PROFILE", "lab")
    assert zarrite.open_array(place, mode="r").shape == (64, 64)


@pytest.mark.parametrize(
    "cause", ["credential_process = /bin/keys", "role_arn = arn:aws:iam::1:role/a\nsource_profile = b"]
)
def test_a_profile_whose_keys_come_from_a_program_is_refused_with_the_way_out(tmp_path: Path, cause: str) -> None:
    profiles(tmp_path, f"[profile lab]\n{cause}\n")
    with pytest.raises(UrlError, match=r"credentials.*function"):
        remote_store("s3://b/a", {"profile": "lab"})


def test_a_profile_that_is_not_there_and_a_file_that_is_none_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UrlError, match="'lab'"):
        remote_store("s3://b/a", {"profile": "lab"})
    profiles(tmp_path, "no section\n")
    with pytest.raises(UrlError, match="config"):
        remote_store("s3://b/a", {"profile": "lab"})


def test_an_option_that_is_not_known_is_refused_with_those_that_are_near() -> None:
    for place in ("s3://b/a", "gs://b/a", "az://b/a", "https://h/a"):
        with pytest.raises(UrlError, match="no option 'foo'"):
            remote_store(place, {"foo": 1})
    with pytest.raises(UrlError, match="did you mean 'endpoint_url'"):
        remote_store("s3://b/a", {"endpoint_ulr": "http://x"})
    with pytest.raises(UrlError, match="did you mean 'account_name'"):
        remote_store("az://b/a", {"acount_name": "x"})
    with pytest.raises(UrlError, match=r"client_kwargs\.endpoint_ulr"):
        remote_store("s3://b/a", {"client_kwargs": {"endpoint_ulr": "http://x"}})


@pytest.mark.parametrize(
    "wrong",
    [
        {"timeout": 0},
        {"timeout": "long"},
        {"retries": -1},
        {"key": ["a"]},
        {"client_kwargs": 3},
        {"sign": "me"},
        {"addressing_style": "round"},
        {"endpoint_url": "http://[x"},
        {"anon": "perhaps"},
    ],
)
def test_a_value_that_makes_no_sense_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(UrlError):
        remote_store("s3://b/a", {"key": "k", "secret": "s"} | wrong)


def test_google_is_told_in_the_words_of_gcsfs(tmp_path: Path) -> None:
    file = tmp_path / "key.json"
    file.write_text("{}")
    assert told("gs", {"token": "anon", "project": "p"}).options == {"skip_signature": "true"}
    assert told("gs", {"anon": True}).options == {"skip_signature": "true"}
    assert told("gs", {"token": str(file)}).options == {"application_credentials": str(file)}
    assert told("gs", {"token": {"type": "service_account"}}).options == {
        "service_account_key": '{"type": "service_account"}'
    }
    assert told("gs", {"token": "anon", "requester_pays": True, "project": "p"}).rules == {
        "header:x-goog-user-project": "p"
    }
    for wrong in ({"token": "browser"}, {"token": "/no/such/file"}, {"requester_pays": True}):
        with pytest.raises(UrlError):
            told("gs", wrong)


def test_azure_is_told_in_the_words_of_adlfs() -> None:
    text = "DefaultEndpointsProtocol=https;AccountName=acc;AccountKey=a2V5;EndpointSuffix=core.windows.net"
    assert told("az", {"connection_string": text}).options == {"account_name": "acc", "account_key": "a2V5"}
    text = "AccountName=dev;AccountKey=a2V5;BlobEndpoint=http://127.0.0.1:10000/dev;"
    assert told("az", {"connection_string": text}).options == {
        "account_name": "dev",
        "account_key": "a2V5",
        "endpoint": "http://127.0.0.1:10000/dev",
        "allow_http": "true",
    }
    assert told("az", {"account_name": "a", "credential": "sv=1&sig=x"}).options["sas_token"] == "sv=1&sig=x"
    assert told("az", {"account_name": "a", "credential": "a2V5"}).options["account_key"] == "a2V5"

    class Credential:
        def get_token(self, scope: str) -> Any:
            raise AssertionError(scope)

    assert "credentials" in told("az", {"account_name": "a", "credential": Credential()}).functions
    with pytest.raises(UrlError):
        told("az", {"account_name": "a", "credential": 3})


def test_secrets_are_in_no_url_no_name_and_no_error(s3: Server) -> None:
    store = store_at(s3, secret=SECRET, token="t0ken")
    store.put("a", b"1").result()
    texts = [repr(store), store.url, store.identity]
    s3.turn(faults=[{"kind": "status", "status": 403, "code": "SignatureDoesNotMatch"}])
    for what in (
        lambda: store.get("a").result(),
        lambda: store.put("a", b"").result(),
        lambda: store.list("").result(),
    ):
        with pytest.raises(StoreError) as caught:
            what()
        texts += [str(caught.value), repr(caught.value)]
    for text in texts:
        assert SECRET not in text
        assert "t0ken" not in text


def test_places_with_other_credentials_or_servers_are_other_places(s3: Server) -> None:
    one = store_at(s3)
    assert one.identity == store_at(s3).identity
    assert one.identity != store_at(s3, secret="other").identity
    assert one.identity != store_at(s3, endpoint_url=f"{s3.url}/").identity
    assert one != store_at(s3, key="other")


def test_a_handle_of_better_credentials_is_not_read_with_worse(s3: Server) -> None:
    made(s3, shards=(64, 64))
    better = opened(s3)
    assert better[0, 0] == 1
    worse = opened(s3, key="worse")
    s3.turn(access_key="key")
    assert better[0, 1] == 2
    with pytest.raises(PermissionError):
        worse[0, 0]


def test_a_url_without_a_bucket_or_with_words_that_would_be_lost_is_refused() -> None:
    for place in ("s3:///a", "https:///a", "s3://b/a?x=1", "https://h/a#b"):
        with pytest.raises(UrlError):
            remote_store(place)


def test_the_url_of_a_store_opens_it_again(s3: Server) -> None:
    made(s3, "deep/er/a b")
    array = opened(s3, "deep/er/a b")
    assert array.store.url == f"s3://{s3.bucket}/deep/er/a b"
    assert zarrite.open_array(array.store.url, mode="r", storage_options=options(s3))[0, 0] == 1
    assert pickle.loads(pickle.dumps(array))[0, 0] == 1
